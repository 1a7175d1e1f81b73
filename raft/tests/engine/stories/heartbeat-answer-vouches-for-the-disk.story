# A heartbeat's answer is not held back, so it speaks of two things apart: how far the log
# agrees, and how much of that is durable. Only the latter counts towards a commit.
#
# `x` is in node 2's memory when the heartbeat comes: its answer tells the leader that
# nothing was lost, so nothing is sent again, but `x` is on one disk of three. Node 2
# crashes and has lost it, which would be a loss of something committed otherwise.
cluster 3
campaign 1
settle
crash 3
propose 1 x
durable 1
deliver 1->2
heartbeat 1
deliver 1->2
expect 2->1 carries 1
deliver 2->1
expect 1 commit 1
expect 1->2 carries 0
crash 2
restart 2
expect 2 log 1
heartbeat 1
settle 1 2
expect 2 disk 1 1
expect 1 commit 2
