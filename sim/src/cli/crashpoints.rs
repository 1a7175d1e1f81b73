//! `squall crashpoints`: a run in which a node dies at every disk operation, and at every one of the recovery from that.

use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use squall_checkers::violation::Violation;

use super::arguments::Crashpoints;
use super::{Refused, output, run};
use crate::campaign::crashpoints::{Part, Point, Walk, walk};
use crate::campaign::single::How;
use crate::campaign::verdict::Verdict;
use crate::plan::Plan;
use crate::run::subject::KvSubject;
use crate::run::text::Seconds;

/// Failures that are shown in full, and after which a walk ends.
const FAILURES_MAX: usize = 5;

#[derive(Serialize)]
struct CrashpointsJson<'a> {
    name: &'a str,
    seed: u64,
    verdict: Verdict,
    points: u64,
    recovery_points: u64,
    disk_operations: u64,
    rotations: u64,
    truncations_over_segments: u64,
    votes: u64,
    commits: u64,
    failures: Vec<FailureJson>,
}

#[derive(Serialize)]
struct FailureJson {
    point: String,
    property: &'static str,
    message: String,
}

pub(super) fn crashpoints(arguments: &Crashpoints) -> Result<u8, Refused> {
    let named = run::load_one(&arguments.scenario)?;
    let seed = arguments.seed.unwrap_or_else(run::drawn);
    let plan = Arc::new(Plan::draw(&named.name, &named.scenario, seed));
    let bar = bar(plan.safety.0);
    let part = Part { only: arguments.only, every: arguments.every, failures_max: FAILURES_MAX };
    let how = How {
        #[cfg(feature = "mutants")]
        bug: arguments.bug.as_deref().map(super::bugs::named).transpose()?,
        ..How::default()
    };
    let walked = walk(&plan, &KvSubject, how, part, |at_ns, walk| {
        bar.set_position(at_ns);
        bar.set_message(format!("{} points, {} in recoveries", walk.points, walk.recovery_points));
    })?;
    bar.finish_and_clear();
    let verdict = walked.failures.first().map_or(Verdict::Pass, |(_, violation)| Verdict::of(violation.property));
    if arguments.json {
        output::json(&json(&named.name, seed, verdict, &walked))?;
    } else {
        show(&arguments.scenario, seed, &walked);
    }
    Ok(verdict.code())
}

fn bar(span_ns: u64) -> ProgressBar {
    let bar = ProgressBar::new(span_ns);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent:>3} %  {msg}  {elapsed}") {
        bar.set_style(style);
    }
    bar
}

fn show(scenario: &str, seed: u64, walked: &Walk) {
    let Walk { points, recovery_points, facts, failures } = walked;
    println!("{scenario} seed {seed}: {points} crash points, and {recovery_points} in the recoveries from them");
    println!(
        "  the run: {} disk operations, {} rotations at a node, {} truncations over segments, {} votes, {} commits",
        facts.disk_operations, facts.rotations, facts.truncations_over_segments, facts.votes, facts.commits
    );
    for (point, violation) in failures {
        println!("\n{point}: {} is violated\n  {}", violation.property.name(), violation.message);
        for because in &violation.evidence {
            println!("  because of event {} at {}: {}", because.event, Seconds(because.at_ns), because.what);
        }
        println!("  again: squall crashpoints {scenario} --seed {seed} --only {point}");
    }
    if failures.is_empty() {
        println!("  all well");
    }
}

fn json<'a>(name: &'a str, seed: u64, verdict: Verdict, walked: &Walk) -> CrashpointsJson<'a> {
    let failure = |(point, violation): &(Point, Box<Violation>)| FailureJson {
        point: point.to_string(),
        property: violation.property.name(),
        message: violation.message.clone(),
    };
    let facts = &walked.facts;
    CrashpointsJson {
        name,
        seed,
        verdict,
        points: walked.points,
        recovery_points: walked.recovery_points,
        disk_operations: facts.disk_operations,
        rotations: facts.rotations,
        truncations_over_segments: facts.truncations_over_segments,
        votes: facts.votes,
        commits: facts.commits,
        failures: walked.failures.iter().map(failure).collect(),
    }
}
