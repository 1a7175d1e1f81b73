//! Every bundled scenario as a test of its own: is there enough going on in its runs to find anything?
//!
//! At least four clients at once, two shared keys, two hundred completed operations, a third of them reads, and
//! clients that are active before, during and after every fault. Measured on what a run does, not on what its file
//! says. Not here: whether runs pass and reach their marks (`scenarios.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::sync::Arc;

use bytes::Bytes;
use libtest_mimic::{Arguments, Failed, Trial};
use squall_raft::applier::StateMachine;
use squall_raft::applier::kv::Operation;
use squall_raft::node::Node;
use squall_raft::node::request::{Reply, Request};
use squall_sim::campaign::single::{How, start};
use squall_sim::plan::Plan;
use squall_sim::run::Options;
use squall_sim::run::finish::Outcome;
use squall_sim::run::subject::KvSubject;
use squall_sim::scenario::{self, Expect, Mix, Scenario};
use squall_sim::world::{Observer, WorldEvent};

const SEEDS: std::ops::Range<u64> = 100..106;

const OPERATIONS_MIN: u64 = 200;
const IN_FLIGHT_MIN: u64 = 4;
const SHARED_KEYS_MIN: usize = 2;

/// How far from a fault's begin and end clients must be seen.
const AROUND_NS: u64 = 1_000_000_000;

/// What has no length, such as a jump of a clock, or hardly any is given some.
const INSTANT_NS: u64 = 100_000_000;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials: Vec<Trial> = scenario::bundled()
        .into_iter()
        .map(|source| Trial::test(source.name.clone(), move || Ok(check_seeds(&source.name, &source.scenario()?)?)))
        .collect();
    trials.extend(shortcomings().map(|(name, edit, complaint)| Trial::test(name, move || falls_short(edit, complaint))));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn check_seeds(name: &str, scenario: &Scenario) -> Result<(), String> {
    for seed in SEEDS {
        let plan = Plan::draw(name, scenario, seed);
        check(plan).map_err(|why| format!("seed {seed}: {why}"))?;
    }
    Ok(())
}

/// Ways in which a run may fall short, each with the complaint that it must get.
fn shortcomings() -> impl Iterator<Item = (&'static str, fn(&mut Plan), &'static str)> {
    let clients: fn(&mut Plan) = |plan| plan.clients.truncate(3);
    let keys: fn(&mut Plan) = |plan| {
        for client in &mut plan.clients {
            client.operations.iter_mut().for_each(|operation| operation.key = client.id);
        }
    };
    let operations: fn(&mut Plan) = |plan| {
        plan.clients.iter_mut().for_each(|client| client.operations.iter_mut().for_each(|o| o.think.0 *= 40));
    };
    let late: fn(&mut Plan) = |plan| plan.clients.iter_mut().for_each(|client| client.operations[0].think.0 = 6_000_000_000);
    let early: fn(&mut Plan) = |plan| plan.clients.iter_mut().for_each(|client| client.operations.truncate(60));
    [
        ("three clients are too few", clients, "operations in flight"),
        ("keys of one's own are not shared", keys, "shared keys"),
        ("slow clients complete too little", operations, "completed operations"),
        ("clients that come late are missed", late, "nobody was active before"),
        ("clients that leave early are missed", early, "nobody was active"),
    ]
    .into_iter()
    .chain([("writes alone are no third of reads", (|_| ()) as fn(&mut Plan), "reads of")])
}

fn falls_short(edit: fn(&mut Plan), complaint: &str) -> Result<(), Failed> {
    let mut scenario = scenario::load("leader-crash")?.remove(0).scenario()?;
    if complaint == "reads of" {
        scenario.clients[0].mix = Mix { get: 1, put: 4, append: 0, cas: 0, delete: 0 };
    }
    let mut plan = Plan::draw("leader-crash", &scenario, 1);
    edit(&mut plan);
    match check(plan) {
        Err(why) if why.contains(complaint) => Ok(()),
        other => Err(format!("found {other:?}, expected a complaint about {complaint}").into()),
    }
}

