# An operator may have a node campaign before its time, but not against a leader that is well.
#
# Node 1 is told to campaign, asks first as it would by itself, and is elected. Node 3 is told
# while it hears that leader: its own vote is as good as promised to it, so it refuses, as
# does the leader. When the leader is gone for long enough node 3 obeys. Node 1, just started
# again, refuses.
cluster 3
with pre-vote
order 1 first
expect first obeyed
expect 1 pre-candidate
settle
expect 1 leader
order 3 early
expect early refused
order 1 twice
expect twice refused
crash 1
wait 149
order 3 still
expect still refused
wait 1
restart 1
order 1 back
expect back refused
order 3 now
expect now obeyed
settle
expect 3 leader
expect 3 term 2
