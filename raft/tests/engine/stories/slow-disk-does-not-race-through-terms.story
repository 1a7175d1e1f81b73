# A candidate asks nobody before its own vote is on its disk, and waits for the disk.
#
# Node 1's disk is slower than its election timeouts. If each timeout began a new term, the
# vote for it would queue up behind the one before, and it would never come to ask anybody.
# It stays in term 1 until its vote is written.
cluster 3
campaign 1
tick 1
tick 1
tick 1
expect 1 term 1
expect 1 candidate
order 1 now
expect now refused
durable 1
deliver 1->2
durable 2
deliver 2->1
expect 1 leader
