# A leader that hears from no quorum for the longest election timeout gives its term up
# (thesis, 6.2).
#
# Node 1 is alone since the last round. It refuses the read that waits, because somebody else
# must serve it, and cannot tell what becomes of `x`, which is in its log and may yet be
# committed by another leader. It stays in term 1, in which its vote is its own: it must not vote
# again. Node 2's answer to an early heartbeat comes too late to change that.
cluster 3
with check-quorum
campaign 1
settle
heartbeat 1
deliver 1->2
propose 1 x
read 1 r
heartbeat 1
heartbeat 1
heartbeat 1
heartbeat 1
expect 1 leader
tick 1
expect 1 follower
expect r refused
expect x at 1.2
expect 1 term 1
expect 1 vote 1
expect 1 log 1 1
deliver 2->1
expect 1 follower
propose 1 y
expect y refused
drop all
campaign 2
settle
expect 2 leader
expect all log 1 2
