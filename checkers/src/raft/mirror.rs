//! What the checker knows of one node: its log, what its disk has promised, and where it
//! stands. All checks share these mirrors; none of them judges here.
//!
//! Read next: [`super::log_matching`] for what all nodes together have written.

use super::log_matching::Ledger;
use super::observation::Observation;
use super::shared::SharedVec;
use crate::violation::Evidence;

/// Number and time of an event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) event: u64,
    pub(super) at_ns: u64,
}

impl Moment {
    #[inline]
    pub(super) const fn on(self, node: u64) -> Witness {
        Witness { event: self.event, at_ns: self.at_ns, node }
    }
}

/// Which event on which node; what happened is known from where this is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Witness {
    pub(super) event: u64,
    pub(super) at_ns: u64,
    pub(super) node: u64,
}

impl Witness {
    pub(super) fn says(self, what: Observation) -> Evidence {
        Evidence { event: self.event, at_ns: self.at_ns, node: self.node, what: what.to_string() }
    }
}

/// An entry in a log: its term, the hash of the log up to it, and who put it there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) term: u64,
    pub(super) hash: u64,
    pub(super) by: Witness,
}

impl Slot {
    pub(super) fn evidence(self, index: u64) -> Evidence {
        let Self { term, hash, by } = self;
        by.says(Observation::Append { node: by.node, index, term, hash })
    }
}

/// A log, as far as it is known. What stood in it before the first observation is not.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    /// The slots follow this index.
    base: u64,
    /// Hash of the log up to the base, if it is known and not empty.
    base_hash: Option<u64>,
    slots: SharedVec<Slot>,
}

impl Log {
    /// A log of which nothing is known: whatever is asked of it may be so.
    pub(super) fn unknown() -> Self {
        Self::ending_at(u64::MAX, None)
    }

    /// A log of which only the end is known.
    pub(super) fn ending_at(index: u64, hash: Option<u64>) -> Self {
        Self { base: index, base_hash: hash, slots: SharedVec::default() }
    }

    #[inline]
    pub(super) fn last_index(&self) -> u64 {
        self.base.saturating_add(self.slots.len() as u64)
    }

    /// The first index of which the hash is known.
    pub(super) fn first_known(&self) -> u64 {
        if self.base > 0 && self.base_hash.is_some() { self.base } else { self.base.saturating_add(1) }
    }

    #[inline]
    pub(super) fn slot(&self, index: u64) -> Option<&Slot> {
        let position = index.checked_sub(self.base)?.checked_sub(1)?;
        self.slots.get(usize::try_from(position).ok()?)
    }

    /// Hash of the log up to an index, if the log reaches it and it is known.
    #[inline]
    pub(super) fn hash_at(&self, index: u64) -> Option<u64> {
        match index {
            0 => Some(0),
            _ if index == self.base => self.base_hash,
            _ => self.slot(index).map(|slot| slot.hash),
        }
    }

    /// Term of an entry, or 0 if it is not known.
    pub(super) fn term_at(&self, index: u64) -> u64 {
        self.slot(index).map_or(0, |slot| slot.term)
    }

    #[inline]
    pub(super) fn last_term(&self) -> u64 {
        self.slots.last().map_or(0, |slot| slot.term)
    }

    #[inline]
    pub(super) fn last_hash(&self) -> Option<u64> {
        match self.slots.last() {
            Some(slot) => Some(slot.hash),
            None if self.base == 0 => Some(0),
            None => self.base_hash,
        }
    }

    /// Whether the log has this hash at an index; what is not known is taken to be right.
    #[inline]
    pub(super) fn may_hold(&self, index: u64, hash: u64) -> bool {
        match self.hash_at(index) {
            Some(held) => held == hash,
            None => self.is_unknown(index),
        }
    }

    /// Whether an index is in the log, but nothing was ever seen of it.
    #[inline]
    pub(super) fn is_unknown(&self, index: u64) -> bool {
        index < self.base || index == self.base && index > 0 && self.base_hash.is_none()
    }

    /// Adds the entry behind the last; the caller has seen that there is room for it.
    #[inline]
    pub(super) fn push(&mut self, slot: Slot) {
        self.slots.push(slot);
    }

    pub(super) fn truncate(&mut self, last_index: u64) {
        match last_index.checked_sub(self.base) {
            Some(len) => self.slots.truncate(usize::try_from(len).unwrap_or(usize::MAX)),
            None => *self = Self::ending_at(last_index, None),
        }
    }
}

/// A log that was read back from a disk.
pub(super) struct Recovered {
    pub(super) log: Log,
    /// Whether anybody has ever had such a log.
    pub(super) known: bool,
}

