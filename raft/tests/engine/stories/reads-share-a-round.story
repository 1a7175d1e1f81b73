# Reads that come while a round is under way share the next one: a thousand reads cost two
# rounds, not a thousand.
#
# `a` starts round 1. `b`, `c` and `d` come before it is confirmed; none of them sends
# anything. Round 2 starts when round 1 is confirmed and serves the three together.
cluster 3
campaign 1
settle
read 1 a
expect 1->2 carries 1
read 1 b
read 1 c
read 1 d
expect 1->2 carries 1
deliver 1->2
deliver 2->1
expect a ready 1
expect b open
expect 1->2 carries 1
deliver 1->2
deliver 2->1
expect b ready 1
expect c ready 1
expect d ready 1
settle
# Nobody waits, so nothing is sent.
expect 1->2 carries 0
