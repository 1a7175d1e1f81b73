# A voter that was started again grants nothing for the shortest election timeout, because it
# may have heard a leader just before and forgotten it.
#
# Node 3 answers node 1's heartbeat, so node 1 may rely on it for a while, and is started again
# at once. Node 2 asks: before its crash node 3 would have ignored that, and so it does now,
# term and all. 149 ms later it still does; after 150 ms it votes. At the very first start of a
# node there is nothing that it could have forgotten: node 1 was elected at once.
cluster 3
campaign 1
settle
expect 1 leader
campaign 2
durable 2
duplicate 2->3
duplicate 2->3
heartbeat 1
settle 1 3
crash 3
restart 3
crash 1
deliver 2->3
expect 3 term 1
wait 149
deliver 2->3
expect 3 term 1
wait 1
deliver 2->3
expect 3 term 2
durable 3
expect 3 vote 2
deliver 3->2
expect 2 leader