fn check(plan: Plan) -> Result<(), String> {
    let mut activity = Activity { safety_ns: plan.safety.0, ..Activity::default() };
    // Nothing is judged here, and what is done does not depend on who looks.
    let how = How { options: Options { checks: false, ..Options::default() }, ..How::default() };
    let goes_on = matches!(plan.expect, Expect::Pass | Expect::Progresses);
    let run = start(&Arc::new(plan), &KvSubject, how, &mut activity).map_err(|error| error.to_string())?;
    let outcome = run.finish(&mut activity);
    activity.close();
    check_counts(&outcome, &activity)?;
    if outcome.faults.values().sum::<u64>() > 0 && activity.faults.is_empty() {
        return Err(format!("faults took effect that this test does not see: {:?}", outcome.faults));
    }
    activity.faults.iter().try_for_each(|fault| check_around(fault, &activity))?;
    if goes_on { check_end(&activity) } else { Ok(()) }
}

fn check_counts(outcome: &Outcome, activity: &Activity) -> Result<(), String> {
    let Outcome { operations, reads, max_in_flight, .. } = *outcome;
    if operations < OPERATIONS_MIN {
        return Err(format!("found {operations} completed operations, expected {OPERATIONS_MIN}"));
    }
    if max_in_flight < IN_FLIGHT_MIN {
        return Err(format!("found {max_in_flight} operations in flight at most, expected {IN_FLIGHT_MIN}"));
    }
    let shared = activity.keys.values().filter(|clients| clients.len() >= 2).count();
    if shared < SHARED_KEYS_MIN {
        return Err(format!("found {shared} shared keys, expected {SHARED_KEYS_MIN}"));
    }
    if reads * 3 < operations {
        return Err(format!("found {reads} reads of {operations} operations, expected a third"));
    }
    Ok(())
}

fn check_around(fault: &Span, activity: &Activity) -> Result<(), String> {
    let Span { from_ns, to_ns, what } = fault;
    let short = to_ns - from_ns < INSTANT_NS;
    let during = if short { (from_ns.saturating_sub(INSTANT_NS), to_ns + INSTANT_NS) } else { (*from_ns, *to_ns) };
    let active = |(from_ns, to_ns): (u64, u64)| activity.busy.iter().any(|busy| busy.from_ns < to_ns && busy.to_ns > from_ns);
    let complain = |when: &str| Err(format!("nobody was active {when} {what} from {from_ns} to {to_ns} ns"));
    if !active((from_ns.saturating_sub(AROUND_NS), *from_ns)) {
        return complain("before");
    }
    if !active(during) {
        return complain("during");
    }
    if !active((*to_ns, to_ns + AROUND_NS)) {
        return complain("after");
    }
    Ok(())
}

/// Those who wait for an answer are active, but the storm as a whole must not have the last word.
fn check_end(activity: &Activity) -> Result<(), String> {
    let end_ns = activity.faults.iter().map(|fault| fault.to_ns).max().unwrap_or(0);
    match activity.busy.iter().any(|busy| busy.to_ns > end_ns && busy.to_ns < u64::MAX) {
        true => Ok(()),
        false => Err(format!("nobody was active after the last fault, which ended at {end_ns} ns")),
    }
}

/// A span of virtual time in which a fault was in force, or a client waited for an answer.
#[derive(Clone, Debug)]
struct Span {
    from_ns: u64,
    to_ns: u64,
    what: String,
}

/// What went on in a run.
#[derive(Default)]
struct Activity {
    safety_ns: u64,
    keys: BTreeMap<Bytes, BTreeSet<u32>>,
    busy: Vec<Span>,
    faults: Vec<Span>,
    asking: BTreeMap<u32, u64>,
    in_force: BTreeMap<(&'static str, u64, u64), u64>,
}

impl Activity {
    fn asks(&mut self, at_ns: u64, client: u32, request: &Request) {
        self.asking.entry(client).or_insert(at_ns);
        let (Request::Query { query: bytes } | Request::Command { command: bytes, .. }) = request else {
            return;
        };
        let key = match Operation::decode(bytes) {
            Some(
                Operation::Get { key }
                | Operation::Put { key, .. }
                | Operation::Append { key, .. }
                | Operation::Cas { key, .. }
                | Operation::Delete { key },
            ) => key,
            None => return,
        };
        self.keys.entry(key).or_default().insert(client);
    }

