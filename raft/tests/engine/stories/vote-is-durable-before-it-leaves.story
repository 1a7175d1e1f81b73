# A vote is a promise for a whole term, so it leaves only when no crash can undo it.
#
# The candidate's own vote is durable before it asks anybody: it crashes before that, has
# asked nobody, and may campaign in the same term again. A voter's grant waits for its
# disk: node 3 crashes with the grant unsent, knows nothing of it, and is free to vote for
# node 2 in that very term. Nobody ever saw two votes of one node.
cluster 3
campaign 1
expect 1 held 2
expect 1->2 carries 0
crash 1
restart 1
expect 1 term 0
campaign 1
durable 1
expect 1->3 carries 1
deliver 1->3
expect 3 vote 1
expect 3 held 1
expect 3->1 carries 0
crash 3
restart 3
# Who has just started grants nothing; that is another story.
wait 150
expect 3 vote none
campaign 2
durable 2
deliver 2->3
durable 3
expect 3 vote 2
deliver 2->1
# Node 1 voted for itself in this term.
deliver 1->2
deliver 3->2
expect 2 leader
expect 1 vote 1
settle
expect 1 follower
show
