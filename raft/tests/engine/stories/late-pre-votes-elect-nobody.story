# A pre-vote names the term that it is for, and is not counted for any other.
#
# Node 1 asks nodes 2 and 3 about term 1. Both would vote for it, but their answers are slow:
# it has learned of term 4 in the meantime, from node 4's request, and asks about term 5 when
# they arrive. They say nothing about term 5. Those of the new question do, once each.
cluster 5
with pre-vote
hard 4: 4
ask 1
deliver 1->2
deliver 1->3
expect 2->1 carries 1
ask 4
deliver 4->1
expect 1 term 4
drop 1->2 all
drop 1->3 all
drop 1->5 all
ask 1
deliver 2->1
deliver 3->1
expect 1 pre-candidate
expect 1 term 4
duplicate 1->2
deliver 1->2 all
deliver 2->1 all
expect 1 pre-candidate
deliver 1->3
deliver 3->1
expect 1 candidate
expect 1 term 5
