# *Up-to-date* compares the last entry's term first; length decides only within a term.
#
# Node 1 has the longest log, but of term 1; nodes 2 and 3 hold an entry of term 2, which
# may be committed. Node 1 must not win: it would erase that entry.
cluster 3
log 1: 1 1 1 1
log 2: 1 2
log 3: 1 2
hard 1: 2
campaign 1
settle
expect 1 candidate
expect 2 vote none
expect 3 vote none
campaign 2
settle
expect 2 leader
expect all log 1 2 4
show
