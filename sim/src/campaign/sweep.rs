//! A sweep: jobs handed to workers, results added up.
//!
//! Of a run that passed only its numbers are kept, and sums do not depend on the order in
//! which runs end; failures are put into the order of the jobs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::single::{How, Judged, judge};
use super::verdict::{Failure, Verdict};
use crate::arena::{ArenaKind, Traffic};
use crate::plan::Plan;
use crate::run::settings::SettingsError;
use crate::run::subject::{KvSubject, Subject};
use crate::scenario::{Mark, Means, Scenario, What};

/// Fewer runs than this do not show that a mark never comes up.
pub const RUNS_FOR_MARKS: u64 = 20;

/// One run of so many may be without a core.
pub const UNAVAILABLE_ONE_IN: u64 = 10;

/// A scenario with its name.
#[derive(Clone, Debug)]
pub struct Named {
    /// The name, as summaries show it.
    pub name: String,
    /// What it says.
    pub scenario: Scenario,
}

/// One seed of one scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// Which scenario, by its place in the list.
    pub scenario: usize,
    /// Which seed.
    pub seed: u64,
    /// Run it twice and compare.
    pub twice: bool,
}

/// What a scenario's runs add up to.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Runs that ended.
    pub runs: u64,
    /// Runs that did what was expected.
    pub passed: u64,
    /// Runs in which the faults that stay left no core, though nobody expected that: neither passed nor failed.
    pub unavailable: u64,
    /// Events of all runs; likewise the next ones.
    pub events: u64,
    /// Messages between nodes.
    pub messages: u64,
    /// Operations with a definite outcome.
    pub operations: u64,
    /// Operations without one.
    pub unknown: u64,
    /// Operations under way at once, at most in any run.
    pub max_in_flight: u64,
    /// Virtual time.
    pub virtual_ns: u64,
    /// CPU time.
    pub cpu_ns: u64,
    /// What went over wires.
    pub traffic: Traffic,
    /// Elections won.
    pub leaders: u64,
    /// Faults that took effect.
    pub faults: BTreeMap<String, u64>,
    /// What the atlas forbade.
    pub suppressed: BTreeMap<&'static str, u64>,
    /// What was asked for and the arena could not do.
    pub inexpressible: BTreeMap<&'static str, u64>,
    /// Marks that were reached; those that the scenario lists are there at zero, too.
    pub marks: BTreeMap<Mark, u64>,
    /// Listed marks that are out of reach in the arena.
    pub excused: Vec<Mark>,
    /// The trace hash, if there was only one run.
    pub trace_hash: Option<u64>,
    /// The verdict, the worst of all runs.
    pub verdict: Option<Verdict>,
}

/// A run that failed.
#[derive(Clone, Debug)]
pub struct Failed {
    /// Which scenario, by its place in the list.
    pub scenario: usize,
    /// The run.
    pub judged: Judged,
    /// Why.
    pub failure: Failure,
}

/// What a sweep found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Where it ran.
    pub arena: ArenaKind,
    /// One per scenario, in the order of the list.
    pub tallies: Vec<Tally>,
    /// In the order of the jobs.
    pub failed: Vec<Failed>,
    /// Whether it was stopped before all jobs were done.
    pub interrupted: bool,
}

impl Report {
    /// The worst verdict.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.tallies.iter().filter_map(|tally| tally.verdict).min().unwrap_or(Verdict::Pass)
    }
}

/// How to sweep.
pub struct Sweep<'a> {
    /// The scenarios.
    pub scenarios: &'a [Named],
    /// What to run.
    pub jobs: &'a [Job],
    /// How many at a time.
    pub workers: usize,
    /// How to run each.
    pub how: How,
    /// Set from outside to end it early.
    pub stop: &'a AtomicBool,
}

