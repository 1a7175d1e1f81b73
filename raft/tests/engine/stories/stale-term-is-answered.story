# A message of an earlier term has no effect, but its sender is told of the present term.
#
# Node 1 was cut off while it led in term 1; meanwhile node 2 was elected in term 2. The
# old leader's append and heartbeat must change nothing at node 3, not even its election
# deadline; the answer makes the old leader step down, which it would otherwise never do.
cluster 3
campaign 1
settle
expect 1 leader
campaign 2
settle 2 3
expect 2 leader
drop all
propose 1 lost
heartbeat 1
deliver 1->3 all
expect 3 term 2
expect 3 log 1 2
expect 1 leader
deliver 3->1
expect 1 follower
expect 1 term 2
# A second answer finds it stepped down already.
deliver 3->1
# A candidate of the past is told as well, by a refusal: node 3 asks in term 3, which is
# over before its request arrives.
campaign 3
durable 3
campaign 1
durable 1
campaign 1
durable 1
expect 1 term 4
deliver 3->1
expect 1 vote 1
deliver 1->3 #3
expect 3 term 4
show
