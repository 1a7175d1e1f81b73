# A read is answered from what was committed when it was asked, by a node that led then.
#
# A new leader does not know which of the entries before its own are committed, so a read
# waits for its no-op, index 3 here, even though its commit index still says 0. And it
# waits for a heartbeat round that began after it: the answers to round 1 came to a round
# that was older than read `b`, so they confirm nothing for it.
cluster 3
log all: 1 1
campaign 1
durable 1
deliver all
durable 2 3
deliver all
expect 1 leader
read 1 a
expect a open
# `b` comes while the round of `a` is under way.
read 1 b
drop 1->3 #2
deliver 1->2 #2
deliver 2->1
expect a ready 3
expect b open
expect 1 commit 0
deliver 1->2 #2
deliver 2->1
expect b ready 3
settle
expect 1 commit 3
read 1 c
settle
expect c ready 3
