//! Runs two builds of `squall` on the same seeds and compares what they did, trace hash by trace hash.
//!
//! ```text
//! compare FIRST SECOND [--seeds N] [--base B] [--scenarios FOLDER] [--arena ARENA]
//! ```
//!
//! One call of `run --once --seed` gives the hashes of all bundled scenarios, so N seeds cost N processes per build; as many
//! of them run at a time as there are cores. With `--scenarios`, every `.ron` file below the folder must have run.
//! What fails in both alike is equal; its record goes to `compare-failures` beside the program.
//! Exit codes: 0 equal, 1 a difference (the first is printed), 2 the comparison could not be made.
//! Not here: building the two, and what a difference means (`squall diff` shows the events).

use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use squall_ci::traces::{Traces, first_difference, parse};
use squall_ci::tree::Tree;

const USAGE: &str = "usage: compare FIRST SECOND [--seeds N] [--base B] [--scenarios FOLDER] [--arena ARENA]";

/// What the command line asked for.
#[derive(Debug)]
struct Options {
    first: PathBuf,
    second: PathBuf,
    seeds: u64,
    base: u64,
    scenarios: Option<PathBuf>,
    /// Handed on to both; their own default without it.
    arena: Option<String>,
}

/// What came of one seed: nothing to say, a difference, or a comparison that could not be made.
#[derive(Debug)]
enum Outcome {
    Equal(usize),
    Differs(String),
    Failed(String),
}

fn main() -> ExitCode {
    match options(std::env::args().skip(1)).and_then(|options| compare(&options)) {
        Ok(Outcome::Equal(traces)) => {
            println!("{traces} traces of each program, all equal");
            ExitCode::SUCCESS
        }
        Ok(Outcome::Differs(difference)) => {
            println!("{difference}");
            ExitCode::from(1)
        }
        Ok(Outcome::Failed(message)) | Err(message) => {
            eprintln!("compare: {message}");
            ExitCode::from(2)
        }
    }
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut programs = Vec::new();
    let (mut seeds, mut base, mut scenarios, mut arena) = (50, 1, None, None);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("found nothing after {argument}\n{USAGE}"));
        match argument.as_str() {
            "--seeds" => seeds = number(&value()?)?,
            "--base" => base = number(&value()?)?,
            "--scenarios" => scenarios = Some(PathBuf::from(value()?)),
            "--arena" => arena = Some(value()?),
            program if !program.starts_with('-') => programs.push(PathBuf::from(program)),
            unknown => return Err(format!("found `{unknown}`\n{USAGE}")),
        }
    }
    let [first, second] = <[PathBuf; 2]>::try_from(programs).map_err(|_| USAGE.to_owned())?;
    if seeds == 0 || base.checked_add(seeds).is_none() {
        return Err("found no seed, or seeds beyond 64 bits, expected at least one below".to_owned());
    }
    Ok(Options { first, second, seeds, base, scenarios, arena })
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("found `{text}`, expected a whole number"))
}

/// Compares all seeds. Of several that differ the lowest that was seen is told.
fn compare(options: &Options) -> Result<Outcome, String> {
    let expected = options.scenarios.as_deref().map(expected_names).transpose()?.unwrap_or_default();
    let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let outcomes = Mutex::new(Vec::new());
    let work = || {
        while !stop.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= options.seeds {
                return;
            }
            let outcome = one_seed(options, options.base + number, &expected);
            stop.fetch_or(!matches!(outcome, Outcome::Equal(_)), Ordering::Relaxed);
            outcomes.lock().unwrap_or_else(PoisonError::into_inner).push((number, outcome));
        }
    };
    in_parallel(&work);
    let mut outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    outcomes.sort_by_key(|(number, _)| *number);
    let mut total = 0;
    for (_, outcome) in outcomes {
        match outcome {
            Outcome::Equal(traces) => total += traces,
            other => return Ok(other),
        }
    }
    Ok(Outcome::Equal(total))
}

#[expect(clippy::disallowed_methods, reason = "threads that wait for processes; nothing is simulated in them")]
fn in_parallel(work: &(impl Fn() + Sync)) {
    let workers = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
}

fn one_seed(options: &Options, seed: u64, expected: &[String]) -> Outcome {
    let (first, second) = match (traces(&options.first, seed, options), traces(&options.second, seed, options)) {
        (Ok(first), Ok(second)) => (first, second),
        (Err(message), _) | (_, Err(message)) => return Outcome::Failed(message),
    };
    if let Some(name) = expected.iter().find(|name| !first.contains_key(*name)) {
        return Outcome::Failed(format!("seed {seed}: `{name}` did not run, expected every scenario of the folder"));
    }
    match first_difference(&first, &second) {
        None => Outcome::Equal(first.len()),
        Some(difference) => Outcome::Differs(format!(
            "seed {seed}: {difference}\nfirst:  {}\nsecond: {}",
            options.first.display(),
            options.second.display()
        )),
    }
}

/// Runs one seed of every bundled scenario. A run that fails has traces too, and they must be equal as well.
fn traces(program: &Path, seed: u64, options: &Options) -> Result<Traces, String> {
    let name = program.display();
    let out = program.with_file_name("compare-failures");
    let mut command = Command::new(program);
    command.args(["run", "--json", "--once", "--jobs", "1", "--seed", &seed.to_string(), "--out"]).arg(out);
    if let Some(arena) = &options.arena {
        command.args(["--arena", arena]);
    }
    let output = command.stdin(Stdio::null()).output().map_err(|error: io::Error| format!("{name}: {error}"))?;
    parse(&String::from_utf8_lossy(&output.stdout)).map_err(|error| {
        let stderr = String::from_utf8_lossy(&output.stderr);
        format!("{name}, seed {seed}, {}: {error}\n{stderr}", output.status)
    })
}

fn expected_names(folder: &Path) -> Result<Vec<String>, String> {
    let tree = Tree::read(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let names: Vec<_> = tree.with_extension("ron").map(|file| file.path.trim_end_matches(".ron").to_owned()).collect();
    if names.is_empty() {
        return Err(format!("{}: found no scenario, expected some", folder.display()));
    }
    Ok(names)
}
