# On a link that is slower than the heartbeats a loss must be found as well.
#
# Each answer arrives after the next heartbeat has left, so the latest heartbeat is never
# the one that is answered. A leader that looked at the latest only would wait for ever.
# The append with `x` is lost; the answer to the first heartbeat that left behind it shows
# the gap, no matter how many rounds have begun since.
cluster 2
campaign 1
settle
propose 1 x
durable 1
drop 1->2
heartbeat 1
heartbeat 1
deliver 1->2
heartbeat 1
deliver 2->1
# The lost append is sent again, behind the two heartbeats that are under way.
expect 1->2 carries 3
# Their answers are of the session that is over; they start nothing anew.
deliver 1->2
deliver 1->2
deliver 2->1 all
expect 1->2 carries 1
settle
expect 1 commit 2
# A lost probe is found in the same way: node 2 leads now and probes once.
campaign 2
durable 2
deliver all
durable 1
deliver 1->2
expect 2 leader
drop 2->1
heartbeat 2
heartbeat 2
deliver 2->1
heartbeat 2
deliver 1->2
expect 2->1 carries 3
settle
expect 2 commit 3
