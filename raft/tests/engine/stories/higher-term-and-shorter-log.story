# One node has the higher term, the other the better log, and there are no more than these
# two of three: they must not wait for each other for ever.
#
# Node 1 once campaigned in vain up to term 5, and its log is short; node 2 holds an entry of
# term 3. Node 2 asks, in term 3. Node 1 must not just ignore a request from the past: it says
# which term it is in, and node 2 adopts that. Node 1 asks and is refused because of its log.
# Then node 2 asks in term 5, is granted, and leads in term 6. If questions of the past were
# left unanswered, or the term of a refusal ignored, node 2 would ask for term 4 until the end.
cluster 3
with pre-vote
log 1: 1
log 2: 1 3
hard 1: 5 vote 1
crash 3
ask 2
settle
expect 2 term 5
expect 2 follower
ask 1
settle
expect 1 pre-candidate
expect 1 term 5
ask 2
settle
expect 2 leader
expect 2 term 6
expect 1 log 1 3 6
heartbeat 2
settle
expect 1 commit 3
