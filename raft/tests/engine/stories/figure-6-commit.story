# The paper's figure 6: logs of different lengths, and what is committed in them.
#
# The leader's entry is committed once a majority holds it durably, and with it every
# entry before it, those of earlier leaders included. Here nodes 1 and 3 hold all eight
# entries, 5 seven, 2 five, 4 two. The entry that the new leader puts behind them is on
# two disks of five first, which is nothing, then on three, which commits all nine.
# Those who were left behind get there in the end, because the leader keeps trying.
cluster 5
log 1: 1 1 1 2 3 3 3 3
log 2: 1 1 1 2 3
log 3: 1 1 1 2 3 3 3 3
log 4: 1 1
log 5: 1 1 1 2 3 3 3
campaign 1
durable 1
deliver 1->3
deliver 1->5
durable 3 5
deliver 3->1
deliver 5->1
expect 1 leader
durable 1
# Two of five.
deliver 1->3
durable 3
deliver 3->1
expect 1 commit 0
# Node 5 lacks one entry before the new one, says so, and gets both.
deliver 1->5
deliver 5->1
deliver 1->5
durable 5
deliver 5->1
# Three of five.
expect 1 commit 9
expect 5 commit 0
settle
heartbeat 1
settle
expect all log 1 1 1 2 3 3 3 3 4
expect all commit 9
show
