# A payload that is still being read, or that rotted, is not sent on; votes need none.
#
# Node 1 knows the terms of all its entries, which is all that an election asks, so it
# wins and rightly so: its log is the longest. Node 2 lacks an entry that node 1 cannot
# read at the moment, and node 3 one that is lost. Both are left waiting, as nothing may
# be made up or left out; node 4, which needs neither, gets the new entry. Two disks of
# four commit nothing.
cluster 4
log 1: 1 1! 1 2? 2
log 2: 1 1 1
log 3: 1
log 4: 1 1 1 2 2
campaign 1
settle
expect 1 leader
expect 2 vote 1
expect 3 vote 1
expect 2 log 1 1 1
expect 3 log 1
expect 4 log 1 1 1 2 2 3
expect 1 commit 0
heartbeat 1
settle
expect 2 log 1 1 1
show
