# A completed write vouches for the bytes that it wrote, never for what stands at the same
# index now.
#
# Node 3 writes 1.2 and 1.3 of node 1, which loses them in a crash itself, and before its disk is done it hears node 2, the
# leader of term 2, who has them replaced by 2.2 and 2.3. The first completion arrives: it
# is about 1.2 and 1.3, which nobody wants any more. Taking it for a completion of what
# is at index 3 now would acknowledge 2.3, which is on no disk but the leader's.
cluster 3
campaign 1
settle
propose 1 a
propose 1 b
deliver 1->3 all
expect 3 log 1 1 1
drop all
crash 1
restart 1
campaign 2
durable 2
deliver 2->1
durable 1
deliver 1->2
expect 2 leader
propose 2 c
durable 2
drop 2->1 all
drop 2->3 #1
deliver 2->3
expect 3 log 1 2
# The first write, 1.2, is durable.
durable 3 first 1
expect 3 disk 1 1
heartbeat 2
deliver 2->3 #1
deliver 3->2
expect 2 commit 0
deliver 2->3
expect 3 log 1 2 2
# The second, 1.3: both are on the disk, and about to be cut off.
durable 3 first 1
expect 3 disk 1 1 1
heartbeat 2
deliver 2->3
deliver 3->2
expect 2 commit 0
settle 2 3
expect 3 disk 1 2 2
expect 2 commit 3
settle
show
