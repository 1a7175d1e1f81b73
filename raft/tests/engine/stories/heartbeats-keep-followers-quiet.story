# Whoever hears its leader does not campaign, and whoever hears nobody does.
#
# All start at the same instant, as followers in term 0. Their timeouts are drawn, so one of
# them is first, and it is elected before the others' time is up. From then on the timer
# that is due first is the leader's, each time: seven rounds of 50 ms are longer than any election
# timeout, so the followers' timers must have started anew with each heartbeat. Then the leader is
# gone, and the next timer is a follower's, who is elected.
cluster 3
expect all follower
expect all term 0
expect all vote none
next
settle
expect 1 leader
next
settle
next
settle
next
settle
next
settle
next
settle
next
settle
next
settle
expect 1 leader
expect all term 1
crash 1
next
settle
expect 2 leader
expect 2 term 2
expect 3 follower
