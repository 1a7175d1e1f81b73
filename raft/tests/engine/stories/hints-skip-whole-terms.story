# A follower with a long wrong tail is brought back term by term, not entry by entry.
#
# The follower holds eight entries of terms 2 and 3 that the leader of term 5 does not
# have, and lacks those of term 4. Its rejection names its last entry that could possibly
# agree, the leader answers with its own last one that could, and after two rejections
# they stand at index 2, where their logs part. One by one it would have been six.
cluster 3
log 1: 1 1 4 4 4 4 4 4
log 2: 1 1 2 2 2 3 3 3 3 3
log 3: 1 1 4 4 4 4 4 4
campaign 1
settle 1 3
expect 1 leader
drop 1->2
deliver 1->2
expect 2->1 carries 1
deliver 2->1
expect 1->2 carries 1
deliver 1->2
expect 2 log 1 1 4 4 4 4 4 4 5
settle
show
