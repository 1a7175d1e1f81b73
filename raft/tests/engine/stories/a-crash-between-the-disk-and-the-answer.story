# A follower that crashed after it wrote and before it answered is asked again, and that does no harm.
#
# Node 2 has `x` on its disk, and its answer is lost with it; node 3 is down all the time. The leader
# goes on asking, and what it sends next holds `x` once more. Node 2 writes nothing, but now it answers.
cluster 3
campaign 1
settle
crash 3
propose 1 x
durable 1
deliver 1->2
expect 2 held 1
crash 2 keeping 1
expect 2 disk 1 1
heartbeat 1
deliver 1->2
restart 2
heartbeat 1
deliver 1->2
deliver 2->1
deliver 1->2
expect 2->1 carries 1
deliver 2->1
expect 2 disk 1 1
expect 1 commit 2
