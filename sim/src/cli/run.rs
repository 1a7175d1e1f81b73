//! `squall run`: scenarios over seeds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::arguments::Run;
use super::histories::Histories;
use super::output::{self, FailureJson, RunJson};
use super::{INTERRUPTED, Refused};
use crate::campaign::single::{How, Judged};
use crate::campaign::sweep::{Failed, Job, Named, RUNS_FOR_MARKS, Report, Sweep};
use crate::run::Options;
use crate::scenario::{self, ScenarioError};
use crate::seeds::record::Record;

/// More failures of one scenario and property than this are counted, not recorded.
const RECORDS_MAX: usize = 5;

/// More failures than this are counted, not shown.
const SHOWN_MAX: usize = 5;

pub(super) fn run(arguments: &Run) -> Result<u8, Refused> {
    arguments.arena.built()?;
    let scenarios = load(&arguments.scenarios)?;
    let seeds = Seeds::new(arguments);
    let jobs = seeds.jobs(scenarios.len(), arguments.once);
    let stop = interruptible()?;
    if let Some(base) = seeds.base {
        eprintln!("base seed {base}: {} seeds of each of {} scenarios", seeds.list.len(), scenarios.len());
    }
    let began = wall();
    let workers = arguments.jobs.map_or_else(cores, usize::from);
    let histories = arguments.history_out.as_deref().map(|folder| Histories::new(folder, &scenarios)).transpose()?;
    let options = Options { history: histories.is_some(), ..Options::default() };
    let how = How { arena: arguments.arena, options, ..How::default() };
    let report = sweep(&scenarios, &jobs, workers, how, histories.as_ref(), &stop)?;
    let wall_ns = wall().saturating_sub(began);
    eprint!("{}", output::table(&scenarios, &report));
    eprint!("{}", output::arena(&scenarios, &report));
    eprint!("{}", output::unavailable(&scenarios, &report));
    let failures = show_failures(&scenarios, &report, arguments)?;
    show_missing(&scenarios, &report);
    let mut json = RunJson::new(&scenarios, &report, failures, arguments.seed.is_some());
    json.wall_ns = wall_ns;
    json.base_seed = seeds.base;
    eprintln!("{}", output::speed(json.virtual_ns, json.cpu_ns, wall_ns));
    if arguments.json {
        output::json(&json)?;
    }
    histories.map_or(Ok(()), Histories::finish)?;
    Ok(if report.interrupted { INTERRUPTED } else { report.verdict().code() })
}

/// The scenarios that the arguments mean; every error of every file is shown before anything runs.
pub(super) fn load(arguments: &[String]) -> Result<Vec<Named>, Refused> {
    let mut sources = Vec::new();
    let mut errors = Vec::new();
    for argument in arguments {
        match scenario::load(argument) {
            Ok(found) => sources.extend(found),
            Err(error) => errors.push(error.to_string()),
        }
    }
    if arguments.is_empty() {
        sources = scenario::bundled();
    }
    let mut named = Vec::new();
    for source in sources {
        match source.scenario() {
            Ok(scenario) => named.push(Named { name: source.name, scenario }),
            Err(error) => errors.push(error.to_string()),
        }
    }
    if errors.is_empty() { Ok(named) } else { Err(Refused(errors.join("\n"))) }
}

/// The scenario that a name, a file or a folder with nothing else in it means.
pub(super) fn load_one(what: &str) -> Result<Named, Refused> {
    let mut scenarios = load(&[what.to_owned()])?;
    let found = format!("{} scenarios", scenarios.len());
    match (scenarios.pop(), scenarios.is_empty()) {
        (Some(named), true) => Ok(named),
        _ => Err(ScenarioError::of_file(what, found, "one").into()),
    }
}

struct Seeds {
    base: Option<u64>,
    list: Vec<u64>,
}

impl Seeds {
    fn new(arguments: &Run) -> Self {
        match arguments.seed {
            Some(seed) => Self { base: None, list: vec![seed] },
            None => {
                let base = drawn();
                Self { base: Some(base), list: (0..arguments.seeds).map(|i| base + i).collect() }
            }
        }
    }

    /// Every seed of every scenario; the first of each is run twice, unless each is to be run once.
    fn jobs(&self, scenarios: usize, once: bool) -> Vec<Job> {
        let seeds = self.list.iter().enumerate();
        let job = |(i, seed): (usize, &u64)| {
            let (seed, twice) = (*seed, i == 0 && !once);
            (0..scenarios).map(move |scenario| Job { scenario, seed, twice })
        };
        seeds.flat_map(job).collect()
    }
}

/// A base seed, short enough to be typed.
#[expect(clippy::disallowed_types, reason = "drawn before anything runs, and printed")]
pub(super) fn drawn() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish() % 1_000_000_000_000
}

