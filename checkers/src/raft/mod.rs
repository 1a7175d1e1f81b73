//! Raft's invariants, judged online: after every observation, incrementally.
//!
//! The checker keeps a mirror of each node (`mirror`) and ghosts that survive crashes:
//! who led and voted (`election_safety`), every entry ever written (`log_matching`), what
//! was committed (`committed`) and applied (`state_machine_safety`, `exactly_once`), and
//! what each disk has promised (`durability`). One file holds one property or two.
//! Not here: client histories, and the end of a run ([`crate::liveness`]).
//! Read next: [`Observation`], which says what an observer must tell.
//!
//! What stood in a log before the first observation of its node is taken to be right.

mod committed;
mod durability;
mod election_safety;
mod exactly_once;
mod leader_append_only;
mod log_matching;
mod mirror;
mod monotone;
mod observation;
mod shared;
mod state_machine_safety;

pub use observation::{Observation, Role};

use crate::violation::{Evidence, Verdict, Violation};
use committed::Committed;
use election_safety::Elections;
use exactly_once::Effects;
use log_matching::Ledger;
use mirror::{Ballot, Log, Mirror, Moment, OnDisk, Recovered, Slot, Witness};
use state_machine_safety::States;

/// Judges the observations of one cluster, in the order in which they happened.
///
/// # Example: two leaders in one term
///
/// ```
/// use squall_checkers::raft::{Observation, RaftChecker, Role};
/// use squall_checkers::violation::Property;
///
/// let mut checker = RaftChecker::new(&[1, 2, 3]);
/// let leader = |node| Observation::Role { node, term: 7, role: Role::Leader };
/// checker.observe(1, 1_000, &leader(1)).unwrap();
/// let violation = checker.observe(2, 2_000, &leader(2)).unwrap_err();
/// assert_eq!(violation.property, Property::ElectionSafety);
/// assert_eq!(violation.message, "nodes 1 and 2 both became leader in term 7");
/// assert_eq!(violation.evidence[0].event, 1);
/// ```
///
/// After a violation it can go on, but what it says then may follow from the first.
/// Clones are cheap, however long the logs are.
#[derive(Clone, Debug)]
pub struct RaftChecker {
    /// Sorted by id.
    mirrors: Vec<Mirror>,
    judges_disks: bool,
    elections: Elections,
    ledger: Ledger,
    committed: Committed,
    states: States,
    effects: Effects,
}

impl RaftChecker {
    /// A checker for a cluster in which these nodes are the voters. Other nodes that turn
    /// up are judged alike, but count in no quorum.
    #[must_use]
    pub fn new(nodes: &[u64]) -> Self {
        let mut mirrors: Vec<Mirror> = nodes.iter().map(|node| Mirror::new(*node, true)).collect();
        mirrors.sort_by_key(|mirror| mirror.id);
        mirrors.dedup_by_key(|mirror| mirror.id);
        Self {
            mirrors,
            judges_disks: true,
            elections: Elections::default(),
            ledger: Ledger::default(),
            committed: Committed::default(),
            states: States::default(),
            effects: Effects::default(),
        }
    }

    /// For streams that do not tell what is durable: nothing that needs it is judged.
    #[must_use]
    pub fn without_disks(mut self) -> Self {
        self.judges_disks = false;
        self
    }

    /// Judges one observation. The cost does not depend on how much came before.
    ///
    /// # Errors
    ///
    /// The violation that it shows, with the events that led there, this one the last.
    #[inline]
    pub fn observe(&mut self, event: u64, at_ns: u64, observation: &Observation) -> Verdict {
        let now = Moment { event, at_ns };
        let slot = self.slot_of(observation.node());
        match self.dispatch(slot, now, observation) {
            Ok(()) => Ok(()),
            Err(violation) => Err(with_last(violation, now, observation)),
        }
    }

    /// Where the mirror of a node is. Ids mostly follow each other.
    #[inline]
    fn slot_of(&mut self, node: u64) -> usize {
        let first = self.mirrors.first().map_or(0, |mirror| mirror.id);
        if let Ok(guess) = usize::try_from(node.wrapping_sub(first))
            && self.mirrors.get(guess).is_some_and(|mirror| mirror.id == node)
        {
            return guess;
        }
        self.mirrors.binary_search_by_key(&node, |mirror| mirror.id).unwrap_or_else(|slot| {
            self.mirrors.insert(slot, Mirror::new(node, false));
            slot
        })
    }

