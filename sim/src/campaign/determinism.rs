//! Two runs of one plan, side by side: are they the same, event by event?

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use squall_raft::applier::StateMachine;
use squall_raft::node::Node;

use super::apart;
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
        self.events.push((number, spoken(at_ns, number, &event)));
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

/// How many lines one run may be ahead of the other.
const BACKLOG: usize = 1024;

/// An event in words: its number, its time, its line.
type Said = (u64, u64, String);

/// Sends the line of each event to whoever compares.
pub(super) struct Lines {
    sender: SyncSender<Said>,
}

impl<M: StateMachine> Observer<Node<M>> for Lines {
    fn event(&mut self, at_ns: u64, number: u64, event: WorldEvent<'_, Node<M>>) {
        // Nobody listens any more once a difference is found.
        let _ = self.sender.send((number, at_ns, spoken(at_ns, number, &event)));
    }
}

/// Has something run twice at the same time, each on a thread of its own, and compares what both say, event by event.
pub(super) fn compare_apart(run: impl Fn(Lines) + Clone + Send + 'static) -> Option<Difference> {
    let [first, second] = [run.clone(), run].map(|run| apart::stream(BACKLOG, move |sender| run(Lines { sender })));
    first_difference(&first, &second)
}

fn first_difference(first: &Receiver<Said>, second: &Receiver<Said>) -> Option<Difference> {
    let next = |from: &Receiver<Said>| from.recv_timeout(apart::LIMIT).ok();
    loop {
        let (one, other) = (next(first), next(second));
        if one == other {
            one?;
            continue;
        }
        let line = |said: &Option<Said>| said.as_ref().map_or("nothing".to_owned(), |(_, _, line)| line.clone());
        let (event, at_ns) = one.as_ref().or(other.as_ref()).map_or((0, 0), |(event, at_ns, _)| (*event, *at_ns));
        let (first, second) = (line(&one), line(&other));
        let events = vec![format!("run 1: {first}"), format!("run 2: {second}")];
        return Some(Difference { event, at_ns, first, second, events });
    }
}

/// The line of an event, whatever event it is.
fn spoken<M: StateMachine>(at_ns: u64, number: u64, event: &WorldEvent<'_, Node<M>>) -> String {
    text::line(at_ns, number, event).unwrap_or_else(|| format!("{} #{number} {}", text::Seconds(at_ns), text::name(event)))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::single::watch;
    use crate::plan::Plan;
    use crate::run::subject::KvSubject;
    use crate::scenario::Scenario;

    fn plan(seed: u64) -> Arc<Plan> {
        let text = r#"Scenario(nodes: 3, safety: "300ms", clients: [Kv()], network: (loss_ppm: 10_000))"#;
        Arc::new(Plan::draw("brief", &Scenario::parse("brief.ron", text).expect("a valid scenario"), seed))
    }

    #[test]
    #[cfg(not(feature = "unordered"))]
    fn two_runs_of_a_plan_say_the_same() {
        let watched = |lines| drop(watch(&plan(7), &KvSubject, How::default(), lines));
        assert_eq!(compare_apart(watched), None);
    }

    #[test]
    #[cfg(feature = "unordered")]
    fn two_runs_that_differ_say_where() {
        let watched = |lines| drop(watch(&plan(7), &KvSubject, How::default(), lines));
        let difference = compare_apart(watched).expect("a difference");
        assert!(difference.event > 0 && difference.first != difference.second, "{difference}");
    }

    #[test]
    fn the_first_line_that_differs_is_named_and_so_is_a_run_that_stops_early() {
        let said = |lines: &'static [&'static str]| {
            apart::stream(1, move |sender| {
                for (line, number) in lines.iter().zip(1_u64..) {
                    let _ = sender.send((number, number * 10, (*line).to_owned()));
                }
            })
        };
        let compared = |first, second| first_difference(&said(first), &said(second));
        let difference = compared(&["a", "b", "c"], &["a", "x", "c"]).expect("a difference");
        assert_eq!((difference.event, difference.at_ns, &*difference.first, &*difference.second), (2, 20, "b", "x"));
        let difference = compared(&["a"], &["a", "b"]).expect("a difference");
        assert_eq!((difference.event, &*difference.first, &*difference.second), (2, "nothing", "b"));
        assert_eq!(compared(&["a", "b"], &["a", "b"]), None);
    }
}
