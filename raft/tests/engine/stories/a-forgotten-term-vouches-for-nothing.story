# A heartbeat's answer vouches for nothing while the term in which it is given could be forgotten.
#
# Node 5 holds 1.2, durably. It hears node 1, the leader of term 4, for the first time, and answers its
# heartbeat before term 4 is on its disk. It crashes, is back in term 1, and rightly obeys node 4, the leader
# of term 3, which nobody has told yet: 1.2 gives way to 3.2. Had its answer said that 1.2 matches, node 1
# would let it commit up to 2 now, which is 3.2 there and 1.2 everywhere else.
cluster 5
log 1: 1 1
log 2: 1
log 3: 1
log 4: 1
log 5: 1 1
hard 4: 2
hard 1: 3
# Node 4 leads in term 3, with 3.2 on its own disk only.
campaign 4
durable 4
drop 4->5
deliver 4->2
deliver 4->3
durable 2 3
deliver 2->4
deliver 3->4
expect 4 leader
durable 4
# Node 1 leads in term 4.
campaign 1
durable 1
drop 1->4
drop 1->5
deliver 1->2
deliver 1->3
durable 2 3
deliver 2->1
deliver 3->1
expect 1 leader
durable 1
deliver 1->5
expect 5 held 1
heartbeat 1
deliver 1->5
deliver 5->1
crash 5
restart 5
expect 5 term 1
expect 5 log 1 1
# The append of the leader of term 3 has been on its way for long.
deliver 4->5
durable 5
expect 5 disk 1 3
settle 1 2 3
expect 1 commit 3
heartbeat 1
drop 1->4 all
deliver 1->5
expect 5 term 4
expect 5 commit 0
expect 5 log 1 3
settle
heartbeat 1
settle
expect all log 1 1 4
heartbeat 1
settle
expect all commit 3
show
