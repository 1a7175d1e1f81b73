# A request over a limit is refused before it has any effect, and says why.
#
# Six bytes are the most that may be uncommitted here: `sevenb.` is larger than a command
# may be, and `efgh` finds the leader full until `abcd` is committed. Of reads one may wait.
cluster 3
limit reads 1
limit bytes 6
campaign 1
settle
propose 1 sevenb.
expect sevenb. refused
propose 1 abcd
propose 1 efgh
expect efgh refused
expect 1 log 1 1
read 1 r
read 1 s
expect r open
expect s refused
settle
expect r ready 1
propose 1 ijkl
expect ijkl at 1.3
propose 2 mn
expect mn refused
