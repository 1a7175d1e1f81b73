//! The table of appends, as text.

use super::contest::{Outcome, Shape};
use super::squall::frame_bytes;

pub fn head() {
    println!(
        "{:<28}{:>11}  {:<18}{:>12}{:>12}{:>12}{:>12}{:>8}",
        "row", "bytes", "contender", "batches/s", "MB/s", "p50 us", "p99 us", "ratio"
    );
}

/// `ratio` is what the first contender does in multiples of this one.
pub fn row(shape: &Shape, outcomes: &[Outcome]) {
    for (at, outcome) in outcomes.iter().enumerate() {
        let (row, bytes) = if at == 0 { (shape.name(), frame_bytes(shape).to_string()) } else { Default::default() };
        let ratio = if at == 0 { String::new() } else { decimal(outcomes[0].rate(), outcome.rate()) };
        println!(
            "{row:<28}{bytes:>11}  {:<18}{:>12}{:>12}{:>12}{:>12}{ratio:>8}",
            outcome.name,
            outcome.rate(),
            decimal(outcome.rate() * shape.batch_bytes() as u64, 1_000_000),
            decimal(outcome.latency_ns(50), 1_000),
            decimal(outcome.latency_ns(99), 1_000),
        );
    }
}

/// A quotient with two digits behind the point.
pub fn decimal(dividend: u64, divisor: u64) -> String {
    let hundredths = u128::from(dividend) * 100 / u128::from(divisor.max(1));
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}
