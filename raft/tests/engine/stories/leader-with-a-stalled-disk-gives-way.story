# A leader whose own disk gets nothing done for `timing.disk_stall` (1.5 s here) gives way.
#
# Its followers answer, and they could commit `x` between them for ever; but its heartbeats
# would keep them loyal to a node that holds everything in memory. So it does not send the
# next one. It stays in its term, and says so to the reader, who must ask somebody else.
# A quorum of followers is no argument, nor does it need check-quorum. Later its own timer
# runs out: as long as its disk owes something it does not campaign, whether its time has come or
# an operator wants it, because a node that cannot write would otherwise keep winning.
cluster 3
campaign 1
settle
propose 1 x
deliver all
durable 2 3
deliver all
expect 1 commit 2
expect 1 disk 1
heartbeat 1
deliver all
deliver all
wait 1400
heartbeat 1
expect 1 leader
drop all
read 1 r
expect r open
drop all
wait 50
tick 1
expect 1 follower
expect 1 term 1
expect 1 vote 1
expect r refused
expect 1->2 carries 0
tick 1
expect 1 follower
expect 1 term 1
order 1 go
expect go refused
campaign 2
settle 2 3
expect 2 leader
durable 1
settle
expect all log 1 1 2
heartbeat 2
settle
expect all commit 3
wait 300
order 1 again
expect again obeyed
