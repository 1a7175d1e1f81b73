# Without forwarding a follower names the leader instead: a definite answer, and the client's next request goes there.
#
# With it, who knows no leader refuses as well: there is nobody to pass anything on to.
cluster 3
propose 2 early
expect early refused
campaign 1
settle
propose 2 a
expect a refused
expect 2->1 carries 0
