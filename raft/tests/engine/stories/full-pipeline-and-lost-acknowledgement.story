# A heartbeat's answer makes room in a full pipeline, and the room is used at once.
#
# One append may be under way. Its acknowledgement is lost while `y` waits for its turn.
# The next heartbeat's answer says that all has arrived, so there is nothing to repair, and
# nobody proposes anything any more: if the leader did not look for more to send on that
# answer, `y` would stay at home for ever.
cluster 2
limit inflight 1
campaign 1
settle
propose 1 x
propose 1 y
expect 1->2 carries 1
deliver 1->2
durable 1 2
drop 2->1
heartbeat 1
deliver 1->2
deliver 2->1
expect 1 commit 2
expect 1->2 carries 1
settle
expect 1 commit 3