impl Sweep<'_> {
    /// Runs all jobs with the bundled state machine. `progress` is called after each with what came of it, from any worker.
    ///
    /// # Errors
    /// If the engine refuses a scenario's settings, with the scenario's name.
    pub fn run(&self, progress: &(dyn Fn(&Job, &Judged) + Sync)) -> Result<Report, (String, SettingsError)> {
        self.run_subject(&KvSubject, progress)
    }

    /// As [`Self::run`], with a state machine of one's own.
    ///
    /// # Errors
    /// If the engine refuses a scenario's settings, with the scenario's name.
    pub fn run_subject<S: Subject + Sync>(
        &self,
        subject: &S,
        progress: &(dyn Fn(&Job, &Judged) + Sync),
    ) -> Result<Report, (String, SettingsError)> {
        let next = AtomicUsize::new(0);
        let sums = Mutex::new(Sums::of(self.scenarios));
        let work = || {
            while let Some((i, job)) = self.take(&next) {
                let result = self.run_job(subject, job);
                match result {
                    Ok((judged, cpu_ns)) => {
                        progress(job, &judged);
                        lock(&sums).add(i, job, judged, cpu_ns);
                    }
                    Err(error) => {
                        lock(&sums).refused.get_or_insert((i, error));
                        return;
                    }
                }
            }
        };
        in_parallel(self.workers, &work);
        let sums = sums.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some((i, error)) = sums.refused {
            return Err((self.scenarios[self.jobs[i].scenario].name.clone(), error));
        }
        Ok(sums.report(self.scenarios, self.jobs.len(), self.how.arena))
    }

    fn take(&self, next: &AtomicUsize) -> Option<(usize, &Job)> {
        if self.stop.load(Ordering::Relaxed) {
            return None;
        }
        let i = next.fetch_add(1, Ordering::Relaxed);
        Some((i, self.jobs.get(i)?))
    }

    /// A run and its CPU time.
    fn run_job<S: Subject>(&self, subject: &S, job: &Job) -> Result<(Judged, u64), SettingsError> {
        let began = cpu_ns();
        let named = &self.scenarios[job.scenario];
        let plan = Arc::new(Plan::draw(&named.name, &named.scenario, job.seed));
        let judged = judge(plan, subject, How { twice: job.twice, ..self.how })?;
        let cpu_ns = cpu_ns().saturating_sub(began) + judged.cpu_ns_apart;
        Ok((judged, cpu_ns))
    }
}

/// What the runs so far add up to.
struct Sums {
    tallies: Vec<Tally>,
    /// By job.
    failed: BTreeMap<usize, Failed>,
    ended: usize,
    refused: Option<(usize, SettingsError)>,
}

impl Sums {
    fn of(scenarios: &[Named]) -> Self {
        let tally = |named: &Named| {
            let marks = named.scenario.sometimes.iter().map(|mark| (*mark, 0)).collect();
            Tally { marks, ..Tally::default() }
        };
        Self { tallies: scenarios.iter().map(tally).collect(), failed: BTreeMap::new(), ended: 0, refused: None }
    }

    fn add(&mut self, i: usize, job: &Job, judged: Judged, cpu_ns: u64) {
        self.ended += 1;
        self.tallies[job.scenario].add(&judged, cpu_ns);
        if let Some(failure) = judged.failure.clone() {
            self.failed.insert(i, Failed { scenario: job.scenario, judged, failure });
        }
    }

    fn report(mut self, scenarios: &[Named], jobs: usize, arena: ArenaKind) -> Report {
        for (named, tally) in scenarios.iter().zip(&mut self.tallies) {
            tally.close(&named.scenario, arena);
        }
        Report { arena, tallies: self.tallies, failed: self.failed.into_values().collect(), interrupted: self.ended < jobs }
    }
}

impl Tally {
    fn add(&mut self, judged: &Judged, cpu_ns: u64) {
        self.runs += 1;
        self.passed += u64::from(judged.verdict() == Verdict::Pass);
        self.unavailable += u64::from(judged.verdict() == Verdict::Unavailable);
        self.cpu_ns += cpu_ns;
        self.verdict = Some(self.verdict.map_or(judged.verdict(), |verdict| verdict.min(judged.verdict())));
        let Some(outcome) = &judged.outcome else {
            return;
        };
        self.events += outcome.events;
        self.messages += outcome.messages;
        self.operations += outcome.operations;
        self.unknown += outcome.unknown;
        self.max_in_flight = self.max_in_flight.max(outcome.max_in_flight);
        self.virtual_ns += outcome.virtual_ns;
        self.leaders += outcome.leaders;
        self.traffic += outcome.traffic;
        self.trace_hash = (self.runs == 1).then_some(outcome.hash);
        for (kind, count) in &outcome.faults {
            *self.faults.entry(kind.clone()).or_default() += count;
        }
        for (kind, count) in &outcome.suppressed {
            *self.suppressed.entry(kind).or_default() += count;
        }
        for (what, count) in &outcome.inexpressible {
            *self.inexpressible.entry(what).or_default() += count;
        }
        for (mark, count) in &outcome.marks {
            *self.marks.entry(*mark).or_default() += count;
        }
    }

    /// Marks that the scenario lists and that never came up, over enough runs, are a failure; so are too many runs that
    /// were not available.
    fn close(&mut self, scenario: &Scenario, arena: ArenaKind) {
        let asked = scenario.asks_for();
        let possible = scenario.asks_where(arena.cannot());
        // What only faults ask for that never begin cannot be either.
        let cannot: Vec<Means> = arena.cannot().iter().chain(asked.difference(&possible)).copied().collect();
        let out_of_reach = |mark: &Mark| is_out_of_reach(*mark, &asked, &cannot);
        self.excused = scenario.sometimes.iter().copied().filter(out_of_reach).collect();
        if self.runs >= RUNS_FOR_MARKS && (!self.missing(scenario).is_empty() || self.is_rarely_available()) {
            self.verdict = Some(self.verdict.unwrap_or(Verdict::Vacuous).min(Verdict::Vacuous));
        }
    }

