# The pipeline to a follower is bounded in bytes, too, and exceeded by one append at most.
#
# Ten bytes may be under way to each follower. `aaaaaa` leaves, and `bbbbbb`, because six are fewer
# than ten; `c` stays at home although it is small. The acknowledgement of the first makes room for
# it, so a follower that hangs holds up nobody else and costs its leader no memory.
cluster 3
limit inflight-bytes 10
campaign 1
settle
propose 1 aaaaaa
propose 1 bbbbbb
propose 1 c
expect 1->2 carries 2
deliver 1->2
durable 2
deliver 2->1
expect 1->2 carries 2
expect 1->3 carries 2
settle
expect all log 1 1 1 1
