//! Leader append-only (paper, §5.3): a leader never overwrites or deletes its entries.

use super::mirror::{Mirror, Witness};
use super::observation::{Observation, Role};
use crate::violation::{Property, Verdict, Violation};

/// A node is about to cut its log behind an index.
pub(super) fn judge_cut(mirror: &Mirror, last_index: u64) -> Verdict {
    match mirror.leads_now() {
        Some((term, elected)) if last_index < mirror.log.last_index() => Err(cut_by_leader(mirror, last_index, term, elected)),
        _ => Ok(()),
    }
}

#[cold]
fn cut_by_leader(mirror: &Mirror, last_index: u64, term: u64, elected: Witness) -> Box<Violation> {
    let (node, last) = (mirror.id, mirror.log.last_index());
    let message =
        format!("node {node} leads term {term}, and cut its log behind index {last_index}, which reached up to index {last}");
    let elected = elected.says(Observation::Role { node, term, role: Role::Leader });
    let lost = last_index.checked_add(1).and_then(|index| Some(mirror.log.slot(index)?.evidence(index)));
    Violation::new(Property::LeaderAppendOnly, message).because([elected]).because(lost)
}
