//! Histories as files: what is read, what is written, and what is refused.
//!
//! Read next: [`refused`], which has every kind of bad input with its message.

#![cfg(feature = "format")]

mod arbitrary;
mod edn;
mod jepsen_log;
mod jsonl;
mod refused;
mod round_trip;

use squall_checkers::format::spelling::Spelling;
use squall_checkers::format::{self, FormatError, RecordedOf};
use squall_checkers::linearizability::{Limits, Verdict, check};
use squall_checkers::model::Model;

fn read<M: Spelling>(model: &M, text: &str) -> Result<RecordedOf<M>, FormatError> {
    format::read(model, "file", text.as_bytes(), None)
}

fn is_legal<M: Model>(model: &M, recorded: &RecordedOf<M>) -> bool {
    match check(model, &recorded.history, Limits::default()) {
        Verdict::Ok(_) => true,
        Verdict::Illegal(_) => false,
        Verdict::Unknown { limit, .. } => panic!("no verdict on a small history: {limit:?}"),
    }
}

/// Whether a file is a history of the model that is linearizable.
fn judge<M: Spelling>(model: &M, text: &str) -> bool {
    let recorded = read(model, text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    is_legal(model, &recorded)
}