    /// Whether so few runs had a core that the scenario proves little: more than a tenth had none.
    #[must_use]
    pub const fn is_rarely_available(&self) -> bool {
        self.unavailable * UNAVAILABLE_ONE_IN > self.runs
    }

    /// The listed marks that never came up and should have.
    #[must_use]
    pub fn missing(&self, scenario: &Scenario) -> Vec<Mark> {
        scenario.sometimes.iter().copied().filter(|mark| self.never(*mark) && !self.excused.contains(mark)).collect()
    }

    /// What the scenario asks for and the arena cannot do, so that nothing follows from its absence: marks that never came
    /// up and depend on it, and kinds of faults of which none took effect for that reason.
    #[must_use]
    pub fn not_judged(&self) -> Vec<&'static str> {
        let marks = self.excused.iter().filter(|mark| self.never(**mark)).map(|mark| mark.name());
        let untried = |kind: &&&str| What::KINDS.contains(*kind) && self.faults.get(**kind).copied().unwrap_or(0) == 0;
        marks.chain(self.inexpressible.keys().filter(untried).copied()).collect()
    }

    fn never(&self, mark: Mark) -> bool {
        self.marks.get(&mark).copied().unwrap_or(0) == 0
    }
}

/// Whether a mark depends on what cannot be: of what the scenario asks for, nothing that could bring it about is possible.
fn is_out_of_reach(mark: Mark, asked: &BTreeSet<Means>, cannot: &[Means]) -> bool {
    let mut causes = asked.iter().filter(|means| mark.needs().is_empty() || mark.needs().contains(means)).peekable();
    causes.peek().is_some() && causes.all(|means| cannot.contains(means))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A worker that panicked was in code of ours; the process reports that and ends.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs the same work on several threads. Each run stays on one of them.
#[expect(clippy::disallowed_methods, reason = "threads between runs, never inside of one")]
fn in_parallel(workers: usize, work: &(impl Fn() + Sync)) {
    std::thread::scope(|scope| {
        for _ in 1..workers.max(1) {
            scope.spawn(work);
        }
        work();
    });
}

/// CPU time of this thread.
#[must_use]
pub fn cpu_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let (seconds, nanos) = (u64::try_from(time.tv_sec).unwrap_or(0), u64::try_from(time.tv_nsec).unwrap_or(0));
    seconds * 1_000_000_000 + nanos
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(faults: &[(&str, u64)], inexpressible: &[(&'static str, u64)]) -> Tally {
        Tally {
            runs: RUNS_FOR_MARKS,
            faults: faults.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect(),
            inexpressible: inexpressible.iter().copied().collect(),
            ..Tally::default()
        }
    }

    #[test]
    fn marks_are_out_of_reach_only_where_nothing_that_brings_them_about_is_possible() {
        let out = |mark, asked: &[Means], cannot: &[Means]| is_out_of_reach(mark, &asked.iter().copied().collect(), cannot);
        assert!(out(Mark::MessageLost, &[Means::Loss, Means::Kill], &[Means::Loss]));
        assert!(!out(Mark::MessageLost, &[Means::Loss], &[Means::Duplication]));
        assert!(!out(Mark::LinkFlapped, &[Means::Cut, Means::OneWayCut], &[Means::OneWayCut]), "the other cut will do");
        assert!(out(Mark::ClientRetried, &[Means::Loss], &[Means::Loss]), "nothing else goes wrong");
        assert!(!out(Mark::ClientRetried, &[Means::Loss, Means::Kill], &[Means::Loss]), "a kill will do");
        assert!(!out(Mark::Busy, &[], &Means::ALL), "nothing was asked for, so nothing is an excuse");
    }

    #[test]
    fn what_is_not_judged_is_no_vacuity_and_what_is_judged_still_is() {
        let text = r#"Scenario(nodes: 3, safety: "1s", clients: [Kv()], sometimes: ["message_lost", "busy"])"#;
        let scenario = Scenario::parse("brief.ron", text).expect("a valid scenario");
        let mut tally = ran(&[("kill", 3)], &[("link", 4), ("kill", 1), ("loss", 20)]);
        tally.close(&scenario, ArenaKind::World);
        assert_eq!((tally.missing(&scenario), tally.verdict), (vec![Mark::MessageLost, Mark::Busy], Some(Verdict::Vacuous)));
        let mut tally = ran(&[("kill", 3)], &[("link", 4), ("kill", 1), ("loss", 20)]);
        tally.excused = vec![Mark::MessageLost];
        assert_eq!(tally.missing(&scenario), [Mark::Busy]);
        assert_eq!(tally.not_judged(), ["message_lost", "link"], "some kills took effect, and loss is no fault");
        tally.marks.insert(Mark::MessageLost, 1);
        assert_eq!(tally.not_judged(), ["link"], "what came up after all counts");
    }
}
