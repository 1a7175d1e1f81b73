# A payload that is not in memory is read back, and then sent to who lacks it.
#
# A log may be larger than the memory, so node 1 has some payloads only on its disk. Node 2 lacks them. It gets what is at hand,
# node 1 asks its disk for the rest and goes on with what does not need it: the others get the new entry meanwhile.
# What comes is the entry that was asked for, and one beside it. Both are sent; a third one is asked for when its turn comes.
cluster 4
log 1: 1 1 1? 1? 1?
log 2: 1
log 3: 1 1 1 1 1
log 4: 1 1 1 1 1
campaign 1
settle
expect 1 commit 6
expect 2 log 1 1
show
fetched 1: 3 4
settle
expect 2 log 1 1 1 1
fetched 1: 5
settle
expect 2 log 1 1 1 1 1 2
expect 2 commit 6
