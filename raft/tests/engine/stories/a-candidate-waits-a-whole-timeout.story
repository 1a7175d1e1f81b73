# A candidate's timer starts anew with its election, and when it runs out there is another one.
#
# Node 1 campaigns 300 ms after the start and nobody hears of it; node 2 is down. Its timer was drawn anew,
# so it runs out between 450 and 600 ms. That of node 3, whose priority is lower, runs out between 300 and
# 450, so node 3 is next, and not before 600 again. Then node 1 holds another election, in another term.
cluster 3
priority 3: 2
crash 2
wait 300
campaign 1
durable 1
drop all
next
expect 3 candidate
expect 1 term 1
durable 3
drop all
next
expect 1 candidate
expect 1 term 2
