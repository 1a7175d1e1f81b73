# A cluster of one elects, commits and answers reads alone, but not before its disk.
#
# Its own vote is a majority once it is durable, and its own disk is one for each entry.
cluster 1
campaign 1
expect 1 candidate
durable 1
expect 1 leader
read 1 r
expect r ready 1
propose 1 x
expect 1 commit 0
durable 1 first 1
expect 1 commit 1
durable 1
expect 1 commit 2
crash 1
restart 1
expect 1 log 1 1
expect 1 commit 0
campaign 1
settle
expect 1 commit 3
show
