# The paper's figure 8, (a) to (c) and then (e): the same old entry, but this time the
# leader of term 4 brings an entry of its own term to a majority before it crashes.
#
# That commits both, because nobody without the entry of term 4 can win any more: node 5
# asks, and every majority contains a node whose last entry is of term 4, later than its
# own of term 3. So the entry of term 2 stays for ever.
cluster 5
limit batch 1
log all: 1
log 1: 1 2
log 2: 1 2
log 5: 1 3
hard 1: 2
hard 3: 3
hard 4: 3
# (c) Node 1 leads in term 4; the old entry reaches node 3.
campaign 1
durable 1
drop all
campaign 1
durable 1
deliver 1->2
deliver 1->3
durable 2 3
deliver 2->1
deliver 3->1
expect 1 leader
expect 1 term 4
durable 1
deliver 1->2
durable 2
deliver 2->1
deliver 1->3
deliver 3->1
deliver 1->3
durable 3
deliver 3->1
expect 3 disk 1 2
expect 1 commit 0
# (e) The entry of term 4 reaches node 3 behind it: both are committed at once.
deliver 1->3
durable 3
deliver 3->1
expect 1 commit 3
crash 1
drop all
campaign 5
durable 5
drop all
campaign 5
settle 2 3 4 5
expect 5 candidate
expect 2 vote none
expect 3 vote none
# Node 3 has what it takes.
campaign 3
settle 2 3 4 5
expect 3 leader
restart 1
wait 150
heartbeat 3
settle
heartbeat 3
settle
expect all log 1 2 4 6
expect all commit 4
show
