//! Acknowledged means durable: what a node told others is in the image that its disk has
//! promised, the term included, and a crash takes none of it away.
//!
//! Many durability bugs never become visible to a client within one run; they all show
//! here, at the moment in which something leaves that no disk has promised yet.

use super::committed::Committed;
use super::mirror::{Mirror, Recovered, Slot};
use super::observation::Observation;
use crate::violation::{Evidence, Property, Verdict, Violation};

fn violation(message: String, evidence: impl IntoIterator<Item = Evidence>) -> Box<Violation> {
    Violation::new(Property::AcknowledgedDurable, message).because(evidence)
}

/// The promised image follows what completed syncs say.
impl Mirror {
    /// A sync has completed: what was recovered at this boot is durable, too.
    #[inline]
    pub(super) fn note_sync(&mut self) {
        self.seen = true;
        if let Some(recovered) = self.promised.recovered.take() {
            self.promised.log = recovered.log;
            (self.promised.term, self.promised.vote) = (recovered.term, recovered.vote);
        }
    }

    /// With no cut under way, all that is promised is certain.
    #[inline]
    pub(super) fn settle(&mut self) {
        if self.promised.pending_cuts == 0 {
            self.promised.certain_to = None;
        }
    }

    /// An entry is added to the promised image, which has all that is before it.
    #[inline]
    pub(super) fn extend_promised(&mut self, index: u64, entry: Slot) -> Verdict {
        if index <= self.promised.log.last_index() {
            self.cut_promised(index.saturating_sub(1));
        }
        self.settle();
        if Some(index) != self.promised.log.last_index().checked_add(1) {
            return Err(self.hole_on_disk(index));
        }
        self.promised.log.push(entry);
        Ok(())
    }

    pub(super) fn cut_promised(&mut self, last_index: u64) {
        self.promised.log.truncate(last_index);
        self.promised.pending_cuts = self.promised.pending_cuts.saturating_sub(1);
    }

    /// An acknowledgement leaves. One of an earlier term is not judged: the log that it
    /// speaks of may have been replaced since, in memory and on disk.
    ///
    /// Its term must be durable as well: a node that forgets it may follow an older leader, who
    /// replaces what was acknowledged. An entry of that term is as good as the term itself.
    #[inline]
    pub(super) fn judge_ack(&self, term: u64, index: u64) -> Verdict {
        if term < self.term {
            return Ok(());
        }
        let is_durable = match self.log.hash_at(index) {
            None => self.log.is_unknown(index),
            Some(hash) => self.promised.log.may_hold(index, hash),
        };
        if !is_durable {
            return Err(self.acked_too_early(term, index));
        }
        if index > 0 && self.promised.term.max(self.promised.log.last_term()) < term {
            return Err(self.acked_in_a_term_to_forget(term, index));
        }
        Ok(())
    }

    #[cold]
    fn acked_in_a_term_to_forget(&self, term: u64, index: u64) -> Box<Violation> {
        let (node, promised) = (self.id, self.promised.term);
        let message =
            format!("node {node} acknowledged index {index} in term {term}, but its disk has promised term {promised} only");
        violation(message, self.last_durable.map(|(by, what)| by.says(what)))
    }

    #[cold]
    fn acked_too_early(&self, term: u64, index: u64) -> Box<Violation> {
        let (node, last, durable) = (self.id, self.log.last_index(), self.promised.log.last_index());
        let reason = match (self.log.hash_at(index), self.promised.log.hash_at(index)) {
            (None, _) => format!("its log ends at index {last}"),
            (_, None) => format!("its disk has promised its log up to index {durable} only"),
            (Some(own), Some(promised)) => {
                format!("its log has hash {own:016x} there, and its disk has promised hash {promised:016x}")
            }
        };
        let own = self.log.slot(index).map(|slot| slot.evidence(index));
        let durable = self.last_durable.map(|(by, what)| by.says(what));
        violation(format!("node {node} acknowledged index {index} in term {term}, but {reason}"), own.into_iter().chain(durable))
    }

    /// A vote leaves. A higher durable term is as good: in it, the vote cannot be repeated.
    pub(super) fn judge_vote_sent(&self, term: u64, candidate: u64) -> Verdict {
        let (node, promised) = (self.id, self.promised.term);
        let vote = self.promised.vote;
        if promised > term || promised == term && vote == Some(candidate) {
            return Ok(());
        }
        let held = vote.map_or_else(|| "no vote".to_owned(), |vote| format!("a vote for node {vote}"));
        let message = format!(
            "the vote of node {node} for node {candidate} in term {term} left it, but its disk has promised term {promised} with {held}"
        );
        let decided = self.ballot.filter(|ballot| ballot.term == term).map(|ballot| {
            let vote = Observation::Vote { node, term, candidate: ballot.candidate };
            ballot.by.says(vote)
        });
        Err(violation(message, decided.into_iter().chain(self.last_durable.map(|(by, what)| by.says(what)))))
    }