    #[inline]
    fn dispatch(&mut self, slot: usize, now: Moment, observation: &Observation) -> Verdict {
        let mirror = &mut self.mirrors[slot];
        let by = now.on(mirror.id);
        match *observation {
            Observation::Started { term, vote, last_index, last_hash, .. } => {
                self.on_started(slot, now, (term, vote), last_index, last_hash)
            }
            Observation::StartedDamaged { term, vote, last_index, .. } => {
                self.on_started_damaged(slot, now, (term, vote), last_index)
            }
            Observation::Stopped { .. } => {
                (mirror.leads, mirror.ballot) = (None, None);
                // The crash may have taken it again before any sync: the next start tells.
                mirror.promised.recovered = None;
                Ok(())
            }
            Observation::Term { term, .. } => mirror.adopt_term(now, term),
            Observation::Role { term, role, .. } => self.on_role(slot, now, term, role),
            Observation::Vote { term, candidate, .. } => {
                mirror.adopt_term(now, term)?;
                self.elections.votes(mirror, Ballot { term, candidate, by })
            }
            Observation::Append { .. } if mirror.blind => Ok(()),
            Observation::Append { index, term, hash, .. } => self.on_append(slot, index, Slot { term, hash, by }),
            Observation::Truncate { last_index, .. } if mirror.blind => {
                mirror.cut(last_index);
                mirror.log = Log::unknown();
                Ok(())
            }
            Observation::Truncate { last_index, .. } => on_truncate(mirror, last_index),
            Observation::Commit { term, index, .. } => self.on_commit(slot, now, term, index),
            Observation::Apply { index, digest, .. } => {
                mirror.judge_applied(index)?;
                (mirror.applied, mirror.applied_digest, mirror.applied_at) = (index, digest, by);
                self.states.record(index, digest, by)
            }
            Observation::SessionApply { index, session, sequence, .. } => self.effects.record(session, sequence, index, by),
            Observation::DurableAppend { .. } | Observation::DurableTruncate { .. } | Observation::DurableVote { .. } => {
                let verdict = on_durable(mirror, by, observation);
                if self.judges_disks { verdict } else { Ok(()) }
            }
            Observation::VoteSent { term, candidate, .. } => {
                self.elections.sends(mirror, Ballot { term, candidate, by })?;
                if self.judges_disks { mirror.judge_vote_sent(term, candidate) } else { Ok(()) }
            }
            Observation::AckSent { term, index, .. } => {
                let verdict = if self.judges_disks { mirror.judge_ack(term, index) } else { Ok(()) };
                mirror.last_ack = Some((by, *observation));
                verdict
            }
        }
    }

    fn on_started(&mut self, slot: usize, now: Moment, hard: (u64, Option<u64>), last_index: u64, last_hash: u64) -> Verdict {
        let mirror = &mut self.mirrors[slot];
        let (term, vote) = hard;
        let recovered = Recovered::find([&mirror.log, &mirror.promised.log], &self.ledger, last_index, last_hash);
        let verdict = if self.judges_disks {
            mirror.judge_recovered_term(term).and_then(|()| mirror.judge_recovery(term, vote, &recovered))
        } else {
            Ok(())
        };
        if mirror.seen {
            mirror.promised.recovered = Some(OnDisk { log: recovered.log.clone(), term, vote });
            mirror.promised.pending_cuts = 0;
        } else {
            // What stood there before the first observation is taken to be durable.
            mirror.promised.log = recovered.log.clone();
            (mirror.promised.term, mirror.promised.vote) = hard;
        }
        mirror.restart(now, term, vote, recovered.log);
        mirror.blind = false;
        verdict
    }

    /// As [`Self::on_started`], but only how far the log goes is known.
    fn on_started_damaged(&mut self, slot: usize, now: Moment, hard: (u64, Option<u64>), last_index: u64) -> Verdict {
        let mirror = &mut self.mirrors[slot];
        let (term, vote) = hard;
        let recovered = Recovered { log: Log::ending_at(last_index, None), known: true };
        let verdict = if self.judges_disks {
            mirror.judge_recovered_term(term).and_then(|()| mirror.judge_recovery(term, vote, &recovered))
        } else {
            Ok(())
        };
        mirror.promised.pending_cuts = 0;
        mirror.restart(now, term, vote, Log::unknown());
        mirror.blind = true;
        verdict
    }

