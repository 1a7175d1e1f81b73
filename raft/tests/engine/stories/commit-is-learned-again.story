# The commit index is not durable: a restarted node learns it again from the leader.
#
# All was committed and everything restarts at once. Nobody knows what was committed, and
# nobody may guess; the entries are on the disks, the next leader has them, and the first
# entry of its term commits them all again.
cluster 3
campaign 1
settle
propose 1 x
settle
heartbeat 1
settle
expect all commit 2
crash 1
crash 2
crash 3
restart 1
restart 2
restart 3
expect all commit 0
expect all log 1 1
campaign 3
settle
expect 3 commit 3
heartbeat 3
settle
expect all commit 3
show
