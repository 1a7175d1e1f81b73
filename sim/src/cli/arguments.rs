//! What can be typed, as types.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args, Parser, Subcommand};
use squall_checkers::format::Format;

use crate::arena::ArenaKind;
use crate::campaign::crashpoints::Point;

/// Raft in the storm: runs consensus clusters under simulated faults, from one seed.
#[derive(Debug, Parser)]
#[command(name = "squall", version, arg_required_else_help = true)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run scenarios over seeds and judge every run.
    Run(Run),
    /// Run a recorded failure, or one seed of a scenario, again; always twice.
    Replay(Replay),
    /// Kill a node at every disk operation of a run, and again at every one of the recovery from that.
    Crashpoints(Crashpoints),
    /// Judge recorded histories of clients: exit 0 if each is linearizable, 10 if one is not, 14 if a limit was reached.
    Check(Check),
    /// Find the first difference between two runs or traces (exit 1 if there is one).
    Diff {
        /// A trace file, a seed file, or NAME@SEED.
        a: String,
        /// Likewise.
        b: String,
    },
    /// Look at the write-ahead log of a server, or put it in order.
    Wal {
        #[command(subcommand)]
        command: Wal,
    },
    /// Help with scenario files.
    Scenario {
        #[command(subcommand)]
        command: Scenario,
    },
    /// The catalogue of planted bugs, and hunting them.
    #[cfg(feature = "mutants")]
    Bugs {
        #[command(subcommand)]
        command: Bugs,
    },
}

