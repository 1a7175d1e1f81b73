# A leader sends entries before its own disk has them, and counts itself only afterwards.
#
# First its disk is the slow one: both followers are done, which is a majority, and the
# entry is committed although the leader could still lose it. Then a follower is slow: the
# leader and one follower would be a majority, but the leader's write is still under way,
# so nothing is committed until its disk says so.
cluster 3
campaign 1
settle
heartbeat 1
settle
expect all commit 1
propose 1 x
expect 1 disk 1
deliver all
durable 2 3
deliver all
expect 1 commit 2
expect 1 disk 1
durable 1
propose 1 y
deliver 1->2
durable 2
deliver 2->1
expect 1 commit 2
durable 1
expect 1 commit 3
settle
show
