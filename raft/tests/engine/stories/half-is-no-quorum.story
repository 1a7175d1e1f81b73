# In a cluster of four the leader and one follower are two, and three are needed.
#
# Nodes 3 and 4 are down. Node 2 answers every round, which keeps no quorum together: the
# leader could commit nothing. With node 3 back there are three again.
cluster 4
with check-quorum
campaign 1
settle
crash 3
crash 4
heartbeat 1
settle
heartbeat 1
settle
heartbeat 1
settle
heartbeat 1
settle
heartbeat 1
settle
expect 1 leader
tick 1
expect 1 follower
restart 3
# Who has just started grants nothing yet.
wait 150
campaign 1
settle
expect 1 leader
heartbeat 1
settle
heartbeat 1
settle
heartbeat 1
settle
heartbeat 1
settle
heartbeat 1
settle
heartbeat 1
settle
heartbeat 1
settle
heartbeat 1
settle
expect 1 leader
expect 1 term 2
