# A pre-vote is given when the voter has heard no leader for the shortest election timeout, not before.
#
# Node 3 asks three times over, because the network repeats it. Then node 2 hears the leader,
# which crashes. At once and 149 ms later node 2 is silent; after 150 ms it would vote for node 3. With
# nodes 2 and 3 there is a majority, and only now a term 2.
cluster 3
with pre-vote
ask 1
settle
expect 1 leader
ask 3
drop 3->1
duplicate 3->2
duplicate 3->2
heartbeat 1
drop 1->3
settle 1 2
crash 1
deliver 3->2
expect 2->3 carries 0
wait 149
deliver 3->2
expect 2->3 carries 0
wait 1
deliver 3->2
expect 2->3 carries 1
expect 2 term 1
deliver 2->3
expect 3 candidate
expect 3 term 2
settle 2 3
expect 3 leader
