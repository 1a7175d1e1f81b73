# A candidate that hears the leader of its own term has lost, and follows.
#
# Nodes 1 and 2 stand in term 1; node 3 votes for node 1. Node 2's request comes too late
# and is refused. Votes that arrive after that change nothing.
cluster 3
campaign 1
campaign 2
durable 1 2
deliver 1->3
durable 3
deliver 2->3
deliver 1->2
deliver 2->1
deliver 3->1
expect 1 leader
expect 2 candidate
deliver 1->2 all
expect 2 follower
expect 2 term 1
expect 2 vote 2
settle
expect all log 1
show
