# What a follower had not synced when it crashed it had not acknowledged either, so its
# loss contradicts nothing; it is sent again.
#
# Node 2 receives `x` and `y`; of its two writes the first survives the crash by chance,
# which is fine as well: it was never told about, and it is the leader's entry.
cluster 3
campaign 1
settle
propose 1 x
propose 1 y
deliver 1->2 all
expect 2 log 1 1 1
expect 2 held 2
crash 2 keeping 1
expect 2 disk 1 1
restart 2
durable 1
expect 1 commit 1
heartbeat 1
settle
expect 2 disk 1 1 1
expect 1 commit 3
show
