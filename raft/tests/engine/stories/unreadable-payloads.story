# A payload that is still being read, or that rotted, is not sent on; votes need none.
#
# Node 4 has lost the payload of an entry for good. It knows the terms of all its entries, which is all that a vote asks,
# but whoever leads must serve what it holds, so it does not campaign, and votes for node 1, whose log is as long as its own.
# Node 2 lacks an entry that node 1 cannot read at the moment, and is left waiting, as nothing may be made up or left
# out; nodes 3 and 4, which need none of it, get the new entry, and with node 1 they commit it.
cluster 4
log 1: 1 1 1 2? 2
log 2: 1 1 1
log 3: 1 1 1 2 2
log 4: 1 1! 1 2 2
order 4 o
settle
expect o refused
campaign 1
settle
expect 1 leader
expect 2 vote 1
expect 4 vote 1
expect 2 log 1 1 1
expect 3 log 1 1 1 2 2 3
expect 1 commit 6
heartbeat 1
settle
expect 2 log 1 1 1
show
