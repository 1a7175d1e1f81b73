# An acknowledgement that is lost is made good by the answer to the next heartbeat.
#
# The follower has `x` on its disk and said so, but the leader never heard it. Nothing is
# wrong with the follower's log, so nothing is sent again; the heartbeat's answer repeats
# what is durable, and that commits.
cluster 3
campaign 1
settle
crash 3
propose 1 x
durable 1
deliver 1->2
durable 2
drop 2->1
drop all
expect 1 commit 1
heartbeat 1
drop 1->3
deliver 1->2
expect 2 commit 1
deliver 2->1
expect 1 commit 2
expect 1->2 carries 0
