# Timers that start together do not run out together, so mostly one node campaigns alone.
#
# All three start at the same instant and have the same range. Node 1 is first, node 2 votes for it, and
# node 3 hears nothing of that. Were its timer the same, it would be next. But the new leader
# comes to two heartbeats before, 100 ms, and when they arrive node 3 follows without ever having stood.
cluster 3
next
durable 1
drop 1->3
deliver 1->2
durable 2
deliver 2->1
expect 1 leader
drop 1->3
next
drop 1->3
next
expect 3 term 0
expect 3 follower
settle
expect all term 1
expect 3 vote none
