# What a leader knew about its followers is worth nothing in its next term.
#
# In term 1 node 1 knows that both others hold `x`, and its heartbeats let them commit it. Node 2 leads
# in term 2 and node 1 again in term 3. Now its heartbeats let nobody commit anything, though it has
# committed up to 2 itself: it knows of no match, as logs may have changed in between. What it
# sends first is what comes behind its own last entry, 2.3. Node 3's answer tells it that all before is equal,
# too, and its next heartbeat lets node 3 commit up to 4, and node 2, of which nothing was heard, still nothing.
cluster 3
campaign 1
settle
propose 1 x
settle
heartbeat 1
settle
expect all commit 2
campaign 2
settle
campaign 1
durable 1
deliver 1->2
durable 2
deliver 2->1
expect 1 leader
expect 1 term 3
expect 1->3 carries 2
heartbeat 1
drop 1->2 all
drop 1->3 #1
deliver 1->3
durable all
deliver 3->1
expect 1 commit 4
heartbeat 1
drop 1->2 all
deliver 1->3 all
expect 3 commit 4
heartbeat 1
settle
expect all log 1 1 2 3
heartbeat 1
settle
expect all commit 4
