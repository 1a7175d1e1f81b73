# A follower commits no further than the append has shown its log to be the leader's.
#
# Node 3 holds two entries of term 2 that nobody else has. The leader of term 3 has
# committed up to 4 and says so, in an append that reaches only to index 1. What stands
# behind that at node 3 is another leader's: committing min(4, its own last index) would
# commit two entries that the leader then replaces.
cluster 3
log 1: 1 1
log 2: 1 1
log 3: 1 2 2
hard 1: 2
campaign 1
settle 1 2
propose 1 x
settle 1 2
expect 1 commit 4
drop all
forge 1->3 append 3 behind 1.1 commit 4
deliver 1->3
durable 3
expect 3 log 1 2 2
expect 3 commit 1
# A heartbeat speaks only of what the leader knows to be equal.
heartbeat 1
deliver 1->3
expect 3 commit 1
settle
heartbeat 1
settle
expect all log 1 1 3 3
expect all commit 4
show
