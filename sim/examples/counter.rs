//! A state machine of one's own, embedded and stormed: counters that clients add to.
//!
//! ```text
//! cargo run --release --example counter                  20 seeds of the bundled leader-crash
//! cargo run --release --example counter -- lossy-network another storm, or a file
//! cargo run --release --example counter -- --broken      a machine that forgets: exit code 1
//! ```
//!
//! Three parts: the machine that is replicated ([`Counters`]), the model that says which
//! answers are right ([`Count`]), and the subject that turns planned operations into
//! commands of the machine ([`Storm`]). The storm does the rest.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use bytes::Bytes;
use squall_checkers::model::Model;
use squall_raft::applier::StateMachine;
use squall_raft::digest::Digest;
use squall_sim::campaign::single::{How, Judged, judge};
use squall_sim::plan::{Op, Operation, Plan};
use squall_sim::run::subject::{Ask, Subject};
use squall_sim::scenario::{self, Scenario};

/// The machine: a total per key. A command or query is a key; the answer is its total.
#[derive(Clone, Debug, Default)]
struct Counters {
    totals: BTreeMap<Bytes, u64>,
    digest: u64,
    applied: u64,
    broken: bool,
}

impl StateMachine for Counters {
    fn apply(&mut self, key: &[u8]) -> Bytes {
        let key = Bytes::copy_from_slice(key);
        let total = self.totals.entry(key.clone()).or_default();
        let answer = encoded(*total + 1);
        self.applied += 1;
        if self.broken && self.applied.is_multiple_of(100) {
            return answer; // Promised, and forgotten.
        }
        *total += 1;
        self.digest = self.digest.wrapping_add(Digest::of(0, &key));
        answer
    }

    fn query(&self, key: &[u8]) -> Bytes {
        encoded(self.totals.get(key).copied().unwrap_or(0))
    }

    fn digest(&self) -> u64 {
        self.digest
    }
}

fn encoded(total: u64) -> Bytes {
    Bytes::copy_from_slice(&total.to_le_bytes())
}

/// What a client asks of one counter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Input {
    Add(Bytes),
    Read(Bytes),
}

/// The model: what one counter may answer if operations come one by one.
#[derive(Clone, Copy, Debug)]
struct Count;

impl Model for Count {
    type Key = Bytes;
    type Input = Input;
    type Output = u64;
    type State = u64;
    type Horizon = ();

    fn partition_key<'a>(&self, input: &'a Input) -> Cow<'a, Bytes> {
        let (Input::Add(key) | Input::Read(key)) = input;
        Cow::Borrowed(key)
    }

    fn init(&self) -> u64 {
        0
    }

    fn step(&self, total: &u64, input: &Input, output: Option<&u64>) -> Option<u64> {
        let next = total + u64::from(matches!(input, Input::Add(_)));
        output.is_none_or(|answer| *answer == next).then_some(next)
    }

    fn describe(&self, input: &Input, output: Option<&u64>) -> String {
        format!("{input:?} -> {output:?}")
    }

    fn describe_state(&self, total: &u64) -> String {
        total.to_string()
    }

    fn describe_key(&self, key: &Bytes) -> String {
        key.escape_ascii().to_string()
    }
}

/// The subject: whatever a scenario's clients write is an addition here.
#[derive(Clone, Copy, Debug)]
struct Storm {
    broken: bool,
}

impl Subject for Storm {
    type Machine = Counters;
    type Model = Count;

    fn machine(&self) -> Counters {
        Counters { broken: self.broken, ..Counters::default() }
    }

    fn model(&self) -> Count {
        Count
    }

    fn ask(&self, operation: &Operation, _seen: Option<&Bytes>) -> Ask<Input> {
        let key = Bytes::from(format!("k{}", operation.key));
        let is_query = operation.op == Op::Get;
        let input = if is_query { Input::Read(key.clone()) } else { Input::Add(key.clone()) };
        Ask { input, bytes: key, is_query }
    }

    fn answer(&self, _input: &Input, bytes: &Bytes) -> Option<u64> {
        Some(u64::from_le_bytes(bytes.as_ref().try_into().ok()?))
    }

    fn seen(&self, _input: &Input, _total: &u64) -> Option<Option<Bytes>> {
        None
    }
}

/// One seed of a storm, judged by every checker.
fn storm(name: &str, scenario: &Scenario, seed: u64, broken: bool) -> Result<Judged, String> {
    let plan = Arc::new(Plan::draw(name, scenario, seed));
    judge(plan, &Storm { broken }, How::default()).map_err(|error| error.to_string())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let broken = arguments.iter().any(|argument| argument == "--broken");
    let name = arguments.iter().find(|argument| !argument.starts_with('-')).map_or("leader-crash", String::as_str);
    match campaign(name, broken) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// Runs 20 seeds of each scenario that is meant, prints a line for each and counts violations.
fn campaign(name: &str, broken: bool) -> Result<u64, String> {
    let mut violations = 0;
    for source in scenario::load(name).map_err(|error| error.to_string())? {
        let scenario = source.scenario().map_err(|error| error.to_string())?;
        for seed in 1..=20 {
            let judged = storm(&source.name, &scenario, seed, broken)?;
            let operations = judged.outcome.as_ref().map_or(0, |outcome| outcome.operations);
            match &judged.failure {
                None => println!("{} seed {seed}: pass, {operations} operations", source.name),
                Some(failure) => {
                    violations += 1;
                    println!("{} seed {seed}: {}: {}", source.name, failure.property, failure.message);
                }
            }
        }
    }
    Ok(violations)
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_checkers::violation::Property;

    fn judged(broken: bool) -> Judged {
        let source = &scenario::load("leader-crash").unwrap()[0];
        storm(&source.name, &source.scenario().unwrap(), 1, broken).unwrap()
    }

    #[test]
    fn a_right_machine_survives() {
        let judged = judged(false);
        assert!(judged.failure.is_none(), "{:?}", judged.failure);
        assert!(judged.outcome.is_some_and(|outcome| outcome.operations > 200));
    }

    /// All replicas forget alike, so only the clients' history can tell.
    #[test]
    fn a_machine_that_forgets_is_caught() {
        let failure = judged(true).failure.unwrap();
        assert_eq!(failure.property, Property::Linearizability, "{}", failure.message);
    }
}
