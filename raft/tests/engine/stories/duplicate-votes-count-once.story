# A network may deliver one grant twice, and a candidate may be answered twice.
#
# Five nodes elect with three votes. Node 1 has its own and that of node 2, three times
# over, which makes two; only the vote of node 3 elects it. Counting messages instead of
# voters would let two candidates of one term win.
cluster 5
campaign 1
durable 1
duplicate 1->2
deliver 1->2 all
durable 2
duplicate 2->1
expect 2->1 carries 3
deliver 2->1 all
expect 1 candidate
deliver 1->3
durable 3
deliver 3->1
expect 1 leader
# What comes later changes nothing.
deliver 1->4
durable 4
deliver 4->1
expect 1 leader
settle
show
