# A node that is cut off asks again and again, and its term stays as it is (thesis, 9.6).
#
# Node 3 does not hear the leader. Without the question before it, each timeout would raise
# its term, and when it comes back that term would depose a leader who serves everybody else.
# Its disk is not touched either. Its requests arrive in the end: nodes 1 and 2 know of a
# leader that is well, and the next heartbeat makes node 3 a follower again.
cluster 3
with pre-vote
ask 1
settle
expect 1 leader
ask 3
ask 3
expect 3 term 1
expect 3 pre-candidate
heartbeat 1
drop 1->3
settle 1 2
deliver 3->1 all
deliver 3->2 all
expect 1 leader
expect 2 follower
expect 1->3 carries 0
heartbeat 1
settle
expect 3 follower
expect all term 1
expect 1 leader
