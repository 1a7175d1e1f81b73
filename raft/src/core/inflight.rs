//! The appends that are under way to one follower: how many, and how many bytes.
//!
//! Pure bookkeeping, and bounded twice: many small appends fill a queue, few large ones fill
//! memory. A limit is reached before it is exceeded by number, and exceeded by one append at
//! most in bytes, so that a follower is never sent less than one full append because of it.
//! Acknowledgements cover all before them, so it is a queue that only its front leaves.
//! Not here: what was sent and why ([`super::progress`]).

use std::collections::VecDeque;

use crate::limit::Limit;
use crate::types::LogIndex;

/// How much may be under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Appends.
    pub appends_max: u32,
    /// Payload bytes, at which nothing more leaves.
    pub bytes_max: u64,
}

/// What is under way, oldest first. It keeps its space, so a steady stream allocates nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inflight {
    appends: VecDeque<Sent>,
    bytes: u64,
}

/// One append that was not acknowledged yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its last index.
    pub end: LogIndex,
    /// Its payload bytes.
    pub bytes: u64,
}

impl Inflight {
    /// Adds one that has left.
    ///
    /// # Panics
    /// If it does not end behind those before it: a stream never sends an entry twice.
    pub fn push(&mut self, sent: Sent) {
        assert!(self.last().is_none_or(|last| last < sent.end), "{sent:?} ends behind what is under way");
        self.bytes = self.bytes.saturating_add(sent.bytes);
        self.appends.push_back(sent);
    }

    /// Forgets all that is acknowledged by `matched`.
    pub fn acknowledge(&mut self, matched: LogIndex) {
        while let Some(sent) = self.appends.pop_front_if(|sent| sent.end <= matched) {
            self.bytes -= sent.bytes;
        }
    }

    /// The last index that is under way.
    #[must_use]
    pub fn last(&self) -> Option<LogIndex> {
        self.appends.back().map(|sent| sent.end)
    }

    /// How many appends are under way.
    #[must_use]
    pub fn len(&self) -> usize {
        self.appends.len()
    }

    /// Whether nothing is under way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.appends.is_empty()
    }

    /// The last index of each append, oldest first.
    pub fn ends(&self) -> impl Iterator<Item = LogIndex> + '_ {
        self.appends.iter().map(|sent| sent.end)
    }

    /// Which limit keeps another append at home, if one does.
    #[must_use]
    pub fn bound_by(&self, room: Room) -> Option<Limit> {
        if self.appends.len() >= room.appends_max as usize {
            Some(Limit::InflightAppends)
        } else if self.bytes >= room.bytes_max {
            Some(Limit::InflightBytes)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition: a set of appends, looked at whole each time.
    #[derive(Default)]
    struct Twin(Vec<Sent>);

    impl Twin {
        fn bound_by(&self, room: Room) -> Option<Limit> {
            let bytes: u64 = self.0.iter().map(|sent| sent.bytes).sum();
            match () {
                () if self.0.len() as u64 >= u64::from(room.appends_max) => Some(Limit::InflightAppends),
                () if bytes >= room.bytes_max => Some(Limit::InflightBytes),
                () => None,
            }
        }
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Send { entries: u64, bytes: u64 },
        Acknowledge { index: u64 },
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (1..4u64, 0..50u64).prop_map(|(entries, bytes)| Step::Send { entries, bytes }),
            (0..60u64).prop_map(|index| Step::Acknowledge { index }),
        ]
    }

    proptest! {
        #[test]
        fn it_equals_its_definition(
            steps in prop::collection::vec(step(), 0..60),
            room in (1..6u32, 1..120u64).prop_map(|(appends_max, bytes_max)| Room { appends_max, bytes_max }),
        ) {
            let (mut inflight, mut twin, mut end) = (Inflight::default(), Twin::default(), LogIndex(0));
            for step in steps {
                match step {
                    Step::Send { entries, bytes } => {
                        end = LogIndex(end.0 + entries);
                        inflight.push(Sent { end, bytes });
                        twin.0.push(Sent { end, bytes });
                    }
                    Step::Acknowledge { index } => {
                        inflight.acknowledge(LogIndex(index));
                        twin.0.retain(|sent| sent.end.0 > index);
                    }
                }
                prop_assert_eq!(inflight.bound_by(room), twin.bound_by(room));
                prop_assert_eq!(inflight.last(), twin.0.iter().map(|sent| sent.end).max());
            }
        }
    }

    /// What one append may go beyond: never by two.
    #[test]
    fn bytes_are_exceeded_by_one_append_at_most() {
        let room = Room { appends_max: 9, bytes_max: 100 };
        let mut inflight = Inflight::default();
        for end in 1.. {
            if inflight.bound_by(room).is_some() {
                break;
            }
            inflight.push(Sent { end: LogIndex(end), bytes: 60 });
        }
        assert_eq!(inflight.bytes, 120);
        inflight.acknowledge(LogIndex(1));
        assert_eq!(inflight.bound_by(room), None);
    }
}
