//! Advice about scenarios: what is valid and still would prove little.
//!
//! Errors are for what every scenario needs: a story and marks. Warnings are for what makes a storm worth running:
//! enough clients, contention, reads, and time around the faults.

use std::fmt;

use super::error::ScenarioError;
use super::fault::{What, When};
use super::nanos::Nanos;
use super::path::{Invalid, Path};
use super::schema::{Expect, Kv, Load, Scenario};
use super::validate;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Unwise.
    Warning,
    /// Wrong.
    Error,
}

/// One piece of advice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Where and what.
    pub error: ScenarioError,
}

impl fmt::Display for Finding {
    /// Errors look as everywhere else; warnings say so behind the place.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ScenarioError { file, line, column, found, expected } = &self.error;
        match self.severity {
            Severity::Error => write!(f, "{}", self.error),
            Severity::Warning => write!(f, "{file}:{line}:{column}: warning: found {found}, expected {expected}"),
        }
    }
}

/// Words that a story has at least.
const STORY_WORDS_MIN: usize = 6;
/// Operations that a run should complete.
const OPERATIONS_MIN: u64 = 200;
/// Virtual time that clients should have before the first fault, and the cluster for its first election.
const BEFORE_FAULTS: Nanos = Nanos::ms(500);

/// All that is wrong or unwise about the text of a scenario file, errors first.
///
/// ```
/// use squall_sim::scenario::lint::{Severity, lint};
///
/// let findings = lint("bare.ron", r#"Scenario(nodes: 3, safety: "5s", clients: [Kv()])"#);
/// assert_eq!(findings[0].severity, Severity::Error);
/// assert!(findings[0].to_string().contains("a comment that tells the story"));
/// ```
#[must_use]
pub fn lint(file: &str, text: &str) -> Vec<Finding> {
    let scenario: Scenario = match super::error::parse_ron(file, text, "a scenario") {
        Ok(scenario) => scenario,
        Err(error) => return vec![Finding { severity: Severity::Error, error }],
    };
    let mut findings: Vec<_> = validate::problems(&scenario).0.iter().map(|p| finding(Severity::Error, file, text, p)).collect();
    if !tells_a_story(text) {
        let error =
            ScenarioError::of_file(file, "no story", "a comment that tells the story in a sentence or two, before anything else");
        findings.push(Finding { severity: Severity::Error, error });
    }
    let advice = Advice { scenario: &scenario };
    findings.extend(advice.errors().iter().map(|p| finding(Severity::Error, file, text, p)));
    findings.extend(advice.warnings().iter().map(|p| finding(Severity::Warning, file, text, p)));
    findings
}

fn finding(severity: Severity, file: &str, text: &str, problem: &Invalid) -> Finding {
    Finding { severity, error: ScenarioError::locate(file, text, problem) }
}

fn tells_a_story(text: &str) -> bool {
    let comment: Vec<_> = text.lines().map(str::trim).take_while(|line| line.starts_with("//")).collect();
    comment.iter().flat_map(|line| line.trim_start_matches('/').split_whitespace()).count() >= STORY_WORDS_MIN
}

struct Advice<'a> {
    scenario: &'a Scenario,
}

impl Advice<'_> {
    fn errors(&self) -> Vec<Invalid> {
        let expected = "at least one mark: what must have happened for the story to be true";
        let none = self.scenario.sometimes.is_empty() && self.scenario.expect == Expect::Pass;
        none.then(|| invalid(Path::new().field("sometimes"), "empty", expected)).into_iter().collect()
    }

    fn warnings(&self) -> Vec<Invalid> {
        let mut warnings = self.about_clients();
        warnings.extend(self.about_faults());
        warnings
    }

    fn about_clients(&self) -> Vec<Invalid> {
        let clients = &self.scenario.clients;
        let path = Path::new().field("clients");
        let mut warnings = Vec::new();
        let count = sum(clients, |kv| kv.count.low);
        if count < 4 {
            warnings.push(invalid(path.clone(), &format!("{count} clients"), "at least 4, so that operations overlap"));
        }
        let keys = clients.iter().map(|kv| kv.keys.low).max().unwrap_or_default();
        if keys < 2 {
            warnings.push(invalid(path.clone(), &format!("{keys} key"), "at least 2 keys, shared by all clients"));
        }
        let (reads, all) = (sum(clients, |kv| kv.mix.get), sum(clients, |kv| kv.mix.total()));
        if reads.saturating_mul(3) < all {
            let found = format!("{reads} reads in {all} operations");
            warnings.push(invalid(path.item(0).field("mix"), &found, "at least a third: stale reads show only in reads"));
        }
        let operations = sum(clients, |kv| kv.count.low.saturating_mul(operations(kv, self.scenario)));
        if operations < OPERATIONS_MIN {
            let found = format!("about {operations} operations in {}", self.scenario.safety);
            warnings.push(invalid(path, &found, "at least 200: more clients, less thinking or a longer phase"));
        }
        warnings
    }

    fn about_faults(&self) -> Vec<Invalid> {
        let mut warnings = Vec::new();
        let loses_power = self.scenario.faults.iter().any(|fault| matches!(fault.what, What::PowerLoss(_) | What::WipeDisk(_)));
        for (n, fault) in self.scenario.faults.iter().enumerate() {
            if matches!(fault.what, What::LyingFsync(_)) && !loses_power {
                let path = Path::new().field("faults").item(n).field("what");
                warnings.push(invalid(path, "a device that lies and never loses power", "a `PowerLoss` that shows the lie"));
            }
            let path = Path::new().field("faults").item(n);
            let start = match fault.when {
                When::At(at) | When::Between(at, _) => at,
                When::On { .. } | When::DiskOp { .. } => continue,
            };
            if start < BEFORE_FAULTS {
                let expected = format!("{BEFORE_FAULTS} at least: before, the cluster has no leader yet and clients no answers");
                warnings.push(invalid(path.field("when").item(0), &start.to_string(), &expected));
            }
            let after = self.scenario.safety.0.saturating_sub(fault.until.unwrap_or_default().0);
            if fault.until.is_some() && after == 0 {
                warnings.push(invalid(path.field("until"), "the end of the phase", "some time for clients behind the fault"));
            }
        }
        warnings
    }
}

fn invalid(path: Path, found: &str, expected: &str) -> Invalid {
    Invalid { path, found: found.into(), expected: expected.into() }
}

fn sum(clients: &[Kv], of: impl Fn(&Kv) -> u64) -> u64 {
    clients.iter().map(of).fold(0, u64::saturating_add)
}

/// What one client completes, roughly: an operation takes two round trips and two syncs.
fn operations(kv: &Kv, scenario: &Scenario) -> u64 {
    let middle = |range: super::Range<Nanos>| range.low.0.midpoint(range.high.0);
    let own = middle(scenario.network.latency).saturating_mul(4).saturating_add(middle(scenario.disk.fsync).saturating_mul(2));
    let each = match kv.load {
        Load::Closed { think } => middle(think).saturating_add(own),
        Load::Rate { per_second } => (1_000_000_000 / per_second.low.max(1)).max(own),
    };
    scenario.safety.0 / each.max(1)
}
