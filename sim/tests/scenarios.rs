//! Every bundled scenario as a test of its own: 4 fixed seeds and 16 random ones.
//!
//! `SQUALL_SEEDS=N` sets the number of random seeds; `SQUALL_SEED=B` gives exactly the seeds
//! B to B+N-1. The base is drawn at each start and printed, so that every failure can be had again.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use libtest_mimic::{Arguments, Failed, Trial};
use squall_sim::campaign::panics;
use squall_sim::campaign::single::How;
use squall_sim::campaign::sweep::{Job, Named, RUNS_FOR_MARKS, Sweep};
use squall_sim::scenario::{self, Source};
use squall_sim::seeds::record::Record;

/// Seeds that are always run.
const FIXED: [u64; 4] = [1, 2, 3, 4];

/// Random seeds if nobody asks for another number.
const RANDOM: u64 = 16;

fn main() -> ExitCode {
    panics::keep_quiet();
    let arguments = Arguments::from_args();
    let seeds = match seeds() {
        Ok(seeds) => seeds,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::from(2);
        }
    };
    let trials = scenario::bundled().into_iter().map(|source| {
        let seeds = seeds.clone();
        Trial::test(source.name.clone(), move || run(&source, &seeds))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn seeds() -> Result<Vec<u64>, String> {
    let random = number("SQUALL_SEEDS")?.unwrap_or(RANDOM);
    if let Some(base) = number("SQUALL_SEED")? {
        println!("seeds {base} to {}", base.saturating_add(random).saturating_sub(1));
        return Ok((0..random).map(|i| base.wrapping_add(i)).collect());
    }
    let base = drawn();
    println!("seeds {FIXED:?} and {random} from base {base} (SQUALL_SEED={base} SQUALL_SEEDS={random} for the same)");
    Ok(FIXED.into_iter().chain((0..random).map(|i| base + i)).collect())
}

fn number(variable: &str) -> Result<Option<u64>, String> {
    match std::env::var(variable) {
        Ok(text) => text.parse().map(Some).map_err(|_| format!("{variable}: found {text:?}, expected a number")),
        Err(_) => Ok(None),
    }
}

#[expect(clippy::disallowed_types, reason = "drawn before anything runs, and printed")]
fn drawn() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish() % 1_000_000_000_000
}

fn run(source: &Source, seeds: &[u64]) -> Result<(), Failed> {
    let named = Named { name: source.name.clone(), scenario: source.scenario()? };
    let jobs: Vec<Job> = seeds.iter().enumerate().map(|(i, seed)| Job { scenario: 0, seed: *seed, twice: i == 0 }).collect();
    let stop = AtomicBool::new(false);
    let sweep = Sweep { scenarios: std::slice::from_ref(&named), jobs: &jobs, workers: 1, how: How::default(), stop: &stop };
    let report = sweep.run(&|_, _| ()).map_err(|(name, error)| format!("{name}: {error}"))?;
    if let Some(failed) = report.failed.first() {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../seeds");
        let record = Record::of(&failed.judged, None);
        if std::env::var_os("CI").is_some() {
            // Where the file may be lost with the machine, the plan is printed whole.
            println!("{}", record.as_ref().map(Record::to_ron).unwrap_or_default());
        }
        let record = record.map(|record| record.write(&folder)).transpose()?;
        let file = record.map(|path| path.display().to_string()).unwrap_or_default();
        let failure = &failed.failure;
        return Err(format!(
            "{} of {} seeds failed; seed {}: {} is violated: {}\n  recorded as {file}\n  again: cargo run --release -- replay {} --seed {}",
            report.failed.len(),
            seeds.len(),
            failed.judged.plan.seed,
            failure.property,
            failure.message,
            source.name,
            failed.judged.plan.seed,
        )
        .into());
    }
    let missing: Vec<_> = report.tallies[0].missing(&named.scenario).iter().map(|mark| mark.name()).collect();
    if seeds.len() as u64 >= RUNS_FOR_MARKS && !missing.is_empty() {
        return Err(format!("vacuous: {} never happened in {} runs", missing.join(", "), seeds.len()).into());
    }
    if seeds.len() as u64 >= RUNS_FOR_MARKS && report.tallies[0].is_rarely_available() {
        return Err(format!("vacuous: {} of {} runs were unavailable", report.tallies[0].unavailable, seeds.len()).into());
    }
    Ok(())
}
