# A leader that finds an entry of its log lost gives way to somebody who has it.
#
# Whoever leads must serve what it holds. Node 1 became leader with a payload that it had only on its disk, and when node 2
# needs it, it turns out to have rotted. It steps down in its term and does not campaign any more, ordered or not. Node 3 has the
# entry, is elected with the help of both, and node 2 gets what it lacks. What node 1 has lost stays lost.
cluster 3
log 1: 1 1? 1
log 2: 1
log 3: 1 1 1
campaign 1
settle
expect 1 leader
expect 2 log 1
fetched 1: 2!
expect 1 follower
order 1 o
expect o refused
campaign 3
settle
expect 3 leader
expect 2 log 1 1 1 2 3
expect 1 log 1 1 1 2 3
expect 3 commit 5
