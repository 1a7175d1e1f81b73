# What counts is progress, not speed: a disk that finishes something within the span leads on.
#
# Node 1's disk is far behind its proposals, but each second one write ends. It leads for longer
# than `timing.disk_stall`, and the disks of the others commit what its own has not got yet. Then
# nothing ends any more, and one span after the last progress it gives way.
cluster 3
campaign 1
settle
propose 1 a
propose 1 b
propose 1 c
deliver all
durable 2 3
deliver all
expect 1 commit 4
expect 1 disk 1
wait 1000
heartbeat 1
durable 1 first 1
wait 1000
heartbeat 1
expect 1 leader
durable 1 first 1
wait 1450
heartbeat 1
expect 1 leader
wait 50
tick 1
expect 1 follower
expect 1 log 1 1 1 1
expect 1 disk 1 1 1
