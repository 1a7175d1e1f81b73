//! Two runs of one plan, side by side: are they the same, event by event?

use std::fmt;
use std::sync::Arc;

use squall_raft::applier::StateMachine;
use squall_raft::node::Node;

use super::single::{How, start};
use crate::plan::Plan;
use crate::run::settings::SettingsError;
use crate::run::subject::Subject;
use crate::run::text;
use crate::world::{Observer, WorldEvent};

/// Where two runs of one plan part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The number of the first event that differs.
    pub event: u64,
    /// When it happened in the first run.
    pub at_ns: u64,
    /// What the first run did there.
    pub first: String,
    /// What the second run did there.
    pub second: String,
    /// Both, line by line, for the report.
    pub events: Vec<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "two runs of one seed differ at event {}: first {}, then {}", self.event, self.first, self.second)
    }
}

/// Keeps the events of the present step.
#[derive(Default)]
struct Lately {
    events: Vec<(u64, String)>,
}

impl<M: StateMachine> Observer<Node<M>> for Lately {
    fn event(&mut self, at_ns: u64, number: u64, event: WorldEvent<'_, Node<M>>) {
        let line = text::line(at_ns, number, &event)
            .unwrap_or_else(|| format!("{} #{number} {}", text::Seconds(at_ns), text::name(&event)));
        self.events.push((number, line));
    }
}

/// Runs a plan twice in lockstep; `None` if both are the same to the end.
///
/// # Errors
/// If the engine refuses the plan's settings.
pub fn compare<S: Subject>(plan: &Arc<Plan>, subject: &S, how: How) -> Result<Option<Difference>, SettingsError> {
    let (mut seen, mut seen_again) = (Lately::default(), Lately::default());
    let mut first = start(plan, subject, how, &mut seen)?;
    let mut second = start(plan, subject, how, &mut seen_again)?;
    loop {
        if first.arena().hash() != second.arena().hash() {
            return Ok(Some(difference(first.now_ns(), &seen, &seen_again)));
        }
        if first.is_over() && second.is_over() {
            return Ok(None);
        }
        seen.events.clear();
        seen_again.events.clear();
        first.step(&mut seen);
        second.step(&mut seen_again);
    }
}

fn difference(at_ns: u64, seen: &Lately, seen_again: &Lately) -> Difference {
    let nothing = (0, "nothing".to_owned());
    let pairs = seen.events.len().max(seen_again.events.len());
    let at = |lately: &Lately, i: usize| lately.events.get(i).cloned().unwrap_or_else(|| nothing.clone());
    let i = (0..pairs).find(|i| at(seen, *i) != at(seen_again, *i)).unwrap_or(0);
    let ((number, first), (other, second)) = (at(seen, i), at(seen_again, i));
    let lines =
        |lately: &Lately, run: u32| lately.events.iter().map(|(_, line)| format!("run {run}: {line}")).collect::<Vec<_>>();
    let events = [lines(seen, 1), lines(seen_again, 2)].concat();
    Difference { event: number.max(other), at_ns, first, second, events }
}
