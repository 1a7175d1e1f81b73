# A follower's disk never holds an entry of a term that it could forget.
#
# Node 2 leads in term 3 and hands its entry to node 5, which has slept since term 2. Two
# things go to node 5's disk, the term and the entry, and the term must be first: with the
# entry alone a crash would bring node 5 back in term 2, where it obeys node 1, the leader
# of that term, and lets it replace an entry that nodes 2, 3 and 5 had committed.
# Here the crash keeps one write, node 5 is in term 3, and node 1 is told so.
cluster 5
log all: 1
# Node 1 leads in term 2 and reaches nobody.
campaign 1
durable 1
deliver 1->4
deliver 1->5
durable 4 5
deliver 4->1
deliver 5->1
expect 1 leader
expect 1 term 2
durable 1
drop all
# Node 2 leads in term 3.
campaign 2
durable 2
drop all
campaign 2
settle 2 3 4
expect 2 leader
expect 2 term 3
# The append is the first that node 5 hears of term 3.
drop 2->5 #1
deliver 2->5
expect 5 held 1
crash 5 keeping 1
restart 5
expect 5 term 3
expect 5 log 1
heartbeat 1
deliver 1->5
expect 5 log 1
deliver 5->1
expect 1 follower
settle
heartbeat 2
settle
expect all log 1 3
show
