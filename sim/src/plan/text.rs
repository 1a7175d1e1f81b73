//! Plans as RON: laid out for people, one fault or operation per line, and exact.
//!
//! Not here: the record of a failure that a plan is a part of.

use std::fmt::Write as _;

use serde::Serialize;
use squall_raft::wire::Sink as _;

use super::{Client, Plan};
use crate::entropy::v1::Fold;
use crate::scenario::ScenarioError;
use crate::scenario::error::parse_ron;

impl Plan {
    /// The canonical text: equal plans have equal texts, and [`Plan::from_ron`] reads it back.
    #[must_use]
    pub fn to_ron(&self) -> String {
        let mut out = String::from("(\n");
        field(&mut out, "scenario", &self.scenario);
        field(&mut out, "seed", &self.seed);
        field(&mut out, "nodes", &self.nodes);
        field(&mut out, "safety", &self.safety);
        field(&mut out, "settle_election_timeouts", &self.settle_election_timeouts);
        field(&mut out, "engine", &self.engine);
        if !self.priorities.is_empty() {
            field(&mut out, "priorities", &self.priorities);
        }
        field(&mut out, "network", &self.network);
        field(&mut out, "disk", &self.disk);
        list(&mut out, "clocks", &self.clocks);
        list(&mut out, "faults", &self.faults);
        out.push_str("    clients: [\n");
        for each in &self.clients {
            client(&mut out, each);
        }
        out.push_str("    ],\n");
        field(&mut out, "sometimes", &self.sometimes);
        field(&mut out, "expect", &self.expect);
        out.push_str(")\n");
        out
    }

    /// Reads and checks a plan; `file` is its name in errors.
    ///
    /// # Errors
    /// The first thing that is wrong or inconsistent, with its position.
    pub fn from_ron(file: &str, text: &str) -> Result<Self, ScenarioError> {
        let plan: Self = parse_ron(file, text, "a plan")?;
        plan.validate().map_err(|invalid| ScenarioError::locate(file, text, &invalid))?;
        Ok(plan)
    }

    /// Recognises an edited plan: a hash of its canonical text, so that comments and layout do not count.
    #[must_use]
    pub fn content_hash(&self) -> u64 {
        let mut fold = Fold::new();
        fold.bytes(self.to_ron().as_bytes());
        fold.value()
    }

    /// How elections are held, where that is not as by default.
    fn elections(&self) -> String {
        let mut words = Vec::new();
        if !self.engine.pre_vote {
            words.push("no pre-vote".to_owned());
        }
        if !self.engine.check_quorum {
            words.push("no check-quorum".to_owned());
        }
        if !self.priorities.is_empty() {
            let each: Vec<_> = self.priorities.iter().map(ToString::to_string).collect();
            words.push(format!("priorities {}", each.join(" ")));
        }
        if words.is_empty() { String::new() } else { format!("{}; ", words.join(", ")) }
    }

    /// What was drawn, in a line to be printed beside the seed.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut kinds: Vec<(&str, u64)> = Vec::new();
        for fault in &self.faults {
            match kinds.iter_mut().find(|(kind, _)| *kind == fault.what.kind()) {
                Some((_, count)) => *count += 1,
                None => kinds.push((fault.what.kind(), 1)),
            }
        }
        let faults: Vec<_> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        let faults = if faults.is_empty() { "none".to_owned() } else { faults.join(", ") };
        let elections = self.elections();
        let Self { nodes, safety, network, disk, clients, .. } = self;
        format!(
            "{nodes} nodes, {safety}, {} clients; latency {}, loss {} ppm, duplicates {} ppm, reordered {} ppm, fsync {}; {elections}faults: {faults}",
            clients.len(),
            network.latency,
            network.loss_ppm,
            network.duplicate_ppm,
            network.reorder_ppm,
            disk.fsync,
        )
    }
}

/// A value on one line, with spaces between its parts.
pub(crate) fn line<T: Serialize>(value: &T) -> String {
    // Serializing to a string fails only for types that RON cannot write, and a plan has none.
    let config = ron::ser::PrettyConfig::new().depth_limit(0).new_line("\n").escape_strings(true);
    ron::ser::to_string_pretty(value, config).unwrap_or_default()
}

pub(crate) fn field<T: Serialize>(out: &mut String, name: &str, value: &T) {
    let _ = writeln!(out, "    {name}: {},", line(value));
}

pub(crate) fn list<T: Serialize>(out: &mut String, name: &str, values: &[T]) {
    if values.is_empty() {
        return;
    }
    let _ = writeln!(out, "    {name}: [");
    for value in values {
        let _ = writeln!(out, "        {},", line(value));
    }
    out.push_str("    ],\n");
}

fn client(out: &mut String, client: &Client) {
    let Client { id, pace, timeout, retries, operations } = client;
    let (pace, timeout) = (line(pace), line(timeout));
    let _ = writeln!(out, "        (id: {id}, pace: {pace}, timeout: {timeout}, retries: {retries}, operations: [");
    for operation in operations {
        let _ = writeln!(out, "            {},", line(operation));
    }
    out.push_str("        ]),\n");
}
