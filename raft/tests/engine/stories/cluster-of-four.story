# Four nodes need three: two halves could otherwise elect and commit different things.
#
# Node 1 with node 2's vote is not elected, nor are both enough to commit; three are.
cluster 4
campaign 1
settle 1 2
expect 1 candidate
campaign 4
settle 3 4
expect 4 candidate
# Both stood in term 1. A split vote is resolved by whoever tries again first.
drop all
campaign 1
settle 1 2 3
expect 1 leader
expect 1 commit 1
propose 1 x
settle 1 2
expect 1 commit 1
settle 1 2 3
expect 1 commit 2
settle
heartbeat 1
settle
expect all commit 2
show
