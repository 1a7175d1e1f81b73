# No more appends are under way to a follower than the limit allows; acknowledgements
# make room.
#
# With a limit of two, the third proposal stays at home until the first is acknowledged,
# and then travels with the fourth in one batch, so nothing is lost by waiting.
cluster 3
limit inflight 2
campaign 1
settle
propose 1 a
propose 1 b
propose 1 c
propose 1 d
expect 1->2 carries 2
deliver 1->2
durable 2
deliver 2->1
expect 1->2 carries 2
deliver 1->2 all
durable 2
expect 2 disk 1 1 1 1 1
settle
expect all log 1 1 1 1 1
expect 1 commit 5
