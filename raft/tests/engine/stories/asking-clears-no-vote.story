# Asking for pre-votes changes nothing about the vote that was given in the present term.
#
# Nodes 1 and 3 both stand in term 1, and node 2 votes for node 1. Before it hears of a leader
# its own timer runs out and it asks, still in term 1. Node 3's request comes only now: the vote
# of this term is node 1's, whatever node 2 does meanwhile. With a second vote of node 2 there
# would be two leaders in term 1.
cluster 3
with pre-vote
ask 1
ask 3
deliver 1->2
deliver 3->2
deliver 2->1
deliver 2->3
expect 1 candidate
expect 3 candidate
durable 1 3
deliver 1->2
durable 2
expect 2 vote 1
ask 2
expect 2 pre-candidate
expect 2 vote 1
deliver 3->2
expect 2 vote 1
deliver 2->1
expect 1 leader
settle
expect 1 leader
expect all term 1
