# Votes are given for one term. Those that arrive when it is over elect nobody.
#
# Node 1 asks in term 1 and hears nothing; it asks again in term 2. The grants of term 1
# arrive now: they are no votes for term 2.
cluster 3
campaign 1
durable 1
deliver 1->2
deliver 1->3
durable 2 3
expect 2->1 carries 1
campaign 1
durable 1
deliver 2->1
deliver 3->1
expect 1 candidate
expect 1 term 2
settle
expect 1 leader
expect all log 2
