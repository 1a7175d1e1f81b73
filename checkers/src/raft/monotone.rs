//! Monotone: terms never fall, not even across a crash; within a boot, neither do the
//! commit index and the applied index; applied <= commit <= last index.

use super::mirror::{Mirror, Moment};
use super::observation::Observation;
use crate::violation::{Evidence, Property, Verdict, Violation};

impl Mirror {
    /// The node says that its term is this.
    #[inline]
    pub(super) fn adopt_term(&mut self, now: Moment, term: u64) -> Verdict {
        if term > self.term {
            (self.term, self.term_at) = (term, now.on(self.id));
        }
        if term < self.term { Err(self.term_fell(term)) } else { Ok(()) }
    }

    /// The node says that its commit index is this.
    #[inline]
    pub(super) fn judge_commit(&self, index: u64) -> Verdict {
        if index < self.commit {
            return Err(self.commit_fell(index));
        }
        self.judge_reach(index, self.log.last_index())
    }

    /// A log that ends at `last_index` has everything up to the commit index.
    #[inline]
    pub(super) fn judge_reach(&self, commit: u64, last_index: u64) -> Verdict {
        if commit > last_index { Err(self.commit_beyond_log(commit, last_index)) } else { Ok(()) }
    }

    /// The node says that it applied this index.
    #[inline]
    pub(super) fn judge_applied(&self, index: u64) -> Verdict {
        if index > self.applied && index <= self.commit { Ok(()) } else { Err(self.applied_wrongly(index)) }
    }

    /// The node recovered this term.
    pub(super) fn judge_recovered_term(&self, term: u64) -> Verdict {
        if term >= self.promised.term {
            return Ok(());
        }
        let (node, promised) = (self.id, self.promised.term);
        let message = format!("node {node} recovered term {term}, and its disk had promised term {promised}");
        Err(Violation::new(Property::Monotone, message).because(self.disk_evidence()))
    }

    #[cold]
    fn term_fell(&self, term: u64) -> Box<Violation> {
        let (node, known) = (self.id, self.term);
        let message = format!("node {node} is in term {term} after it was in term {known}");
        let adopted = self.term_at.says(Observation::Term { node, term: known });
        Violation::new(Property::Monotone, message).because([adopted])
    }

    #[cold]
    fn commit_fell(&self, index: u64) -> Box<Violation> {
        let message =
            format!("node {} committed up to index {index} after it had committed up to index {}", self.id, self.commit);
        Violation::new(Property::Monotone, message).because([self.commit_evidence()])
    }

    #[cold]
    fn commit_beyond_log(&self, commit: u64, last_index: u64) -> Box<Violation> {
        let message =
            format!("the commit index {commit} of node {} is behind the end of its log, which is index {last_index}", self.id);
        let before = (self.commit == commit).then(|| self.commit_evidence());
        let last = self.log.slot(last_index).map(|slot| slot.evidence(last_index));
        Violation::new(Property::Monotone, message).because(before).because(last)
    }

    #[cold]
    fn applied_wrongly(&self, index: u64) -> Box<Violation> {
        let (node, applied, commit) = (self.id, self.applied, self.commit);
        if index > commit {
            let message = format!("node {node} applied index {index}, and has committed up to index {commit} only");
            let before = (commit > 0).then(|| self.commit_evidence());
            return Violation::new(Property::Monotone, message).because(before);
        }
        let message = format!("node {node} applied index {index} after it had applied index {applied}");
        let before = (applied > 0).then(|| self.applied_evidence());
        Violation::new(Property::Monotone, message).because(before)
    }

    fn commit_evidence(&self) -> Evidence {
        self.commit_at.says(Observation::Commit { node: self.id, term: self.commit_term, index: self.commit })
    }

    fn applied_evidence(&self) -> Evidence {
        self.applied_at.says(Observation::Apply { node: self.id, index: self.applied, digest: self.applied_digest })
    }
}
