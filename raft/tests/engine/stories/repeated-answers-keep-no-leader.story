# Answers that arrive again prove nothing about now, and keep no leader in office.
#
# Node 2 answered round 1, and the network repeats that answer whenever the leader looks for
# signs of life. The round is counted once. When no later one has been answered for the
# longest election timeout node 1 steps down.
cluster 3
with check-quorum
campaign 1
settle
crash 3
heartbeat 1
deliver 1->2
duplicate 2->1
duplicate 2->1
duplicate 2->1
deliver 2->1
heartbeat 1
heartbeat 1
deliver 2->1
heartbeat 1
heartbeat 1
deliver 2->1
heartbeat 1
deliver 2->1
expect 1 leader
tick 1
expect 1 follower
