//! Runs a story: one command per line, `# prose` between them.
//!
//! ```text
//! cluster 3                            empty disks; expected first
//! limit batch 1 | inflight 2 | bytes 9 before anything happens
//! with pre-vote | with check-quorum    without, elections are as the paper has them
//! priority 2: 0                        node 2's, from 0 to 3; others have 3
//! log 2: 1 1 4                         node 2's disk: entries by their terms; `4?` payload
//!                                      still being read, `4!` lost to rot
//! hard 2: 7 | 7 vote 1                 node 2's term and vote, else its last entry's term
//!
//! campaign 1 | heartbeat 1             node 1's timer fires, and does that
//! ask 1                                node 1's timer fires, and it asks for pre-votes
//! order 1 o                            an operator wants node 1 to campaign
//! tick 1 | next                        node 1's timer fires; that of whoever is due first
//! wait 150                             so many milliseconds pass; no timer fires
//! deliver|drop|duplicate 1->2          the oldest message on a link; `#2` the second, `all`
//! deliver|drop all                     everything that is under way now, in order
//! durable 2 3 | durable all            everything that was written is durable
//! durable 2 first 1                    only the oldest write
//! settle | settle 1 2                  deliver and sync (among these) until all is quiet
//! propose 1 x | read 1 r               requests, with names of their own
//! propose 1 x y z                      three proposals that come together
//! crash 3 | crash 3 keeping 1          unsynced writes are lost (but the first one)
//! restart 3
//! forge 1->2 append 3 behind 1.1 commit 4   an empty append of term 3 that no core has sent
//! show                                 every node in a line
//! expect ..                            see [`super::expectations`]
//! ```
//!
//! Each command prints what it caused (`settle` only what was decided). After each step
//! of each command the invariants are checked; the first violation ends the story.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::cluster::{Cluster, Setup};
use super::commands;
use super::event::Event;
use super::render;

/// A story as far as it has been told.
#[derive(Debug)]
pub struct Story {
    setup: Setup,
    cluster: Option<Cluster>,
    /// Settings are over.
    begun: bool,
}

/// Where a story failed, and why.
#[derive(Debug)]
pub struct Failure {
    /// Counted from 1.
    pub line: usize,
    /// What was found and what was expected.
    pub message: String,
    /// What happened before, the last lines of it.
    pub before: String,
}

/// How much of what a command caused is printed.
pub enum Shown {
    /// Everything.
    Events,
    /// What nodes decided.
    Decisions,
    /// This.
    Text(String),
}

impl Story {
    /// A story in which nothing has happened.
    pub const fn new(setup: Setup) -> Self {
        Self { setup, cluster: None, begun: false }
    }

    /// Runs all lines; the transcript holds every command with what it caused.
    pub fn run(&mut self, text: &str) -> Result<String, Failure> {
        let mut transcript = String::new();
        for (line, number) in text.lines().zip(1..) {
            let command = line.trim();
            if command.is_empty() || command.starts_with('#') {
                continue;
            }
            match self.command(command) {
                Ok(caused) => transcript.push_str(&format!("{command}\n{caused}")),
                Err(found) => {
                    let message = format!("`{command}`: {found}");
                    return Err(Failure { line: number, message, before: last_lines(&transcript) });
                }
            }
        }
        Ok(transcript)
    }

    /// Runs one command and renders what it caused. A panic of a core is a failure, too.
    pub fn command(&mut self, command: &str) -> Result<String, String> {
        let shown = catch_unwind(AssertUnwindSafe(|| commands::run(self, command)));
        let shown = shown.unwrap_or_else(|panic| Err(format!("panic: {}", panic_text(&*panic))))?;
        let Some(cluster) = &mut self.cluster else {
            return Ok(String::new());
        };
        let events = cluster.take_events();
        let line = |event: &Event| format!("  {}\n", render::event(cluster, event));
        Ok(match shown {
            Shown::Text(text) => text,
            Shown::Events => events.iter().map(line).collect(),
            Shown::Decisions => events.iter().filter(|event| event.is_decision()).map(line).collect(),
        })
    }

    /// The cluster, for a command that belongs to the plot.
    pub fn play(&mut self) -> Result<&mut Cluster, String> {
        self.begun = true;
        self.cluster.as_mut().ok_or_else(|| "found no cluster, expected `cluster N` before".to_owned())
    }

    /// The cluster, for a command that belongs to the setting.
    pub fn prepare(&mut self) -> Result<&mut Cluster, String> {
        if self.begun {
            return Err("found a setting in the plot, expected it before anything happens".to_owned());
        }
        self.cluster.as_mut().ok_or_else(|| "found no cluster, expected `cluster N` before".to_owned())
    }

    /// The cluster, to look at.
    pub fn cluster(&self) -> Result<&Cluster, String> {
        self.cluster.as_ref().ok_or_else(|| "found no cluster, expected `cluster N` before".to_owned())
    }

    /// Starts anew with this many empty nodes, or with the same number under other limits.
    pub fn assemble(&mut self, size: u64, setup: Setup) -> Result<(), String> {
        if self.begun {
            return Err("found a setting in the plot, expected it before anything happens".to_owned());
        }
        self.setup = setup;
        self.cluster = Some(Cluster::new(size, setup)?);
        Ok(())
    }

    /// What all nodes have in common.
    pub const fn setup(&self) -> Setup {
        self.setup
    }
}

fn last_lines(transcript: &str) -> String {
    let lines: Vec<&str> = transcript.lines().collect();
    lines[lines.len().saturating_sub(16)..].join("\n")
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}
