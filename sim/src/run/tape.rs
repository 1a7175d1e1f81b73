//! The tape: what chance decided during a run, where it differs from calm.
//!
//! It is written by a second run of a failing plan, so that counting messages costs the
//! first run nothing. A line names its message by label, not by number, so that it still
//! means the same message after an edit of the engine. Not here: the plan, which holds
//! what was decided before the run.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use squall_raft::applier::StateMachine;
use squall_raft::node::Node;
use squall_raft::process::{Label, MessageLabel};

use super::text;
use crate::disk::Dealt;
use crate::scenario::Nanos;
use crate::world::{Observer, WorldEvent};

/// More lines than this are not kept; the record says so.
pub const LINES_MAX: usize = 20_000;

/// How many of the last events are kept as text.
const LAST_EVENTS: usize = 32;

/// One decision of chance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// When.
    pub at: Nanos,
    /// What was decided.
    pub what: Decision,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Decision {
    /// A message met another fate than arriving once and in order.
    Message {
        /// Which.
        message: MessageName,
        /// It was lost.
        lost: bool,
        /// It was held back.
        reordered: bool,
        /// A second copy took this long.
        copy: Option<Nanos>,
        /// It took this long itself.
        delay: Nanos,
    },
    /// A fault found its targets.
    Target {
        /// The fault's id in the plan.
        fault: String,
        /// The nodes that it hit.
        nodes: Vec<u64>,
    },
    /// The connections between two nodes were reset.
    Reset {
        /// One end.
        one: u64,
        /// The other.
        other: u64,
        /// Messages and copies that were under way.
        lost: u64,
    },
    /// The atlas forbade a fault of a disk, or a part of it.
    Suppressed {
        /// Whose disk.
        node: u64,
        /// What was forbidden.
        what: String,
        /// How many bits, operations or promises were spared; 1 for a fault as a whole.
        spared: u64,
    },
    /// Bits of a disk rotted.
    Rotted {
        /// Whose disk.
        node: u64,
        /// How many.
        bits: u64,
    },
    /// An operation of a disk did not do what it was told.
    Disk {
        /// Whose disk.
        node: u64,
        /// Which operation of its boot.
        operation: u64,
        /// What came of it.
        what: String,
    },
    /// A node lost power; some of what was not synced survived.
    PowerLoss {
        /// Which node.
        node: u64,
        /// Bytes that did not survive.
        lost_bytes: u64,
        /// Unsynced writes that were decided about, and how many of them survived whole.
        writes: u64,
        /// Those that survived whole.
        kept: u64,
    },
}

/// A message's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageName {
    /// The sender.
    pub from: u64,
    /// The receiver.
    pub to: u64,
    /// The kind.
    pub kind: String,
    /// The sender's term.
    pub term: u64,
    /// The last index that it speaks of.
    pub last_index: u64,
    /// Which of the messages with this label, counted from 1.
    pub occurrence: u64,
}

/// Writes the tape of a run, and keeps its last events as text.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    lines: Vec<Line>,
    dropped: u64,
    occurrences: BTreeMap<(u64, u64, MessageLabel), u64>,
    last_events: VecDeque<String>,
}

impl Recorder {
    /// The tape.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// How many lines there were beyond [`LINES_MAX`].
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The last events of the run, oldest first.
    pub fn last_events(&self) -> impl Iterator<Item = &str> {
        self.last_events.iter().map(String::as_str)
    }

    /// A fault found its targets.
    pub fn target(&mut self, at_ns: u64, fault: &str, nodes: &[u64]) {
        self.add(at_ns, Decision::Target { fault: fault.to_owned(), nodes: nodes.to_vec() });
    }

    fn add(&mut self, at_ns: u64, what: Decision) {
        if self.lines.len() < LINES_MAX {
            self.lines.push(Line { at: Nanos(at_ns), what });
        } else {
            self.dropped += 1;
        }
    }

    fn occurrence(&mut self, from: u64, to: u64, label: MessageLabel) -> u64 {
        let count = self.occurrences.entry((from, to, label)).or_default();
        *count += 1;
        *count
    }
}

impl<S: StateMachine> Observer<Node<S>> for Recorder {
    fn event(&mut self, at_ns: u64, number: u64, event: WorldEvent<'_, Node<S>>) {
        match event {
            WorldEvent::Sent { from, to, message, fate, .. } => {
                let label = message.label();
                let occurrence = self.occurrence(from.0, to.0, label);
                if fate.lost || fate.reordered || fate.copy_delay_ns.is_some() {
                    let message = MessageName {
                        from: from.0,
                        to: to.0,
                        kind: label.kind.to_owned(),
                        term: label.term,
                        last_index: label.last_index,
                        occurrence,
                    };
                    let what = Decision::Message {
                        message,
                        lost: fate.lost,
                        reordered: fate.reordered,
                        copy: fate.copy_delay_ns.map(Nanos),
                        delay: Nanos(fate.delay_ns),
                    };
                    self.add(at_ns, what);
                }
            }
            WorldEvent::ConnectionReset { one, other, in_flight } => {
                self.add(at_ns, Decision::Reset { one: one.0, other: other.0, lost: in_flight });
            }
            WorldEvent::DiskTouched { node, op, touch } => {
                let what = format!("{touch:?}");
                self.add(at_ns, Decision::Disk { node: node.0, operation: op.seq, what });
            }
            WorldEvent::DiskFaulted { node, fault, dealt, .. } => {
                let (spared, bits) = match dealt {
                    Dealt::Suppressed => (1, 0),
                    Dealt::Rotted { flipped, spared } => (spared, flipped),
                    Dealt::Done | Dealt::Nothing => (0, 0),
                };
                if spared > 0 {
                    self.add(at_ns, Decision::Suppressed { node: node.0, what: format!("{fault:?}"), spared });
                }
                if bits > 0 {
                    self.add(at_ns, Decision::Rotted { node: node.0, bits });
                }
            }
            WorldEvent::PowerLost { node, loss, .. } => {
                if loss.spared > 0 {
                    let what = "loss of what was promised".to_owned();
                    self.add(at_ns, Decision::Suppressed { node: node.0, what, spared: loss.spared });
                }
                let kept = loss.writes.iter().filter(|(_, fate)| matches!(fate, crate::disk::WriteFate::Kept)).count() as u64;
                let writes = loss.writes.len() as u64;
                self.add(at_ns, Decision::PowerLoss { node: node.0, lost_bytes: loss.lost_bytes, writes, kept });
            }
            _ => {}
        }
        if let Some(line) = text::line(at_ns, number, &event) {
            if self.last_events.len() == LAST_EVENTS {
                self.last_events.pop_front();
            }
            self.last_events.push_back(line);
        }
    }
}
