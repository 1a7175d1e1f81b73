//! `squall replay`: a recorded failure, or one seed of a scenario, once more.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::arguments::Replay;
use super::trace::Tracer;
use super::{Refused, output, run};
use crate::campaign::single::{How, Judged, judge, watch};
use crate::campaign::verdict::Verdict;
use crate::plan::Plan;
use crate::run::subject::KvSubject;
use crate::scenario::error::read_file;
use crate::seeds::record::{Record, hex};
use crate::seeds::replay::{self, Replayed, how_of};

#[derive(Serialize)]
struct ReplayJson {
    name: String,
    seed: u64,
    arena: &'static str,
    verdict: Verdict,
    property: Option<&'static str>,
    trace_hash: Option<String>,
    edited: bool,
    same_hash: Option<bool>,
    bug: Option<String>,
}

pub(super) fn replay(arguments: &Replay) -> Result<u8, Refused> {
    let (replayed, how) = match record(arguments)? {
        Some(record) if arguments.arena.is_some_and(|arena| arena != record.arena()) => {
            return Err(Refused(format!(
                "found --arena beside a record of the arena {}, expected neither or the same",
                record.arena()
            )));
        }
        Some(record) => (replay::replay(&record)?, how_of(&record)),
        None => seed(arguments)?,
    };
    let judged = &replayed.judged;
    if wants_trace(arguments) {
        trace(&judged.plan, how, arguments)?;
    }
    show(&replayed);
    if arguments.json {
        output::json(&ReplayJson {
            name: judged.plan.scenario.clone(),
            seed: judged.plan.seed,
            arena: judged.arena.name(),
            verdict: judged.verdict(),
            property: judged.failure.as_ref().map(|failure| failure.property.name()),
            trace_hash: judged.outcome.as_ref().map(|outcome| hex(outcome.hash)),
            edited: replayed.edited,
            same_hash: replayed.same_hash,
            bug: replayed.bug.clone(),
        })?;
    }
    Ok(if replayed.same_hash == Some(false) { Verdict::Nondeterminism.code() } else { judged.verdict().code() })
}

/// The record that is meant; `None` if it is a scenario.
fn record(arguments: &Replay) -> Result<Option<Record>, Refused> {
    let path = Path::new(&arguments.what);
    if arguments.seed.is_some() || !path.is_file() {
        return Ok(None);
    }
    let text = read_file(path)?;
    // Told apart by a field that no scenario has, so that a record that is cut short is still refused as a record.
    let is_record = text.lines().any(|line| line.trim_start().starts_with("format:"));
    if is_record { Ok(Some(Record::parse(&arguments.what, &text)?)) } else { Ok(None) }
}

fn seed(arguments: &Replay) -> Result<(Replayed, How), Refused> {
    let named = run::load_one(&arguments.what)?;
    let seed = arguments.seed.unwrap_or_else(run::drawn);
    let how = How { arena: arguments.arena.unwrap_or_default(), twice: true, ..How::default() };
    let plan = Plan::draw(&named.name, &named.scenario, seed);
    let judged = judge(Arc::new(plan), &KvSubject, how)?;
    Ok((Replayed { judged, edited: false, same_hash: None, stale: Vec::new(), bug: None }, how))
}

fn wants_trace(arguments: &Replay) -> bool {
    arguments.trace || arguments.trace_out.is_some() || std::env::var_os("RUST_LOG").is_some()
}

fn trace(plan: &Arc<Plan>, how: How, arguments: &Replay) -> Result<(), Refused> {
    let out: Option<Box<dyn Write + Send>> = match &arguments.trace_out {
        Some(file) => {
            let opened = File::create(file).map_err(|error| Refused(format!("{}: {error}", file.display())))?;
            Some(Box::new(BufWriter::new(opened)))
        }
        None if arguments.trace => Some(Box::new(BufWriter::new(io::stdout()))),
        None => None,
    };
    let tracer = Tracer::new(out, arguments.from.unwrap_or(0), arguments.until.unwrap_or(u64::MAX));
    // A panic in the system under test ends the trace there; it was judged already.
    let Some(tracer) = watch(plan, &KvSubject, how, tracer)? else {
        return Ok(()); // It never ended, which was judged, too.
    };
    match tracer.finish().map(drop) {
        // Whoever reads a trace through a pager may leave early.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        finished => Ok(finished?),
    }
}

fn show(replayed: &Replayed) {
    let Judged { plan, failure, outcome, last_events, .. } = &replayed.judged;
    if replayed.edited {
        eprintln!("the plan is not the one that was recorded: it is run as it stands now");
    }
    if let Some(bug) = &replayed.bug {
        eprintln!("the planted bug {bug} is active");
    }
    eprintln!("{} seed {}: {}", plan.scenario, plan.seed, plan.summary());
    if let Some(outcome) = outcome {
        let same = match replayed.same_hash {
            Some(true) => ", as recorded",
            Some(false) => ", which is NOT the recorded one, though the sources are the same",
            None => "",
        };
        eprintln!("trace hash {}{same}; {} events, {} operations", hex(outcome.hash), outcome.events, outcome.operations);
    }
    for mark in &replayed.stale {
        eprintln!("stale: {} was reached when this was recorded, and is no more", mark.name());
    }
    match failure {
        None => eprintln!("{}", replayed.judged.verdict().name()),
        Some(failure) => {
            eprintln!("{} is violated: {}", failure.property, failure.message);
            for line in &failure.evidence {
                eprintln!("  because of {line}");
            }
            eprintln!("  last events:");
            for line in &last_events[last_events.len().saturating_sub(10)..] {
                eprintln!("    {line}");
            }
        }
    }
}
