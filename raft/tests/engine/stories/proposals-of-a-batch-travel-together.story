# Proposals that come together are written together and sent as one append, and yet each has the
# outcome that it would have had alone.
#
# Six bytes are the most that may be uncommitted here: `sevenb.` is too large, `ef` finds the leader full, `g` still fits
# behind it. Of a batch that is larger than an append may be, each follower is sent the parts.
cluster 3
limit bytes 6
limit batch 2
campaign 1
settle
propose 1 a b
expect a at 1.2
expect b at 1.3
settle
propose 1 sevenb. abc cd ef g
expect sevenb. refused
expect abc at 1.4
expect cd at 1.5
expect ef refused
expect g at 1.6
settle
heartbeat 1
settle
expect 2 log 1 1 1 1 1 1
show
propose 2 x y
expect x refused
expect y refused