    fn is_answered(&mut self, at_ns: u64, client: u32) {
        if let Some(from_ns) = self.asking.remove(&client) {
            self.busy.push(Span { from_ns, to_ns: at_ns, what: format!("client {client}") });
        }
    }

    fn begins(&mut self, at_ns: u64, what: &'static str, a: u64, b: u64) {
        // What is set at the start is the weather, and what is set at the end of the phase heals.
        if at_ns > 0 && at_ns < self.safety_ns {
            self.in_force.entry((what, a, b)).or_insert(at_ns);
        }
    }

    fn ends(&mut self, at_ns: u64, what: &'static str, a: u64, b: u64) {
        if let Some(from_ns) = self.in_force.remove(&(what, a, b)) {
            self.faults.push(Span { from_ns, to_ns: at_ns, what: format!("{what} {a} {b}") });
        }
    }

    /// Something is set anew: what was set before ends, and this lasts until it is set again.
    fn changes(&mut self, at_ns: u64, what: &'static str, a: u64, b: u64) {
        self.ends(at_ns, what, a, b);
        self.begins(at_ns, what, a, b);
    }

    fn close(&mut self) {
        for (what, a, b) in self.in_force.keys().copied().collect::<Vec<_>>() {
            self.ends(self.safety_ns, what, a, b);
        }
        for client in self.asking.keys().copied().collect::<Vec<_>>() {
            self.is_answered(u64::MAX, client);
        }
    }
}

impl<S: StateMachine> Observer<Node<S>> for Activity {
    fn event(&mut self, at_ns: u64, _number: u64, event: WorldEvent<'_, Node<S>>) {
        match event {
            WorldEvent::Requested { client, request, .. } => self.asks(at_ns, client.0, request),
            // Whoever is turned away asks again.
            WorldEvent::ReplyDelivered { reply: Reply::Refused(_) | Reply::Unknown, .. } => {}
            WorldEvent::ReplyDelivered { client, .. } => self.is_answered(at_ns, client.0),
            WorldEvent::Killed { node, .. } | WorldEvent::PowerLost { node, .. } => self.begins(at_ns, "down", node.0, 0),
            WorldEvent::Booted { node, .. } => self.ends(at_ns, "down", node.0, 0),
            WorldEvent::Paused { node } => self.begins(at_ns, "pause", node.0, 0),
            WorldEvent::Resumed { node, .. } => self.ends(at_ns, "pause", node.0, 0),
            WorldEvent::CutChanged { from, to, cuts: 0 } => self.ends(at_ns, "cut", from.0, to.0),
            WorldEvent::CutChanged { from, to, .. } => self.begins(at_ns, "cut", from.0, to.0),
            WorldEvent::LinkWeatherSet { from, to, .. } => self.changes(at_ns, "link", from.0, to.0),
            WorldEvent::DiskWeatherSet { node, .. } => self.changes(at_ns, "fsync", node.0, 0),
            WorldEvent::DiskFaulted { node, id, .. } => self.begins(at_ns, "disk", node.0, u64::from(id)),
            WorldEvent::DiskRelieved { node, id } => self.ends(at_ns, "disk", node.0, u64::from(id)),
            WorldEvent::ClockRateSet { node, .. } => self.changes(at_ns, "clock rate", node.0, 0),
            WorldEvent::ConnectionReset { one, other, .. } => {
                self.begins(at_ns, "reset", one.0, other.0);
                self.ends(at_ns, "reset", one.0, other.0);
            }
            WorldEvent::ClockShifted { node, .. } => {
                self.begins(at_ns, "clock jump", node.0, 0);
                self.ends(at_ns, "clock jump", node.0, 0);
            }
            _ => {}
        }
    }
}
