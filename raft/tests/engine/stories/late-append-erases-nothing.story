# An append that was overtaken arrives last; it must not cut off what came behind it.
#
# The follower has acknowledged `a`, `b` and `c`, so the leader may have committed them.
# A copy of the append with `a` alone arrives late. Its entry is there already, so nothing
# is done: only an entry that *conflicts* removes what follows it. Nor does the leader think less of the
# follower because of the late answer: its heartbeat still lets it commit everything.
cluster 3
campaign 1
settle
propose 1 a
propose 1 b
propose 1 c
duplicate 1->2
deliver 1->2
deliver 1->2
deliver 1->2
durable 2
expect 2 disk 1 1 1 1
deliver 1->2
expect 2 log 1 1 1 1
expect 2 disk 1 1 1 1
settle
expect all log 1 1 1 1
expect 1 commit 4
heartbeat 1
settle
expect all commit 4
show
