//! `squall diff`: where two runs, or two traces, part.

use std::path::Path;
use std::sync::Arc;

use super::trace::Tracer;
use super::{Refused, run};
use crate::campaign::single::{How, watch};
use crate::plan::Plan;
use crate::run::subject::KvSubject;
use crate::scenario::ScenarioError;
use crate::scenario::error::read_file;
use crate::seeds::record::Record;
use crate::seeds::replay::how_of;

/// Lines of common past that are shown.
const CONTEXT: usize = 3;

pub(super) fn diff(a: &str, b: &str) -> Result<u8, Refused> {
    let (one, other) = (lines(a)?, lines(b)?);
    let same = one.iter().zip(&other).take_while(|(one, other)| one == other).count();
    if same == one.len() && same == other.len() {
        println!("no difference in {same} events");
        return Ok(0);
    }
    for line in &one[same.saturating_sub(CONTEXT)..same] {
        println!("  {line}");
    }
    let at = |lines: &[String]| lines.get(same).cloned().unwrap_or_else(|| "(the end)".to_owned());
    println!("- {}", at(&one));
    println!("+ {}", at(&other));
    println!("the first difference is in line {}, after {same} common ones (- {a}, + {b})", same + 1);
    Ok(1)
}

/// The trace of whatever is named.
fn lines(what: &str) -> Result<Vec<String>, Refused> {
    let path = Path::new(what);
    if path.is_file() {
        if path.extension().is_some_and(|extension| extension == "ron") {
            let record = Record::read(path)?;
            return trace(record.plan.clone(), how_of(&record));
        }
        return Ok(read_file(path)?.lines().map(str::to_owned).collect());
    }
    let Some((name, seed)) = what.rsplit_once('@') else {
        return Err(ScenarioError::of_file(what, "no such file", "a trace file, a seed file, or NAME@SEED").into());
    };
    let seed: u64 = seed.parse().map_err(|_| ScenarioError::of_file(what, format!("seed {seed:?}"), "a number"))?;
    let named = run::load_one(name)?;
    trace(Plan::draw(&named.name, &named.scenario, seed), How::default())
}

fn trace(plan: Plan, how: How) -> Result<Vec<String>, Refused> {
    let tracer = watch(&Arc::new(plan), &KvSubject, how, Tracer::new(Some(Vec::new()), 0, u64::MAX))?;
    let out = tracer.map_or(Ok(None), Tracer::finish)?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&out).lines().map(str::to_owned).collect())
}
