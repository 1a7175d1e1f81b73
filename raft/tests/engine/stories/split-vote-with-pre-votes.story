# Two may be granted pre-votes at the same time; the votes decide, and a vote is one.
#
# Nodes 1 and 2 ask at once and node 3 would vote for either, because a pre-vote promises
# nothing. Both stand in term 1, node 3 votes for the first that asks, and the other yields.
cluster 3
with pre-vote
ask 1
ask 2
deliver 1->3
deliver 2->3
deliver 3->1
deliver 3->2
expect 1 candidate
expect 2 candidate
durable 1 2
deliver 2->3
durable 3
expect 3 vote 2
drop 1->2 #1
drop 2->1 #1
deliver 1->3 all
deliver 3->2
expect 2 leader
settle
expect 1 follower
expect all term 1
expect 2 leader
