# A leader streams appends without waiting; a loss in the middle shows itself at once, a
# loss at the end when the next heartbeat is answered.
#
# The append with `b` is lost: the one behind it does not fit and is rejected, and the
# leader starts over behind `a`. The one behind that misses the same entries, which was said
# already: it is not answered, and the leader starts over only once.
# Then the last append, with `e`, is lost. Nothing is behind it that could be rejected, but
# the heartbeat's answer tells how far the follower's log agrees, and that is not enough.
cluster 2
campaign 1
settle
propose 1 a
propose 1 b
propose 1 c
propose 1 d
durable 1
expect 1->2 carries 4
drop 1->2 #2
deliver 1->2 all
expect 2 log 1 1
deliver 2->1 all
expect 1->2 carries 1
settle
expect all log 1 1 1 1 1
propose 1 e
drop 1->2
settle
expect 2 log 1 1 1 1 1
heartbeat 1
deliver 1->2
deliver 2->1
expect 1->2 carries 1
settle
expect 2 log 1 1 1 1 1 1
expect 1 commit 6
show
