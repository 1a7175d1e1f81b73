# A lower priority makes a node wait longer, and no more than that.
#
# All were started at the same moment. Node 2 has the highest priority, so its timer is the
# first, whatever is drawn: a step lower waits one whole width of the range longer. Then it is
# gone, and node 3 comes before node 1. When node 1 alone has the log that it takes, node 2
# campaigns again and again and in vain, but cannot keep node 1's timer from running out: it is
# elected, with the lowest priority of all.
cluster 3
priority 1: 0
priority 3: 2
next
settle
expect 2 leader
crash 2
next
settle 1 3
expect 3 leader
propose 3 x
durable 3
deliver 3->1 all
crash 3
durable 1
restart 2
wait 150
next
settle 1 2
expect 2 candidate
next
settle 1 2
expect 2 candidate
tick 1
settle 1 2
expect 1 leader
