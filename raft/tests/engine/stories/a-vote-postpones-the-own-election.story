# A voter that grants starts its own timer anew; hearing a candidate whom it refuses is no
# reason to wait.
#
# Node 2 campaigns 300 ms after the start and crashes. Node 1 votes for it; node 4, which has the better
# log, refuses and learns the term only; node 3 hears nothing. By their priorities the timers of nodes 1
# and 4 run out between 300 and 450 ms, whatever is drawn, and that of node 3 between 450 and 600.
# Node 4 campaigns first. Node 1 gave its vote at 300 ms, so its time now comes after 600, and node 3 is next.
cluster 4
priority 1: 2
priority 3: 1
priority 4: 2
log 4: 1
hard 2: 1
wait 300
campaign 2
durable 2
deliver 2->1
deliver 2->4
drop 2->3
durable all
expect 1 vote 2
expect 4 vote none
expect 4 term 2
crash 2
drop all
next
expect 4 candidate
drop all
crash 4
next
expect 3 candidate
expect 1 follower
