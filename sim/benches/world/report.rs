//! The table under criterion's output: figures beside the reference.
//!
//! The reference is tikv's raft-rs in a bare event loop, in memory and without checkers, on
//! one core of a machine like CI's. It was not measured here.

use super::cpu::Samples;
use super::rows::{messages_per_commit, name, operations_per_run};

struct Row {
    name: &'static str,
    unit: &'static str,
    /// Work per nanosecond times this is the figure.
    scale: u64,
    reference: u64,
}

const ROWS: [Row; 4] = [
    Row { name: "loaded", unit: "commits per CPU second", scale: 1_000_000_000, reference: 201_000 },
    Row { name: "idle", unit: "virtual : CPU", scale: 1, reference: 22_000 },
    Row { name: "runs", unit: "runs per CPU second", scale: 1_000_000_000, reference: 139 },
    Row { name: "runs, two fifths reads", unit: "runs per CPU second", scale: 1_000_000_000, reference: 139 },
];

/// Prints the table; rows that were not run are left out.
pub fn print(samples: &Samples) {
    println!("\n{:<24}{:<10}{:>12}  {:<24}{:>10}{:>8}", "row", "checkers", "figure", "", "reference", "ratio");
    for row in &ROWS {
        for checks in [false, true] {
            let Some(figure) = samples.median_rate(&name(row.name, checks), row.scale) else { continue };
            let on = if checks { "on" } else { "off" };
            let ratio = decimal(figure, row.reference);
            println!("{:<24}{on:<10}{figure:>12}  {:<24}{:>10}{ratio:>8}", row.name, row.unit, row.reference);
        }
    }
    let (messages, commits) = messages_per_commit();
    println!("messages per commit, loaded: {} ({messages} for {commits})", decimal(messages, commits));
    println!("operations per run of 10 virtual seconds: {}", operations_per_run());
    for what in ["world_clone", "run_clone"] {
        let Some((short, long)) = samples.median_ns(&format!("{what}/1000")).zip(samples.median_ns(&format!("{what}/100000")))
        else {
            continue;
        };
        let ratio = decimal(long, short);
        println!("{what} and drop: {short} ns at 10^3 entries, {long} ns at 10^5: ratio {ratio} (at most 2)");
    }
}

/// A quotient with two digits behind the point.
fn decimal(dividend: u64, divisor: u64) -> String {
    let hundredths = u128::from(dividend) * 100 / u128::from(divisor.max(1));
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}
