# Of an append that is partly there already, only the rest is written.
#
# The append with `a` is slow. A heartbeat overtakes it, and the answer looks as if `a` were lost, so
# `a` is sent again, together with `b`. Then the slow one arrives, and the first append with `b` is lost.
# Of the last append node 2 writes `b` alone: `a` is neither written twice nor cut off.
cluster 2
campaign 1
settle
propose 1 a
propose 1 b
heartbeat 1
deliver 1->2 #3
deliver 2->1
expect 1->2 carries 3
deliver 1->2
expect 2 log 1 1
drop 1->2
deliver 1->2
expect 2 log 1 1 1
settle
expect all log 1 1 1
expect 1 commit 3
show