/// Wall time since the first call.
#[expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "what a person waits for, read outside of every run")]
pub(super) fn wall() -> u64 {
    use std::sync::OnceLock;
    use std::time::Instant;
    static FIRST: OnceLock<Instant> = OnceLock::new();
    u64::try_from(FIRST.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// A flag that the first Ctrl-C sets; the second one ends the process.
pub(super) fn interruptible() -> Result<Arc<AtomicBool>, Refused> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(INTERRUPTED));
        }
    })?;
    Ok(stop)
}

fn sweep(
    scenarios: &[Named],
    jobs: &[Job],
    workers: usize,
    how: How,
    histories: Option<&Histories<'_>>,
    stop: &AtomicBool,
) -> Result<Report, Refused> {
    let bar = progress(jobs.len());
    let sweep = Sweep { scenarios, jobs, workers, how, stop };
    let report = sweep.run(&|job: &Job, judged: &Judged| {
        if let Some(histories) = histories {
            histories.write(job, judged);
        }
        bar.set_message(scenarios[job.scenario].name.clone());
        bar.inc(1);
    });
    bar.finish_and_clear();
    report.map_err(|(name, error)| Refused(format!("{name}: {error}")))
}

/// A bar on standard error; nothing where that is no terminal.
fn progress(jobs: usize) -> ProgressBar {
    let bar = ProgressBar::new(jobs as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} runs, {eta} left  {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Records failures, and says for each what happened and how to see it again.
fn show_failures(scenarios: &[Named], report: &Report, arguments: &Run) -> Result<Vec<FailureJson>, Refused> {
    let mut failures: Vec<FailureJson> = Vec::new();
    for failed in &report.failed {
        let name = &scenarios[failed.scenario].name;
        let property = failed.failure.property.name();
        let alike = failures.iter().filter(|known| known.name == *name && known.property == property).count();
        let file = if alike < RECORDS_MAX { record(failed, arguments)? } else { None };
        let seed = failed.judged.plan.seed;
        let again = file.clone().unwrap_or_else(|| format!("{name} --seed {seed}{}", output::in_arena(report.arena)));
        let replay = format!("{} replay {again}", output::command());
        let failure = FailureJson { name: name.clone(), seed, property, seed_file: file, replay };
        if failures.len() < SHOWN_MAX {
            show(failed, &failure);
        }
        failures.push(failure);
    }
    if failures.len() > SHOWN_MAX {
        eprintln!("\nand {} more failures", failures.len() - SHOWN_MAX);
    }
    Ok(failures)
}

fn record(failed: &Failed, arguments: &Run) -> Result<Option<String>, Refused> {
    let Some(record) = Record::of(&failed.judged, None) else {
        return Ok(None);
    };
    if std::env::var_os("CI").is_some() {
        eprintln!("\n{}", record.to_ron());
    }
    let path = record.write(&arguments.out).map_err(|error| Refused(format!("{}: {error}", arguments.out.display())))?;
    Ok(Some(path.display().to_string()))
}

fn show(failed: &Failed, failure: &FailureJson) {
    eprintln!("\n{} seed {}: {} is violated", failure.name, failure.seed, failure.property);
    eprintln!("  {}", failed.failure.message);
    eprintln!("  drawn: {}", failed.judged.plan.summary());
    for line in &failed.failure.evidence {
        eprintln!("  because of {line}");
    }
    let last = &failed.judged.last_events;
    eprintln!("  last events:");
    for line in &last[last.len().saturating_sub(10)..] {
        eprintln!("    {line}");
    }
    eprintln!("  again: {}", failure.replay);
}

/// Says which scenarios never reached what they are about.
fn show_missing(scenarios: &[Named], report: &Report) {
    for (named, tally) in scenarios.iter().zip(&report.tallies) {
        let missing: Vec<_> = tally.missing(&named.scenario).iter().map(|mark| mark.name()).collect();
        if tally.runs >= RUNS_FOR_MARKS && !missing.is_empty() {
            eprintln!("\n{} is vacuous: {} never happened in {} runs", named.name, missing.join(", "), tally.runs);
        }
        if tally.runs >= RUNS_FOR_MARKS && tally.is_rarely_available() {
            let said = "more than a tenth of its runs had no core";
            eprintln!("\n{} is vacuous: {said}, {} of {}", named.name, tally.unavailable, tally.runs);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_seed_is_run_twice_unless_each_is_run_once() {
        let seeds = Seeds { base: None, list: vec![7, 8] };
        let twice = |once| seeds.jobs(2, once).iter().map(|job| (job.seed, job.twice)).collect::<Vec<_>>();
        assert_eq!(twice(false), [(7, true), (7, true), (8, false), (8, false)]);
        assert_eq!(twice(true), [(7, false), (7, false), (8, false), (8, false)]);
    }
}
