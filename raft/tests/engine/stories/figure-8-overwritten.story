# The paper's figure 8, (a) to (d): an entry of an earlier term lies on a majority and is
# overwritten nevertheless, so it must not have been committed by counting replicas.
#
# Node 1 leads in term 2 and reaches only node 2. Node 5 leads in term 3 and reaches
# nobody. Node 1 leads again in term 4 and brings its old entry to node 3: now three of
# five hold it. Then node 5 comes back, wins with the votes of 3 and 4 because its last
# entry is of the later term 3, and replaces the entry everywhere. Had node 1 declared it
# committed, two different entries would have been committed at index 2.
cluster 5
limit batch 1
log all: 1
# (a) Node 1 leads in term 2; its entry 2.2 reaches node 2.
campaign 1
durable 1
drop 1->4
drop 1->5
deliver all
durable 2 3
deliver all
expect 1 leader
durable 1
deliver 1->2
durable 2
crash 1
drop all
# (b) Node 5 leads in term 3 with the votes of 3 and 4, and writes 3.2 to its own disk.
campaign 5
durable 5
drop all
campaign 5
durable 5
deliver 5->3
deliver 5->4
durable 3 4
deliver 3->5
deliver 4->5
expect 5 leader
expect 5 term 3
durable 5
crash 5
drop all
# (c) Node 1 leads in term 4 and brings 2.2 to node 3.
restart 1
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
# It lies on three disks of five, and the leader knows, but it is of term 2.
expect 1 disk 1 2 4
expect 2 disk 1 2 4
expect 3 disk 1 2
expect 1 commit 0
crash 1
drop all
# (d) Node 5 wins and overwrites.
restart 5
campaign 5
durable 5
drop all
campaign 5
settle 3 4 5
expect 5 leader
expect 3 log 1 3 5
restart 1
wait 150
settle
heartbeat 5
settle
heartbeat 5
settle
expect all log 1 3 5
expect all commit 3
show
