# An append that a follower cannot take postpones its campaign like any other: the leader is there.
#
# Node 3 hears nothing of node 1 but appends behind an entry that it does not hold. They are forged, because
# a leader that heard the answers would soon send what fits. Node 3 rejects each, and after seven of
# them, 50 ms apart and so longer than any election timeout, it still follows. Once they cease its time
# runs out, while node 2 hears heartbeats all along.
cluster 3
campaign 1
settle
next
drop 1->3
forge 1->3 append 1 behind 1.9 commit 1
deliver 1->3
drop 3->1
settle 1 2
next
drop 1->3
forge 1->3 append 1 behind 1.9 commit 1
deliver 1->3
drop 3->1
settle 1 2
next
drop 1->3
forge 1->3 append 1 behind 1.9 commit 1
deliver 1->3
drop 3->1
settle 1 2
next
drop 1->3
forge 1->3 append 1 behind 1.9 commit 1
deliver 1->3
drop 3->1
settle 1 2
next
drop 1->3
forge 1->3 append 1 behind 1.9 commit 1
deliver 1->3
drop 3->1
settle 1 2
next
drop 1->3
forge 1->3 append 1 behind 1.9 commit 1
deliver 1->3
drop 3->1
settle 1 2
next
drop 1->3
forge 1->3 append 1 behind 1.9 commit 1
deliver 1->3
drop 3->1
settle 1 2
expect 3 follower
expect 3 term 1
next
drop 1->3
settle 1 2
next
drop 1->3
settle 1 2
next
drop 1->3
settle 1 2
next
drop 1->3
settle 1 2
next
expect 3 candidate
