//! The table for people and the JSON for programs: medians, messages, ratios to each peer.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::rows::{Measured, Row};
use crate::sample::Work;

type Rows = [(Row, Vec<Measured>)];

/// Prints the table. Ratios are of work per CPU time; above 1 is faster than the peer.
pub fn print(rows: &Rows) {
    for (row, measured) in rows {
        println!("\n{} ({}; lowest and highest of {} rounds)", row.name, row.unit, measured[0].samples.len());
        for contender in measured {
            let (low, figure, high) = contender.figures(row);
            let counted = [(contender.messages(row), "messages"), (contender.operations(row), "operations")];
            let counted = counted.iter().filter(|(count, _)| count != "0.00").map(|(count, what)| format!("{count} {what}"));
            let counted = counted.collect::<Vec<_>>().join(", ");
            let allocated = contender.allocations(row).map_or(String::new(), |(message, other)| {
                format!("; {message} allocations per message, {other} per {}", row.per)
            });
            println!("  {:<36}{figure:>10}  ({low} to {high}); {counted} per {}{allocated}", contender.name, row.per);
        }
        for contender in measured.iter().filter(|contender| !contender.is_peer) {
            for peer in measured.iter().filter(|peer| peer.is_peer) {
                println!("  {:<36}{:>10}  times {}", contender.name, ratio(row, contender, peer), peer.name);
            }
        }
    }
}

/// Writes `peers.json` into the folder of the build.
///
/// # Panics
/// If it cannot.
pub fn write(rows: &Rows) {
    let rows: Vec<Value> = rows.iter().map(|(row, measured)| of_row(row, measured)).collect();
    let path = folder().join("peers.json");
    let text = serde_json::to_string_pretty(&json!({ "rows": rows })).unwrap_or_else(|error| panic!("{error}"));
    std::fs::write(&path, text + "\n").unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    println!("\nwritten to {}", path.display());
}

fn of_row(row: &Row, measured: &[Measured]) -> Value {
    let contenders: Vec<Value> = measured
        .iter()
        .map(|contender| {
            let (low, figure, high) = contender.figures(row);
            let allocations = contender.allocations(row);
            let peers = measured.iter().filter(|peer| peer.is_peer && !contender.is_peer);
            let ratios: serde_json::Map<_, _> =
                peers.map(|peer| (peer.name.to_owned(), number(&ratio(row, contender, peer)))).collect();
            json!({
                "name": contender.name, "peer": contender.is_peer, "median": figure, "lowest": low, "highest": high,
                "messages": number(&contender.messages(row)), "operations": number(&contender.operations(row)),
                "allocations_per_message": allocations.as_ref().map_or(Value::Null, |(message, _)| number(message)),
                "allocations": allocations.as_ref().map_or(Value::Null, |(_, other)| number(other)), "ratios": ratios,
            })
        })
        .collect();
    json!({ "name": row.name, "unit": row.unit, "counted_per": row.per, "contenders": contenders })
}

fn ratio(row: &Row, contender: &Measured, peer: &Measured) -> String {
    decimal(contender.figures(row).1, peer.figures(row).1)
}

impl Measured {
    /// Lowest, median and highest rate.
    fn figures(&self, row: &Row) -> (u64, u64, u64) {
        let rate = |amount: u64, cpu_ns: u64| u128::from(amount) * u128::from(row.scale) / u128::from(cpu_ns);
        let rates = self.samples.iter().map(|sample| rate(sample.work.amount, sample.cpu_ns));
        let mut rates: Vec<u64> = rates.map(|rate| u64::try_from(rate).unwrap_or(u64::MAX)).collect();
        rates.sort_unstable();
        (rates[0], rates[rates.len() / 2], rates[rates.len() - 1])
    }

    fn messages(&self, row: &Row) -> String {
        self.per(row, |work| work.messages)
    }

    fn operations(&self, row: &Row) -> String {
        self.per(row, |work| work.operations)
    }

    /// The means per message and per what the row counts by, where they were counted.
    fn allocations(&self, row: &Row) -> Option<(String, String)> {
        let sum = |of: fn(&Work) -> Option<u64>| self.samples.iter().map(|sample| of(&sample.work)).sum::<Option<u64>>();
        let asked = sum(|work| work.allocations)?;
        let (messages, amount) = (sum(|work| Some(work.messages))?, sum(|work| Some(work.amount))?);
        Some((decimal(asked, messages), decimal(asked, amount / row.per_amount)))
    }

    /// The mean of what the row counts per commit, virtual second or run.
    fn per(&self, row: &Row, of: fn(&Work) -> u64) -> String {
        let sum = |of: fn(&Work) -> u64| self.samples.iter().map(|sample| of(&sample.work)).sum::<u64>();
        decimal(sum(of), sum(|work| work.amount) / row.per_amount)
    }
}

/// The `target` folder, from the path of the bench: `target/release/deps/peers-0123456789abcdef`.
fn folder() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    program.ancestors().nth(3).map(PathBuf::from).unwrap_or_default()
}

/// A quotient with two digits behind the point.
fn decimal(dividend: u64, divisor: u64) -> String {
    let hundredths = u128::from(dividend) * 100 / u128::from(divisor.max(1));
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn number(decimal: &str) -> Value {
    decimal.parse::<f64>().map_or(Value::Null, Value::from)
}
