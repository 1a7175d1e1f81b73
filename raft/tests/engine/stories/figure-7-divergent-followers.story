# The paper's figure 7: every way in which a follower's log can differ from that of a new
# leader, node 1. The followers (a) to (f) are the nodes 2 to 7.
#
# (a) and (b) lack entries, (c) and (d) have more, (e) and (f) both. The leader never
# changes its own log; each follower's is made equal to it, because its append is refused
# until the entry before it agrees, and what conflicts behind that is replaced.
# (c) and (d) do not vote for node 1, as their logs are ahead of its; the other five do.
cluster 7
log 1: 1 1 1 4 4 5 5 6 6 6
log 2: 1 1 1 4 4 5 5 6 6
log 3: 1 1 1 4
log 4: 1 1 1 4 4 5 5 6 6 6 6
log 5: 1 1 1 4 4 5 5 6 6 6 7 7
log 6: 1 1 1 4 4 4 4
log 7: 1 1 1 2 2 2 3 3 3 3 3
hard 1: 7
campaign 1
settle
expect 1 leader
expect 4 vote none
expect 5 vote none
expect all log 1 1 1 4 4 5 5 6 6 6 8
# That it is committed the followers learn from the next heartbeat.
expect 1 commit 11
heartbeat 1
settle
expect all commit 11
show
