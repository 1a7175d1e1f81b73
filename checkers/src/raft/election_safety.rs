//! Election safety (paper, §5.2): one leader per term, one vote per node and term, across
//! crashes.
//!
//! A vote binds a node once it has left it. One that was only decided may be forgotten in
//! a crash and decided otherwise afterwards; within one boot it binds as well.

use super::mirror::{Ballot, Mirror, Witness};
use super::observation::{Observation, Role};
use super::shared::SharedMap;
use crate::violation::{Property, Verdict, Violation};

/// Who led and who voted, ever.
#[derive(Clone, Debug, Default)]
pub(super) struct Elections {
    leaders: SharedMap<u64, Witness>,
    /// Votes that left their node, by (node, term).
    sent: SharedMap<(u64, u64), Ballot>,
}

impl Elections {
    /// A node leads a term.
    pub(super) fn leads(&mut self, term: u64, by: Witness) -> Verdict {
        match self.leaders.get(&term) {
            Some(first) if first.node != by.node => Err(second_leader(term, *first, by)),
            Some(_) => Ok(()),
            None => {
                self.leaders.insert(term, by);
                Ok(())
            }
        }
    }

    /// A node decided about a vote.
    pub(super) fn votes(&mut self, mirror: &mut Mirror, vote: Ballot) -> Verdict {
        self.judge(mirror, vote)?;
        if mirror.ballot.is_none_or(|earlier| earlier.term != vote.term) {
            mirror.ballot = Some(vote);
        }
        Ok(())
    }

    /// A vote left its node.
    pub(super) fn sends(&mut self, mirror: &Mirror, vote: Ballot) -> Verdict {
        self.judge(mirror, vote)?;
        if self.sent.get(&(mirror.id, vote.term)).is_none() {
            self.sent.insert((mirror.id, vote.term), vote);
        }
        Ok(())
    }

    fn judge(&self, mirror: &Mirror, vote: Ballot) -> Verdict {
        let decided = mirror.ballot.filter(|decided| decided.term == vote.term);
        let sent = self.sent.get(&(mirror.id, vote.term)).copied();
        match [sent, decided].into_iter().flatten().find(|earlier| earlier.candidate != vote.candidate) {
            Some(earlier) => Err(second_vote(mirror.id, earlier, vote.candidate)),
            None => Ok(()),
        }
    }
}

#[cold]
fn second_leader(term: u64, first: Witness, second: Witness) -> Box<Violation> {
    let message = format!("nodes {} and {} both became leader in term {term}", first.node, second.node);
    let became = Observation::Role { node: first.node, term, role: Role::Leader };
    Violation::new(Property::ElectionSafety, message).because([first.says(became)])
}

#[cold]
fn second_vote(node: u64, earlier: Ballot, candidate: u64) -> Box<Violation> {
    let Ballot { term, candidate: first, by } = earlier;
    let message = format!("node {node} voted for node {candidate} in term {term}, in which it had voted for node {first}");
    let voted = Observation::Vote { node, term, candidate: first };
    Violation::new(Property::ElectionSafety, message).because([by.says(voted)])
}
