//! A cluster told event by event: events are numbered from 1, and happen every 1,000 ns.
//!
//! The teller keeps the logs, so that hashes are right unless a test says otherwise.

use std::collections::BTreeMap;

use squall_checkers::raft::{Observation, RaftChecker, Role};
use squall_checkers::violation::{Property, Violation};

/// Term and hash of each entry.
type Log = Vec<(u64, u64)>;

/// A chained hash; `payload` lets two entries of one index and term differ.
fn chain(before: u64, index: u64, term: u64, payload: u64) -> u64 {
    let mixed = [index, term, payload]
        .into_iter()
        .fold(before ^ 0x9e37_79b9_7f4a_7c15, |hash, field| (hash ^ field).wrapping_mul(0xff51_afd7_ed55_8ccd).rotate_left(29));
    mixed | 1
}

/// An index or a length as a position in memory.
pub fn position(index: u64) -> usize {
    usize::try_from(index).expect("logs in tests are short")
}

#[derive(Clone)]
pub struct Story {
    pub checker: RaftChecker,
    event: u64,
    logs: BTreeMap<u64, Log>,
    durable: BTreeMap<u64, usize>,
}

impl Story {
    /// Nodes 1 to `nodes`, started with empty disks: events 1 to `nodes`.
    pub fn of(nodes: u64) -> Self {
        let ids: Vec<u64> = (1..=nodes).collect();
        let mut story = Self { checker: RaftChecker::new(&ids), event: 0, logs: BTreeMap::new(), durable: BTreeMap::new() };
        for node in ids {
            story.ok(Observation::Started { node, boot: 1, term: 0, vote: None, last_index: 0, last_hash: 0 });
        }
        story
    }

    fn tell(&mut self, observation: Observation) -> Result<(), Box<Violation>> {
        self.event += 1;
        self.checker.observe(self.event, self.event * 1_000, &observation)
    }

    /// A legal event; returns its number.
    #[track_caller]
    pub fn ok(&mut self, observation: Observation) -> u64 {
        if let Err(violation) = self.tell(observation) {
            panic!("{observation} is legal, but: {violation} {:#?}", violation.evidence);
        }
        self.event
    }

    /// The event that breaks a property, with its sentence and the events behind it.
    #[track_caller]
    pub fn breaks(mut self, observation: Observation, property: Property, message: &str, earlier: &[u64]) {
        let violation = self.tell(observation).expect_err("it breaks a property");
        assert_eq!(violation.property, property, "{violation}");
        assert_eq!(violation.message, message);
        let events: Vec<u64> = violation.evidence.iter().map(|evidence| evidence.event).collect();
        assert_eq!(events, [earlier, &[self.event]].concat(), "{:#?}", violation.evidence);
        assert!(violation.evidence.iter().all(|evidence| evidence.at_ns == evidence.event * 1_000));
        assert!(violation.evidence.iter().all(|evidence| evidence.what.contains(&format!("node {}", evidence.node))));
        assert_eq!(violation.evidence.last().expect("the event itself").what, observation.to_string());
    }

    pub fn log(&mut self, node: u64) -> &mut Log {
        self.logs.entry(node).or_default()
    }

    pub fn last_index(&mut self, node: u64) -> u64 {
        self.log(node).len() as u64
    }

    pub fn hash_at(&mut self, node: u64, index: u64) -> u64 {
        match index {
            0 => 0,
            _ => self.log(node)[position(index - 1)].1,
        }
    }

    /// The next append of a node, not told yet.
    pub fn next_append(&mut self, node: u64, term: u64, payload: u64) -> Observation {
        let index = self.last_index(node) + 1;
        let before = self.hash_at(node, index - 1);
        Observation::Append { node, index, term, hash: chain(before, index, term, payload) }
    }

    /// A node appends an entry in memory.
    #[track_caller]
    pub fn append(&mut self, node: u64, term: u64) -> u64 {
        let append = self.next_append(node, term, 0);
        self.keep(append);
        self.ok(append)
    }

    fn keep(&mut self, append: Observation) {
        if let Observation::Append { node, term, hash, .. } = append {
            self.log(node).push((term, hash));
        }
    }

    /// A node cuts its log in memory.
    #[track_caller]
    pub fn truncate(&mut self, node: u64, last_index: u64) -> u64 {
        self.log(node).truncate(position(last_index));
        self.ok(Observation::Truncate { node, last_index })
    }