    /// A promised term or vote is replaced only by one of a higher term.
    pub(super) fn judge_promise(&self, term: u64, vote: Option<u64>) -> Verdict {
        let kept = self.promised.vote.is_none_or(|kept| vote == Some(kept));
        if term > self.promised.term || term == self.promised.term && kept {
            return Ok(());
        }
        let message = format!(
            "the disk of node {} promised term {term} with vote {vote:?} after it had promised term {} with vote {:?}",
            self.id, self.promised.term, self.promised.vote
        );
        Err(violation(message, self.disk_evidence()))
    }

    #[cold]
    fn hole_on_disk(&self, index: u64) -> Box<Violation> {
        let (node, last) = (self.id, self.promised.log.last_index());
        violation(
            format!("the disk of node {node} promised index {index} without what is behind index {last}"),
            self.disk_evidence(),
        )
    }

    /// A node recovered: it has what its disk had promised, but for cuts under way.
    pub(super) fn judge_recovery(&self, term: u64, vote: Option<u64>, recovered: &Recovered) -> Verdict {
        if !self.seen {
            return Ok(());
        }
        if term == self.promised.term && self.promised.vote.is_some() && vote != self.promised.vote {
            return Err(self.lost_vote(term, vote));
        }
        let promised = self.promised.log.last_index();
        let certain = self.promised.certain_to.map_or(promised, |certain| certain.min(promised));
        let kept = recovered.log.last_index() >= certain
            && self.promised.log.hash_at(certain).is_none_or(|hash| recovered.log.may_hold(certain, hash));
        if kept && recovered.known { Ok(()) } else { Err(self.lost_entries(certain, recovered)) }
    }

    #[cold]
    fn lost_vote(&self, term: u64, vote: Option<u64>) -> Box<Violation> {
        let message = format!(
            "node {} recovered term {term} with vote {vote:?}, and its disk had promised vote {:?}",
            self.id, self.promised.vote
        );
        violation(message, self.disk_evidence())
    }

    #[cold]
    fn lost_entries(&self, certain: u64, recovered: &Recovered) -> Box<Violation> {
        let (node, last) = (self.id, recovered.log.last_index());
        let promised = &self.promised.log;
        let reason = if last < certain {
            format!("its disk had promised it up to index {certain} of term {}", promised.term_at(certain))
        } else if let (true, Some(hash)) = (recovered.known, promised.hash_at(certain)) {
            let found = recovered.log.hash_at(certain).unwrap_or_default();
            format!("which has hash {found:016x} at index {certain}, and its disk had promised hash {hash:016x}")
        } else {
            let found = recovered.log.hash_at(last).unwrap_or_default();
            format!("and with hash {found:016x} there, which no node ever had; its disk had promised index {certain}")
        };
        violation(format!("node {node} recovered a log up to index {last}, {reason}"), self.disk_evidence())
    }
}

/// Something is committed for the first time: a quorum has promised it.
pub(super) fn judge_quorum(mirrors: &[Mirror], committer: &Mirror, committed: &Committed, term: u64) -> Verdict {
    let index = committed.last_index();
    let Some(hash) = committer.log.hash_at(index) else {
        return Ok(());
    };
    let voters = mirrors.iter().filter(|mirror| mirror.voter).count();
    let holders = mirrors.iter().filter(|mirror| mirror.voter && mirror.promised.log.may_hold(index, hash)).count();
    if holders > voters / 2 { Ok(()) } else { Err(no_quorum(mirrors, committer, term, index, hash)) }
}

#[cold]
fn no_quorum(mirrors: &[Mirror], committer: &Mirror, term: u64, index: u64, hash: u64) -> Box<Violation> {
    let (holders, others): (Vec<&Mirror>, Vec<&Mirror>) =
        mirrors.iter().filter(|mirror| mirror.voter).partition(|mirror| mirror.promised.log.may_hold(index, hash));
    let ids = |mirrors: &[&Mirror]| mirrors.iter().map(|mirror| mirror.id).collect::<Vec<u64>>();
    let message = format!(
        "node {} committed index {index} (hash {hash:016x}) in term {term}, but only the disks of nodes {:?} have promised it, not those of {:?}",
        committer.id,
        ids(&holders),
        ids(&others)
    );
    let own = committer.log.slot(index).map(|slot| slot.evidence(index));
    violation(message, own.into_iter().chain(others.iter().flat_map(|mirror| mirror.disk_evidence())))
}
