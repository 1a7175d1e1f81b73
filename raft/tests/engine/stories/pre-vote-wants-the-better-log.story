# Whoever lacks what a majority holds is told so before it raises its term.
#
# Node 3 lacks an entry that nodes 1 and 2 hold, and which may be committed. It would not be
# elected, so it does not even campaign: its own pre-vote is the only one that it gets. Node 2
# asks next, gets those of the others, and only then is there a term 3, in which it wins.
cluster 3
with pre-vote
log 1: 1 1
log 2: 1 1
log 3: 1
hard all: 2
ask 3
settle
expect 3 pre-candidate
expect all term 2
ask 2
settle
expect 2 leader
expect 2 term 3
expect all log 1 1 3
show
