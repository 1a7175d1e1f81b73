//! The `squall` command: arguments in, exit code out.
//!
//! This is the edge of the project: wall clock, terminal and files are used here and
//! nowhere below. Exit codes: 0 pass, 1 differs (`diff`) or not found (`bugs hunt`), 2 usage
//! or bad input, 10 to 16 see [`Verdict`](crate::campaign::verdict::Verdict), 17 a damaged log (`wal`), 70 a
//! panic of our own, 130 interrupted.

mod arguments;
#[cfg(feature = "mutants")]
mod bugs;
mod check;
mod crashpoints;
mod diff;
mod histories;
mod output;
mod replay;
mod run;
mod scenario;
mod trace;
mod wal;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser;

use self::arguments::{Cli, Command};

/// Our own panic.
const PANIC: u8 = 70;
/// Usage or bad input.
const USAGE: u8 = 2;
/// Interrupted by a signal.
const INTERRUPTED: u8 = 130;

/// What ends a command early, already worded for people.
#[derive(Debug)]
pub(crate) struct Refused(String);

impl<E: std::error::Error> From<E> for Refused {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// Runs the command line.
#[must_use]
pub fn main() -> ExitCode {
    crate::campaign::panics::keep_quiet();
    trace::install_subscriber();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; a broken pipe while printing them is none either.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(USAGE));
        }
    };
    let code = match catch_unwind(AssertUnwindSafe(|| dispatch(cli.command))) {
        Ok(Ok(code)) => code,
        Ok(Err(Refused(why))) => {
            eprintln!("{why}");
            USAGE
        }
        Err(_) => {
            eprintln!("squall panicked, which is a bug of squall itself: {}", crate::campaign::panics::take());
            PANIC
        }
    };
    ExitCode::from(code)
}

fn dispatch(command: Command) -> Result<u8, Refused> {
    match command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Replay(arguments) => replay::replay(&arguments),
        Command::Crashpoints(arguments) => crashpoints::crashpoints(&arguments),
        Command::Check(arguments) => check::check(&arguments),
        Command::Diff { a, b } => diff::diff(&a, &b),
        Command::Wal { command } => wal::wal(&command),
        Command::Scenario { command } => scenario::scenario(&command),
        #[cfg(feature = "mutants")]
        Command::Bugs { command } => bugs::bugs(&command),
    }
}