#[derive(Debug, Args)]
pub(super) struct Run {
    /// Bundled names, files or folders; all bundled scenarios if none is given.
    pub scenarios: Vec<String>,
    /// How many seeds of each, from a base that is drawn at the start.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub seeds: u64,
    /// Exactly this seed of each.
    #[arg(long, value_name = "N", conflicts_with = "seeds")]
    pub seed: Option<u64>,
    /// How many runs at a time; the number of cores if not given. Results do not depend on it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Run no seed twice. Else the first one is, to see that it comes to the same.
    #[arg(long)]
    pub once: bool,
    /// Where failures are recorded.
    #[arg(long, value_name = "DIR", default_value = "seeds")]
    pub out: PathBuf,
    /// Write the clients' history of each run into this folder, for `check`.
    #[arg(long, value_name = "DIR")]
    pub history_out: Option<PathBuf>,
    /// Where scenarios run.
    #[arg(long, default_value = "world", value_parser = arenas())]
    pub arena: ArenaKind,
    /// One line of JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Replay {
    /// A seed file, or a scenario.
    pub what: String,
    /// The seed of a scenario's run; drawn and printed if not given.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Where the scenario runs. (A seed file runs where it was recorded.)
    #[arg(long, value_parser = arenas())]
    pub arena: Option<ArenaKind>,
    /// Print every event.
    #[arg(long)]
    pub trace: bool,
    /// Write every event into a file.
    #[arg(long, value_name = "FILE")]
    pub trace_out: Option<PathBuf>,
    /// Print events from this virtual time on, such as 1.5s.
    #[arg(long, value_name = "T", value_parser = time)]
    pub from: Option<u64>,
    /// Print events until this virtual time.
    #[arg(long, value_name = "T", value_parser = time)]
    pub until: Option<u64>,
    /// One line of JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Crashpoints {
    /// A bundled name or a file.
    pub scenario: String,
    /// The seed of the run; drawn and printed if not given.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Only every N-th disk operation of each node; recoveries from those are walked as a whole.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub every: u64,
    /// Only this point, as a failure names it: NODE:OPERATION:DEATH, and for one in a recovery :OPERATION:DEATH more.
    #[arg(long, value_name = "POINT", value_parser = <Point as std::str::FromStr>::from_str)]
    pub only: Option<Point>,
    /// With this planted bug in every node.
    #[cfg(feature = "mutants")]
    #[arg(long, value_name = "ID")]
    pub bug: Option<String>,
    /// One line of JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// Histories: JSONL, Jepsen's EDN, or Jepsen's log.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// What the operations are about; may be left out if the meta line of a JSONL file says it.
    #[arg(long, value_parser = PossibleValuesParser::new(squall_checkers::format::NAMES))]
    pub model: Option<String>,
    /// How the files are written; told from their content if not given.
    #[arg(long, value_parser = formats())]
    pub format: Option<Format>,
    /// What is in a register before the first write; nothing if not given.
    #[arg(long, value_name = "VALUE")]
    pub initial: Option<String>,
    /// Draw the operations, the order and what is wrong with it as one page for a browser.
    #[arg(long, value_name = "OUT")]
    pub html: Option<PathBuf>,
    /// Give up on a file after this much time, such as 60s.
    #[arg(long, value_name = "T", value_parser = time)]
    pub time_limit: Option<u64>,
    /// Give up on a key when its search takes this many MiB.
    #[arg(long, value_name = "MIB")]
    pub memory_limit: Option<u64>,
    /// Give up on a key after this many configurations.
    #[arg(long, value_name = "N")]
    pub configurations: Option<u64>,
    /// One line of JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Wal {
    /// Print what lies in a log and what a boot would do about it; changes nothing. Exit 0 if all is there, 17 if not.
    Inspect {
        /// The server's folder, or the log's folder in it.
        dir: PathBuf,
        /// Every record.
        #[arg(long)]
        records: bool,
        /// JSON on standard output: one object; with `--records` a line for each frame before it.
        #[arg(long)]
        json: bool,
    },
    /// Bring a log into a state that a boot accepts, while no server runs. Exit 0 if it is, 17 if it is not.
    Repair {
        /// The server's folder, or the log's folder in it.
        dir: PathBuf,
        /// Do it. Else it is only said.
        #[arg(long)]
        yes: bool,
        /// End the log before its damage, although acknowledged entries and votes may be lost. The node must not vote again.
        #[arg(long)]
        discard_acknowledged: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Scenario {
    /// The bundled scenarios, each with the beginning of its story.
    List {
        /// A JSON array on standard output.
        #[arg(long)]
        json: bool,
    },
    /// Check scenario files and give advice (exit 2 if one is wrong).
    Lint {
        /// Bundled names, files or folders.
        #[arg(required = true)]
        scenarios: Vec<String>,
    },
    /// Write a commented scenario to start from: NAME.ron in this folder.
    New {
        /// Its name.
        name: String,
    },
}

#[cfg(feature = "mutants")]
#[derive(Debug, Subcommand)]
pub(super) enum Bugs {
    /// The planted bugs, by id.
    List,
    /// Run the general scenarios with a planted bug until a checker finds it.
    Hunt(Hunt),
}

#[cfg(feature = "mutants")]
#[derive(Debug, Args)]
pub(super) struct Hunt {
    /// The bug's id, or `none`: the control, in which nothing may be found.
    pub bug: String,
    /// The base seed; drawn if not given.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Where to hunt; by default where the bug is, and the control in the world.
    #[arg(long, value_name = "ARENA", value_parser = arenas())]
    pub arena: Option<ArenaKind>,
    /// Give up after this much wall time (60s if neither limit is given).
    #[arg(long, value_name = "T", value_parser = time, conflicts_with = "executions")]
    pub budget: Option<u64>,
    /// Give up after this many runs.
    #[arg(long, value_name = "N")]
    pub executions: Option<u64>,
    /// Where the reproducer is recorded.
    #[arg(long, value_name = "DIR", default_value = "seeds/mutants")]
    pub out: PathBuf,
    /// One line of JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

fn arenas() -> impl clap::builder::TypedValueParser<Value = ArenaKind> {
    let names = PossibleValuesParser::new(ArenaKind::ALL.map(ArenaKind::name));
    names.try_map(|name| ArenaKind::from_name(&name).ok_or("an arena without a name"))
}

fn formats() -> impl clap::builder::TypedValueParser<Value = Format> {
    let names = PossibleValuesParser::new(Format::ALL.map(Format::name));
    names.try_map(|name| Format::from_name(&name).ok_or("a format without a name"))
}

fn time(text: &str) -> Result<u64, String> {
    crate::scenario::Nanos::parse(text)
        .map(|time| time.0)
        .ok_or_else(|| format!("found {text:?}, expected a time with a unit, such as 1.5s"))
}
