# A leader that hears from a quorum ignores requests for votes; one that does not gives way.
#
# Node 2 does not hear the leader, node 1, which hears it. First node 3 answers the leader's
# heartbeats, so a quorum follows it and node 2 campaigns in vain. Then node 3 is down: that
# node 2 *speaks* shows no quorum, because it does not answer. After the shortest election timeout the leader
# believes a candidate rather than itself. Here nobody makes it step down before.
cluster 3
campaign 1
settle
heartbeat 1
settle 1 3
drop 1->2
campaign 2
durable 2
heartbeat 1
settle 1 3
deliver 2->1
expect 1 leader
expect 1 term 1
crash 3
campaign 2
durable 2
deliver 2->1 all
durable 1
deliver 1->2 all
expect 2 leader
expect 2 term 3
expect 1 follower
