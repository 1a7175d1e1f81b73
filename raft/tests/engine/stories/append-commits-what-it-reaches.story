# A follower commits up to the leader's commit index or to the append's last entry, whichever is less.
#
# Node 3 missed `a`, `b` and `c`, all of them committed, and gets them one by one: each append says
# that 4 is committed, and each lets node 3 commit just the entry that it brings. The other way
# round `d`, which is not committed yet, is only added.
cluster 3
limit batch 1
campaign 1
settle
propose 1 a
propose 1 b
propose 1 c
settle 1 2
expect 1 commit 4
drop all
heartbeat 1
drop 1->2
deliver 1->3
deliver 3->1
expect 1->3 carries 1
deliver 1->3
expect 3 commit 2
durable 3
deliver 3->1
deliver 1->3
expect 3 commit 3
durable 3
deliver 3->1
propose 1 d
deliver 1->3
expect 3 commit 4
expect 3 log 1 1 1 1
deliver 1->3
expect 3 log 1 1 1 1 1
expect 3 commit 4
settle
