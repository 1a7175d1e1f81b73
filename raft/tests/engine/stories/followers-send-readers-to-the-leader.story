# A follower answers no reads, not even with the leader's help: it says who leads.
#
# Node 2 has the newest state, but cannot know that; with `forwarding`, too, only commands are
# passed on. Nothing is sent, so the refusal is the whole answer.
cluster 3
with forwarding
read 2 early
expect early refused
campaign 1
settle
read 2 r
expect r refused
expect 2->1 carries 0
