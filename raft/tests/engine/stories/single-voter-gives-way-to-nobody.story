# A single voter with a stalled disk steps down, though there is nobody to lead instead.
#
# Its disk is the quorum: nothing can be committed, so all it could do for its clients is to let
# them wait. They learn that nobody can tell what becomes of `x`, and are sent away. It neither
# campaigns nor raises its term until the disk moves; then it is elected, and commits `x`.
cluster 1
campaign 1
settle
propose 1 x
wait 1450
heartbeat 1
expect 1 leader
wait 100
tick 1
expect 1 follower
propose 1 y
expect y refused
tick 1
tick 1
expect 1 term 1
durable 1
campaign 1
settle
expect 1 leader
expect 1 term 2
expect 1 commit 3
expect x at 1.2
