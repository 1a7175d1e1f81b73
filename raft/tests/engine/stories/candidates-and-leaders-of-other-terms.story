# A candidate refuses the leader of an earlier term and stays what it is; that of a later
# term it follows.
#
# Node 3 stands in term 2 and nobody hears of it. The heartbeat of node 1, leader of term 1, arrives
# and changes nothing. Then node 2 is elected in term 3, and its append turns node 3 into a follower.
cluster 3
campaign 1
settle
campaign 3
durable 3
drop all
heartbeat 1
deliver 1->3
expect 3 candidate
expect 3 term 2
drop all
campaign 2
durable 2
drop all
campaign 2
durable 2
deliver 2->1
durable 1
deliver 1->2
expect 2 leader
expect 2 term 3
drop 2->3
deliver 2->3
expect 3 follower
expect 3 term 3
expect 3 vote none
settle
expect all log 1 3
