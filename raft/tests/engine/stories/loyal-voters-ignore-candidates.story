# A follower that has just heard its leader does not listen to candidates, whatever their term
# (thesis, 4.2.3).
#
# Node 3 does not hear the leader, but what it says arrives. It campaigns in term 2, here
# without asking before. Node 2 heard the leader less than the shortest election timeout ago
# and ignores the request: not even its term counts, or node 2 would refuse the leader's next
# append. The leader hears from a quorum and ignores it, too. Once node 2 has heard nothing
# of the leader for that long, it grants node 3's next request.
cluster 3
campaign 1
settle
campaign 3
durable 3
heartbeat 1
drop 1->3
settle 1 2
deliver 3->1
deliver 3->2
expect 1 leader
expect 2 term 1
expect 3 candidate
campaign 3
durable 3
deliver 3->2
durable 2
expect 2 vote 3
deliver 2->3
expect 3 leader
settle
expect 1 follower
expect all term 3
show