    /// A sync completes: everything that was appended since the last one. Cuts are told
    /// with [`Self::sync_cut`] before.
    #[track_caller]
    pub fn sync(&mut self, node: u64) -> u64 {
        let durable = self.durable.get(&node).copied().unwrap_or_default();
        let new: Vec<_> = self.log(node).iter().copied().enumerate().skip(durable).collect();
        for (position, (term, hash)) in new {
            self.ok(Observation::DurableAppend { node, index: position as u64 + 1, term, hash });
            self.durable.insert(node, position + 1);
        }
        self.event
    }

    #[track_caller]
    pub fn sync_cut(&mut self, node: u64, last_index: u64) -> u64 {
        self.durable.insert(node, position(last_index));
        self.ok(Observation::DurableTruncate { node, last_index })
    }

    /// A node appends an entry, and its disk promises it; returns the number of the append.
    #[track_caller]
    pub fn append_durably(&mut self, node: u64, term: u64) -> u64 {
        let event = self.append(node, term);
        self.sync(node);
        event
    }

    /// A node takes over the log of another from where they differ, durably, and says so.
    #[track_caller]
    pub fn follow(&mut self, node: u64, leader: u64, term: u64) {
        self.ok(Observation::Term { node, term });
        let (theirs, own) = (self.log(leader).clone(), self.log(node).clone());
        let agreed = own.iter().zip(&theirs).take_while(|(own, theirs)| own == theirs).count();
        if agreed < own.len() {
            self.truncate(node, agreed as u64);
            self.sync_cut(node, agreed as u64);
        }
        for (position, (term, hash)) in theirs.into_iter().enumerate().skip(agreed) {
            let append = Observation::Append { node, index: position as u64 + 1, term, hash };
            self.keep(append);
            self.ok(append);
        }
        self.sync(node);
        let index = self.last_index(node);
        self.ok(Observation::AckSent { node, term, index });
    }

    /// A vote is decided, promised and sent; returns the number of the decision.
    #[track_caller]
    pub fn vote(&mut self, node: u64, term: u64, candidate: u64) -> u64 {
        let event = self.ok(Observation::Vote { node, term, candidate });
        self.ok(Observation::DurableVote { node, term, vote: Some(candidate) });
        self.ok(Observation::VoteSent { node, term, candidate });
        event
    }

    /// A candidate asks and is granted, but has not won yet.
    #[track_caller]
    pub fn campaign(&mut self, node: u64, term: u64, voters: &[u64]) {
        self.ok(Observation::Role { node, term, role: Role::Candidate });
        self.vote(node, term, node);
        for voter in voters {
            self.vote(*voter, term, node);
        }
    }

    /// A candidate campaigns and wins; returns the number of its becoming leader.
    #[track_caller]
    pub fn elect(&mut self, node: u64, term: u64, voters: &[u64]) -> u64 {
        self.campaign(node, term, voters);
        self.ok(leader(node, term))
    }

    /// Crash and restart with what the disk returns; returns the number of the start.
    #[track_caller]
    pub fn restart(&mut self, node: u64, term: u64, vote: Option<u64>, last_index: u64) -> u64 {
        self.ok(Observation::Stopped { node });
        let started = self.started(node, term, vote, last_index);
        self.log(node).truncate(position(last_index));
        self.ok(started)
    }

    /// A start with the first `last_index` entries of the node's log, not told yet.
    pub fn started(&mut self, node: u64, term: u64, vote: Option<u64>, last_index: u64) -> Observation {
        let last_hash = self.hash_at(node, last_index);
        Observation::Started { node, boot: 2, term, vote, last_index, last_hash }
    }

    #[track_caller]
    pub fn commit(&mut self, node: u64, term: u64, index: u64) -> u64 {
        self.ok(Observation::Commit { node, term, index })
    }

    /// Node 1 of 3 leads term 1 and has committed `entries` entries, which all have.
    #[track_caller]
    pub fn with_entries(entries: u64) -> Self {
        let mut story = Self::of(3);
        story.elect(1, 1, &[2, 3]);
        for _ in 0..entries {
            story.append_durably(1, 1);
        }
        for node in [2, 3] {
            story.follow(node, 1, 1);
        }
        for node in 1..=3 {
            story.commit(node, 1, entries);
        }
        story
    }
}

pub fn leader(node: u64, term: u64) -> Observation {
    Observation::Role { node, term, role: Role::Leader }
}
