# A leader that was replaced without noticing must not answer a read from its old state.
#
# Node 1 is cut off and still believes that it leads; node 2 is elected and commits `new`.
# A read at node 1 that did not ask anybody would miss `new`. It asks, and learns of term 2:
# the read is refused, which tells the client to ask elsewhere. A read at node 2 sees `new`.
cluster 3
campaign 1
settle
campaign 2
settle 2 3
drop all
propose 2 new
settle 2 3
expect 2 commit 3
read 1 old
expect old open
deliver 1->3
expect old open
deliver 3->1
expect old refused
expect 1 follower
read 1 again
expect again refused
read 2 fresh
settle
expect fresh ready 3
