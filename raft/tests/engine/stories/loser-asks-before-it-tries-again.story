# A candidate whose time is up asks before it raises its term once more.
#
# Node 1 was granted pre-votes and stands in term 1, but its requests are lost. If it
# campaigned with each timeout it would come back with a high term. It stays in term 1, in
# which it has voted for itself, until a quorum answers; votes for term 1 that come late are
# of no use to it any more.
cluster 3
with pre-vote
ask 1
deliver 1->2
deliver 2->1
expect 1 candidate
durable 1
deliver 1->2 #1
expect 2 vote 1
durable 2
expect 2->1 carries 1
ask 1
ask 1
expect 1 term 1
deliver 2->1
expect 1 pre-candidate
drop all
ask 1
settle
expect 1 leader
expect 1 term 2
