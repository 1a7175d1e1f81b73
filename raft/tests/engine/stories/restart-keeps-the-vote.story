# Term and vote survive a crash, so a restarted voter cannot vote twice in one term.
#
# Node 3 grants node 1 its vote, crashes and comes back. Node 2 asks in the same term with
# as good a log, and is refused: else both would have two votes of three. Node 1 asking
# again is granted again, as the vote is its own already.
cluster 3
campaign 1
durable 1
duplicate 1->3
deliver 1->3
durable 3
crash 3
restart 3
# Who has just started grants nothing; that is another story.
wait 150
expect 3 term 1
expect 3 vote 1
campaign 2
durable 2
deliver 2->3
deliver 3->2
expect 2 candidate
deliver 1->3
deliver 3->1 all
expect 1 leader
settle
expect 2 follower
show
