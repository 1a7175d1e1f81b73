# Rounds are counted anew in each leadership, so an answer to an earlier one must confirm
# none of the present.
#
# Node 1 leads in term 1 and sends round 1 to node 2, where it arrives late: node 1 has
# crashed and leads in term 2 by then. Node 2 answers in term 2, to tell the sender of it.
# Then node 3 is elected in term 3 and commits `new`, unnoticed by node 1, where a read
# starts round 1 of term 2. The late answer arrives. Had it repeated the number of the
# round, it would look like node 2's answer to the round of the read, and the read would
# be served without `new`.
cluster 3
campaign 1
settle
heartbeat 1
drop 1->3
expect 1->2 carries 1
crash 1
restart 1
campaign 1
durable 1
deliver 1->2 #2
durable 2
deliver 2->1
expect 1 leader
expect 1 term 2
durable 1
deliver 1->2 #1
expect 2->1 carries 1
drop 1->2
drop 1->3 all
campaign 3
durable 3
drop 3->2
campaign 3
durable 3
deliver 3->2
durable 2
deliver 2->3
expect 3 leader
expect 3 term 3
settle 2 3
propose 3 new
settle 2 3
expect 3 commit 3
drop 3->1 all
read 1 old
deliver 2->1 #1
expect old open
settle
expect old refused
