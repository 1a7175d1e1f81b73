//! `squall wal`: what lies in a server's log, and putting it in order.
//!
//! Not here: what the bytes mean and what is to be done about them (`squall_raft::store`). Read next: [`survey`] looks, [`text`] says,
//! [`repair`] acts.

mod cut;
mod repair;
mod survey;
mod text;

use std::path::Path;

use squall_raft::server::files::Place;

use super::arguments::Wal;
use super::{Refused, output};

/// The log is not as it should be.
const DAMAGED: u8 = 17;

pub(super) fn wal(command: &Wal) -> Result<u8, Refused> {
    match command {
        Wal::Inspect { dir, records, json } => inspect(dir, *records, *json),
        Wal::Repair { dir, yes, discard_acknowledged } => repair::repair(dir, *yes, *discard_acknowledged),
    }
}

fn inspect(dir: &Path, records: bool, json: bool) -> Result<u8, Refused> {
    let place = Place::find(dir)?;
    let survey = survey::survey(&place, |file, frame| match (records, json) {
        (false, _) => Ok(()),
        (true, true) => output::json(&survey::FrameJson::new(file, frame)),
        (true, false) => text::frame(file, frame),
    })?;
    if json {
        output::json(&survey)?
    } else {
        text::survey(&survey)?
    }
    Ok(if survey.is_fine() { 0 } else { DAMAGED })
}
