# A leader belongs to a quorum only while its disk gets things done.
#
# Alone in its cluster, node 1 is its own quorum. While nothing waits for its disk it leads for
# ever. Then the disk hangs with `x` on the way: nothing can be committed, and after the longest
# election timeout it steps down and says so to its clients instead of letting them wait. When
# the disk is back it is elected again, and `x` was in its log all the time.
cluster 1
with check-quorum
campaign 1
durable 1
durable 1
expect 1 leader
heartbeat 1
heartbeat 1
heartbeat 1
heartbeat 1
heartbeat 1
heartbeat 1
heartbeat 1
heartbeat 1
expect 1 leader
propose 1 x
heartbeat 1
heartbeat 1
heartbeat 1
heartbeat 1
heartbeat 1
expect 1 leader
tick 1
expect 1 follower
propose 1 y
expect y refused
durable 1
campaign 1
settle
expect 1 leader
expect 1 commit 3
