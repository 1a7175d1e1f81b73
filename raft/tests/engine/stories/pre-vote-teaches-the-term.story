# The same the other way round: the one with the better log is ahead in term as well, and who
# is behind asks it.
#
# A question is asked in the asker's present term, so node 1, which is behind, learns term 5
# from node 2's request and answers in it. An answer in its own lower term would be one of the
# past to node 2, and with node 3 away nobody could ever be elected.
cluster 3
with pre-vote
log 1: 1
log 2: 1 4
hard 2: 5 vote 2
crash 3
ask 2
deliver 2->1
expect 1 term 5
deliver 1->2
expect 2 candidate
settle
expect 2 leader
expect 2 term 6
