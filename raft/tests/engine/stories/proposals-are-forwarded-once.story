# A follower passes a command on to the leader that it knows, and the log tells what became of it.
#
# Node 2 knows that node 1 leads, so `a` goes there and gets a place; node 2 will see it when it
# applies the entry. Node 3 forwards `b` to node 1, too; but before that arrives node 1 has
# given its term up. It does not pass `b` on, because what travels twice could travel for ever: `b` is
# dropped, which is why whoever forwards promises nothing. The next leader gets `c`, and `d` is its own.
cluster 3
with forwarding
with check-quorum
campaign 1
settle
propose 2 a
expect a forwarded
deliver 2->1
expect 1 log 1 1
settle
expect all log 1 1
propose 3 b
expect b forwarded
heartbeat 1
heartbeat 1
heartbeat 1
heartbeat 1
heartbeat 1
tick 1
expect 1 follower
deliver 3->1
expect 1 log 1 1
drop all
campaign 2
settle
expect 2 leader
expect all log 1 1 2
propose 1 c
expect c forwarded
propose 2 d
expect d at 2.4
settle
expect all log 1 1 2 2 2
