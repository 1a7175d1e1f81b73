# Only the leader of the present term keeps a follower quiet.
#
# Node 3 follows node 2, the leader of term 2, and node 2 is gone. Node 1 leads in term 1 and its heartbeats
# arrive; only the answers are lost. If they counted, node 3 would wait for ever, because a heartbeat
# comes every 50 ms. They do not: its timer runs out, and it stands in term 3.
cluster 3
campaign 1
settle
campaign 2
settle 2 3
crash 2
drop all
expect 1 leader
expect 3 term 2
next
deliver 1->3
drop all
next
deliver 1->3
drop all
next
deliver 1->3
drop all
next
deliver 1->3
drop all
next
deliver 1->3
drop all
next
expect 3 candidate
expect 3 term 3