impl Recovered {
    /// Finds the log with this end, among the node's own and in what anybody ever wrote.
    pub(super) fn find(own: [&Log; 2], ledger: &Ledger, last_index: u64, last_hash: u64) -> Self {
        let (mut index, mut hash, mut newer) = (last_index, last_hash, Vec::new());
        let mut log = loop {
            if index == 0 {
                break Log::default();
            }
            if let Some(log) = own.into_iter().find(|log| log.hash_at(index) == Some(hash)) {
                let mut log = log.clone();
                log.truncate(index);
                break log;
            }
            let Some(written) = ledger.find(index, hash) else {
                break Log::ending_at(index, Some(hash));
            };
            newer.push(written.slot);
            index -= 1;
            match written.before {
                Some(before) => hash = before,
                None => break Log::ending_at(index, None),
            }
        };
        let known = last_index == 0 || !newer.is_empty() || own.into_iter().any(|log| log.hash_at(last_index) == Some(last_hash));
        newer.into_iter().rev().for_each(|slot| log.push(slot));
        Self { log, known }
    }
}

/// What was read back from a disk at a boot.
#[derive(Clone, Debug)]
pub(super) struct OnDisk {
    pub(super) log: Log,
    pub(super) term: u64,
    pub(super) vote: Option<u64>,
}

/// What a disk has promised to hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Promised {
    pub(super) log: Log,
    pub(super) term: u64,
    pub(super) vote: Option<u64>,
    /// What was recovered at this boot, and becomes promised with the next completed sync.
    pub(super) recovered: Option<OnDisk>,
    /// How many cuts of this boot are not durable yet.
    pub(super) pending_cuts: u64,
    /// A crash may leave any of the cuts under way done: what lies behind is not certain.
    pub(super) certain_to: Option<u64>,
}

/// A vote that was decided in the present boot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ballot {
    pub(super) term: u64,
    pub(super) candidate: u64,
    pub(super) by: Witness,
}

/// One node, as seen from outside.
#[derive(Clone, Debug)]
pub(super) struct Mirror {
    pub(super) id: u64,
    /// Whether it counts in quorums.
    pub(super) voter: bool,
    /// Whether anything was observed of its log or disk yet.
    pub(super) seen: bool,
    pub(super) log: Log,
    /// Its log in memory is damaged, and nothing that it says of it is judged.
    pub(super) blind: bool,
    pub(super) promised: Promised,
    pub(super) term: u64,
    pub(super) term_at: Witness,
    pub(super) commit: u64,
    pub(super) commit_term: u64,
    pub(super) commit_at: Witness,
    pub(super) applied: u64,
    pub(super) applied_digest: u64,
    pub(super) applied_at: Witness,
    /// The term in which it became leader, while it still is in that term.
    pub(super) leads: Option<(u64, Witness)>,
    pub(super) ballot: Option<Ballot>,
    /// The last thing that its disk promised, and that it acknowledged: for evidence only.
    pub(super) last_durable: Option<(Witness, Observation)>,
    pub(super) last_ack: Option<(Witness, Observation)>,
}

impl Mirror {
    pub(super) fn new(id: u64, voter: bool) -> Self {
        let nothing_yet = Witness { event: 0, at_ns: 0, node: id };
        Self {
            id,
            voter,
            seen: false,
            log: Log::default(),
            blind: false,
            promised: Promised::default(),
            term: 0,
            term_at: nothing_yet,
            commit: 0,
            commit_term: 0,
            commit_at: nothing_yet,
            applied: 0,
            applied_digest: 0,
            applied_at: nothing_yet,
            leads: None,
            ballot: None,
            last_durable: None,
            last_ack: None,
        }
    }

    /// The term that it leads now, if it does.
    #[inline]
    pub(super) fn leads_now(&self) -> Option<(u64, Witness)> {
        self.leads.filter(|(term, _)| *term == self.term)
    }

    /// Cuts the log in memory; the disk will follow.
    pub(super) fn cut(&mut self, last_index: u64) {
        self.log.truncate(last_index);
        self.promised.pending_cuts = self.promised.pending_cuts.saturating_add(1);
        self.promised.certain_to = Some(self.promised.certain_to.map_or(last_index, |certain| certain.min(last_index)));
    }

    /// What the disk promised last and what was acknowledged last, as far as there is any.
    pub(super) fn disk_evidence(&self) -> impl Iterator<Item = Evidence> {
        [self.last_durable, self.last_ack].into_iter().flatten().map(|(by, what)| by.says(what))
    }

    /// Forgets what a crash erases; the log is what was recovered.
    pub(super) fn restart(&mut self, now: Moment, term: u64, vote: Option<u64>, log: Log) {
        let by = now.on(self.id);
        self.log = log;
        (self.term, self.term_at) = (term, by);
        (self.commit, self.commit_at) = (0, by);
        (self.applied, self.applied_at) = (0, by);
        self.leads = None;
        self.ballot = vote.map(|candidate| Ballot { term, candidate, by });
        self.seen = true;
    }
}
