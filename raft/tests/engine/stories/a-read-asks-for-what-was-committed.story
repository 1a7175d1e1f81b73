# A read must see what was committed when it came, needs a majority for that, and waits for nothing else.
#
# `x` is on its way when the read comes, and is committed before the read's round is answered. The read
# does not ask for it: it came earlier. One answer of four is no majority with the leader;
# two are. A read that comes now must see `x`.
cluster 5
campaign 1
settle
propose 1 x
read 1 early
deliver 1->2 #1
deliver 1->3 #1
durable 1 2 3
deliver 2->1
deliver 3->1
expect 1 commit 2
expect early open
deliver 1->4 #2
deliver 4->1
expect early open
deliver 1->5 #2
deliver 5->1
expect early ready 1
read 1 late
settle
expect late ready 2
