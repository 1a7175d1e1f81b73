//! A run's events as they happen: printed, written to a file, or handed to `tracing`.

use std::io::{self, IsTerminal as _, Write};

use squall_raft::applier::StateMachine;
use squall_raft::node::Node;
use tracing_subscriber::EnvFilter;

use crate::run::text::{self, Reported, Seconds};
use crate::world::{Observer, WorldEvent};

/// Sends `tracing` to standard error if `RUST_LOG` asks for something. Wall time is left out: events carry virtual time.
pub(super) fn install_subscriber() {
    if std::env::var_os("RUST_LOG").is_none() {
        return;
    }
    let filter = EnvFilter::from_default_env();
    let colours = io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).without_time().with_ansi(colours).with_writer(io::stderr);
    // A subscriber that is there already stays.
    let _ = builder.try_init();
}

/// Writes the line of every event between two times, and bridges observations to `tracing`.
pub(super) struct Tracer<W> {
    out: Option<W>,
    from_ns: u64,
    until_ns: u64,
    failed: Option<io::Error>,
}

impl<W: Write> Tracer<W> {
    pub fn new(out: Option<W>, from_ns: u64, until_ns: u64) -> Self {
        Self { out, from_ns, until_ns, failed: None }
    }

    /// What was written to, or the first error of writing.
    pub fn finish(mut self) -> io::Result<Option<W>> {
        if let Some(out) = &mut self.out {
            out.flush()?;
        }
        self.failed.map_or(Ok(self.out), Err)
    }
}

impl<W: Write, S: StateMachine> Observer<Node<S>> for Tracer<W> {
    fn event(&mut self, at_ns: u64, number: u64, event: WorldEvent<'_, Node<S>>) {
        if at_ns < self.from_ns || at_ns > self.until_ns {
            return;
        }
        if let WorldEvent::Observed { node, observation } = event {
            tracing::debug!(target: "squall", at = %Seconds(at_ns), node = node.0, "{}", Reported(observation));
        }
        if self.failed.is_none()
            && let Some(out) = &mut self.out
            && let Some(line) = text::line(at_ns, number, &event)
        {
            self.failed = writeln!(out, "{line}").err();
        }
    }
}
