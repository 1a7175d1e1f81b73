//! The rows of the table: recorded histories, and generated ones of the shapes in `porcupine.csv`.
//!
//! A row's name says what it is: values, keys, operations, clients, operations per million
//! whose outcome is unknown, and the fault. Not here: measuring (`main`).

use super::collections;
use super::faults::{Fault, plant};
use super::generate::{Drawn, Mix, Shape, draw};

/// What porcupine (June 2026, Go 1.27) said about the file of this name, and how long it took:
/// the median, on one core, of the check alone. It had 60 s and 12 GB.
pub struct Row {
    pub name: String,
    pub porcupine_verdict: String,
    pub porcupine_ms: Option<f64>,
}

/// All rows, in the order of the table.
pub fn rows() -> Vec<Row> {
    let row = |line: &str| {
        let mut columns = line.split(',').map(str::to_owned);
        let mut column = || columns.next().expect("a row has three columns");
        let (name, porcupine_verdict, ms) = (column(), column(), column());
        Row { name, porcupine_verdict, porcupine_ms: ms.parse().ok() }
    };
    let others = collections::ROWS.map(|name| format!("{name},not run,"));
    include_str!("porcupine.csv").lines().skip(1).chain(others.iter().map(String::as_str)).map(row).collect()
}

/// The generated history of a row; `None` if it is a recorded one.
pub fn generated(name: &str) -> Option<(Drawn, bool)> {
    let parts: Vec<&str> = name.split('_').collect();
    let &[mix, keys, operations, clients, unknown, end] = &parts[..] else { return None };
    let mix = match mix {
        "uniq" => Mix::Unique,
        "small" => Mix::Small,
        "putget" => Mix::PutGet,
        "appends" => Mix::Appends,
        _ => return None,
    };
    let number = |part: &str| part[1..].parse::<u64>().expect("a letter and a number");
    let shape = Shape {
        mix,
        keys: number(keys),
        operations: usize::try_from(number(operations)).expect("it fits"),
        clients: number(clients),
        unknown_ppm: number(unknown),
        seed: number(operations) / 1_000 + number(clients),
    };
    let fault = match end {
        "stale" => Some(Fault::Stale),
        "lost" => Some(Fault::Lost),
        "dup" => Some(Fault::Dup),
        _ => None,
    };
    // Not every history has a place for every fault; the next seed then.
    let drawn = (0..100).find_map(|more| {
        let mut drawn = draw(Shape { seed: shape.seed + 1_000 * more, ..shape });
        let is_planted = fault.is_none_or(|fault| plant(&mut drawn, mix, fault));
        is_planted.then_some(drawn)
    });
    Some((drawn.expect("one of a hundred histories has a place for the fault"), fault.is_none()))
}
