//! `squall bugs`: planted bugs, and hunting them with the scenarios that everybody runs.

use serde::Serialize;
use squall_raft::mutants::Bug;

use super::arguments::{Bugs, Hunt};
use super::{INTERRUPTED, Refused, output, run};
use crate::campaign::hunt::{self, Budget, Found, Quarry};

/// Exit code of a hunt that found nothing, or of a control that found something.
const MISSED: u8 = 1;

/// Wall time if no limit is given.
const BUDGET_NS: u64 = 60_000_000_000;

#[derive(Serialize)]
struct HuntJson {
    id: String,
    arena: &'static str,
    found: bool,
    base_seed: u64,
    executions: u64,
    virtual_ns: u64,
    cpu_ns: u64,
    checker: Option<&'static str>,
    seed_file: Option<String>,
}

pub(super) fn bugs(command: &Bugs) -> Result<u8, Refused> {
    match command {
        Bugs::List => {
            for bug in Bug::ALL {
                println!("{}  {}", bug.id(), bug.describe());
            }
            Ok(0)
        }
        Bugs::Hunt(arguments) => hunt(arguments),
    }
}

fn hunt(arguments: &Hunt) -> Result<u8, Refused> {
    let bug = match arguments.bug.as_str() {
        "none" => None,
        id => Some(named(id)?),
    };
    let base_seed = arguments.seed.unwrap_or_else(run::drawn);
    let stop = run::interruptible()?;
    let began = run::wall();
    let budget_ns = arguments.budget.unwrap_or(if arguments.executions.is_some() { u64::MAX } else { BUDGET_NS });
    let spent = || stop.load(std::sync::atomic::Ordering::Relaxed) || run::wall() - began >= budget_ns;
    let budget = Budget { executions_max: arguments.executions.unwrap_or(u64::MAX), spent: &spent };
    let quarry = quarry(bug, base_seed, arguments)?;
    let hunted = hunt::hunt(quarry, &budget)?;
    let id = bug.map_or("none", Bug::id);
    let mut json = HuntJson {
        id: id.to_owned(),
        arena: quarry.arena.name(),
        found: hunted.found.is_some(),
        base_seed,
        executions: hunted.executions,
        virtual_ns: hunted.virtual_ns,
        cpu_ns: hunted.cpu_ns,
        checker: None,
        seed_file: None,
    };
    if let Some(Found { record, property, .. }) = &hunted.found {
        let path = record.write(&arguments.out).map_err(|error| Refused(format!("{}: {error}", arguments.out.display())))?;
        json.checker = Some(property.name());
        json.seed_file = Some(path.display().to_string());
        eprintln!("{id}: {property} after {} executions: {}", hunted.executions, record.message);
        eprintln!("again: {} replay {}", output::command(), path.display());
    } else {
        eprintln!("{id}: nothing found in {} executions from base seed {base_seed}", hunted.executions);
    }
    if arguments.json {
        output::json(&json)?;
    }
    if stop.load(std::sync::atomic::Ordering::Relaxed) {
        return Ok(INTERRUPTED);
    }
    Ok(if hunted.found.is_some() == bug.is_some() { 0 } else { MISSED })
}

fn quarry(bug: Option<Bug>, base_seed: u64, arguments: &Hunt) -> Result<Quarry, Refused> {
    let found_in = Quarry::new(bug, base_seed);
    let arena = arguments.arena.unwrap_or(found_in.arena);
    match bug {
        Some(bug) if bug.is_in_driver() && arena != found_in.arena => Err(Refused(format!(
            "found --arena {arena} for {}, which is in the driver; expected an arena that runs it: {}",
            bug.id(),
            found_in.arena
        ))),
        _ => Ok(Quarry { arena, ..found_in }),
    }
}

/// The planted bug of an id.
pub(super) fn named(id: &str) -> Result<Bug, Refused> {
    Bug::from_id(id).ok_or_else(|| unknown(id))
}

fn unknown(id: &str) -> Refused {
    let ids: Vec<_> = Bug::ALL.iter().map(|bug| bug.id()).collect();
    Refused(format!("found bug {id:?}, expected none or one of {}", ids.join(", ")))
}