    /// Whether anybody has ever had a log that ends like this.
    #[must_use]
    pub fn has_seen(&self, last_index: u64, last_hash: u64) -> bool {
        last_index == 0 || self.ledger.find(last_index, last_hash).is_some()
    }

    fn on_role(&mut self, slot: usize, now: Moment, term: u64, role: Role) -> Verdict {
        let mirror = &mut self.mirrors[slot];
        mirror.adopt_term(now, term)?;
        let by = now.on(mirror.id);
        mirror.leads = (role == Role::Leader).then_some((term, by));
        if role != Role::Leader {
            return Ok(());
        }
        self.elections.leads(term, by)?;
        self.committed.judge_leader(mirror, term, by)
    }

    #[inline]
    fn on_append(&mut self, slot: usize, index: u64, entry: Slot) -> Verdict {
        let mirror = &mut self.mirrors[slot];
        mirror.seen = true;
        if index <= mirror.log.last_index() {
            // Whoever overwrites without a word has cut before.
            on_truncate(mirror, index.saturating_sub(1))?;
        }
        if Some(index) != mirror.log.last_index().checked_add(1) {
            return Err(log_matching::hole(mirror, index, entry.term));
        }
        if mirror.log.last_term() > entry.term {
            return Err(log_matching::term_falls(mirror, index, entry.term));
        }
        let before = mirror.log.last_hash();
        mirror.log.push(entry);
        self.ledger.record(index, entry, before)
    }

    #[inline]
    fn on_commit(&mut self, slot: usize, now: Moment, term: u64, index: u64) -> Verdict {
        let mirror = &mut self.mirrors[slot];
        mirror.adopt_term(now, term)?;
        mirror.judge_commit(index)?;
        (mirror.commit, mirror.commit_term, mirror.commit_at) = (index, term, now.on(mirror.id));
        let mirror = &self.mirrors[slot];
        self.committed.judge(mirror, index)?;
        if !self.committed.extend(now, mirror, term, index) {
            return Ok(());
        }
        for leader in &self.mirrors {
            // A late commit in an old term: those who lead higher terms must have it already.
            if let Some((led, elected)) = leader.leads_now().filter(|(led, _)| *led > term) {
                self.committed.judge_leader(leader, led, elected)?;
            }
        }
        if self.judges_disks { durability::judge_quorum(&self.mirrors, mirror, &self.committed, term) } else { Ok(()) }
    }
}

fn on_truncate(mirror: &mut Mirror, last_index: u64) -> Verdict {
    let verdict = leader_append_only::judge_cut(mirror, last_index)
        .and_then(|()| mirror.judge_reach(mirror.commit, last_index.min(mirror.log.last_index())));
    mirror.cut(last_index);
    verdict
}

/// A sync has completed, of which this is a part.
#[inline]
fn on_durable(mirror: &mut Mirror, by: Witness, observation: &Observation) -> Verdict {
    mirror.note_sync();
    let verdict = match *observation {
        Observation::DurableAppend { index, term, hash, .. } => mirror.extend_promised(index, Slot { term, hash, by }),
        Observation::DurableTruncate { last_index, .. } => {
            mirror.cut_promised(last_index);
            mirror.settle();
            Ok(())
        }
        Observation::DurableVote { term, vote, .. } => {
            mirror.settle();
            let verdict = mirror.judge_promise(term, vote);
            (mirror.promised.term, mirror.promised.vote) = (term, vote);
            verdict
        }
        _ => return Ok(()),
    };
    mirror.last_durable = Some((by, *observation));
    verdict
}

#[cold]
fn with_last(mut violation: Box<Violation>, now: Moment, observation: &Observation) -> Box<Violation> {
    let (Moment { event, at_ns }, node) = (now, observation.node());
    // A check may have found it among the causes: it is named once.
    violation.evidence.retain(|evidence| (evidence.event, evidence.node) != (event, node));
    violation.evidence.push(Evidence { event, at_ns, node, what: observation.to_string() });
    violation
}
