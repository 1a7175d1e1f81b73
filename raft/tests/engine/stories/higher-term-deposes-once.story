# A node that comes back with a higher term and a shorter log cannot be ignored for ever: it
# cannot follow a leader of a lower term. It deposes that leader once, and does not stop the
# cluster.
#
# Node 3 campaigned up to term 3 while it was alone and its disk is behind. Its requests are
# ignored. But the leader's heartbeat reaches it, the answer tells of term 3, and node 1 steps down.
# Node 3 cannot win, nodes 1 and 2 can; with the next election all three are together again.
cluster 3
campaign 1
settle
campaign 3
durable 3
campaign 3
durable 3
drop all
propose 1 x
settle 1 2
expect 1 commit 2
drop all
heartbeat 1
settle
expect 1 follower
expect 1 term 3
campaign 3
settle
expect 3 candidate
campaign 2
settle
expect 2 leader
heartbeat 2
settle
expect all log 1 1 5
expect all commit 3
