# Followers are loyal to their leader, so a request of its own is one that they hear.
#
# Node 1 leads, gets no answers any more and steps down, while node 2 heard every heartbeat.
# Then nodes 3 and 1 both stand. Node 2 does not listen to node 3, because its leader was
# there a moment ago; but it listens to node 1, which is the one that it would wait for.
cluster 3
with check-quorum
campaign 1
settle
heartbeat 1
deliver 1->2
heartbeat 1
deliver 1->2
heartbeat 1
deliver 1->2
heartbeat 1
deliver 1->2
heartbeat 1
deliver 1->2
drop 2->1 all
drop 1->3 all
tick 1
expect 1 follower
expect 2 follower
campaign 3
durable 3
deliver 3->2
expect 2 term 1
order 1 again
expect again obeyed
durable 1
deliver 1->2
durable 2
expect 2 vote 1
deliver 2->1
expect 1 leader
expect 1 term 2
