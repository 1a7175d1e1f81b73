//! `squall check`: judges recorded histories.
//!
//! The verdict of each file goes into a table on standard error, with an explanation below it
//! where there is no order; `--json` puts all of it on one line of standard output ([`report`]), and
//! `--html` draws it ([`page`]).
//! Not here: formats and models (`squall_checkers::format`), the search (`squall_checkers::linearizability`).

mod illegal;
mod page;
mod report;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use indicatif::{ProgressBar, ProgressStyle};
use squall_checkers::format::spelling::Spelling;
use squall_checkers::format::{self, Format, Judge, RecordedOf, with_model};
use squall_checkers::history::Outcome;
use squall_checkers::linearizability::{self, Limits, Progress, Time, Verdict as Linearizability};
use squall_checkers::model::Model;

use self::illegal::IllegalJson;
use self::page::{Orders, PageJson};
use self::report::{FileJson, Verdict};
use super::arguments::Check;
use super::run::wall;
use super::{Refused, USAGE, output};
use crate::scenario::error::read_file;

pub(super) fn check(arguments: &Check) -> Result<u8, Refused> {
    if arguments.html.is_some() && 1 < arguments.files.len() {
        return Err(Refused(format!("--html: found {} files, expected one, because a page is about one", arguments.files.len())));
    }
    let mut files = Vec::new();
    for file in &arguments.files {
        files.push(judge_file(file, arguments));
    }
    let judged: Vec<_> = files.iter().filter_map(|file| file.as_ref().ok()).collect();
    if !judged.is_empty() {
        eprint!("{}", report::table(&judged));
        judged.iter().for_each(|file| eprint!("{}", report::explanation(file)));
    }
    for Refused(why) in files.iter().filter_map(|file| file.as_ref().err()) {
        eprintln!("{why}");
    }
    if arguments.json && !judged.is_empty() {
        output::json(&report::CheckJson::new(&judged))?;
    }
    let is_refused = judged.len() < files.len();
    Ok(if is_refused { USAGE } else { Verdict::worst(judged.iter().map(|file| file.verdict)).code() })
}

fn judge_file(file: &str, arguments: &Check) -> Result<FileJson, Refused> {
    let text = read_file(Path::new(file))?;
    let model = match &arguments.model {
        Some(model) => model.clone(),
        None => format::jsonl::model(&text).ok_or_else(|| Refused(no_model(file)))?,
    };
    let initial = arguments.initial.as_ref().map(|initial| Bytes::copy_from_slice(initial.as_bytes()));
    with_model(&model, initial, One { file, model: &model, text: &text, arguments })
        .map_err(|unknown| Refused(format!("{file}: {unknown}")))?
}

fn no_model(file: &str) -> String {
    format!(
        "{file}: found no --model, and no model in the file's meta line, expected one of: {} (kv for get, put, app and cas on keys)",
        format::NAMES.join(", ")
    )
}

/// One file, once its model is known.
struct One<'a> {
    file: &'a str,
    model: &'a str,
    text: &'a str,
    arguments: &'a Check,
}

impl Judge for One<'_> {
    type Out = Result<FileJson, Refused>;

    fn judge<M: Spelling>(self, model: &M) -> Self::Out {
        let bar = progress(format!("reading {}", self.file));
        let format = self.arguments.format.or_else(|| Format::guess(self.text));
        let recorded = format::read(model, self.file, self.text.as_bytes(), format)?;
        let began = wall();
        let clock = || Duration::from_nanos(wall().saturating_sub(began));
        let verdict = linearizability::check_watched(model, &recorded.history, limits(self.arguments, &clock), |judged| {
            bar.set_message(judging(&judged, self.file));
        });
        let wall_ns = wall().saturating_sub(began);
        bar.set_message(format!("explaining the verdict on {}", self.file));
        let (mut json, orders) = describe(model, &recorded, verdict, limits(self.arguments, &clock));
        json.file = self.file.to_owned();
        json.model = self.model.to_owned();
        json.format = format.map_or("", Format::name);
        json.wall_ns = wall_ns;
        if let Some(page) = &self.arguments.html {
            bar.set_message(format!("drawing {}", self.file));
            let html = PageJson::new(model, &recorded, &orders, &json).html()?;
            std::fs::write(page, html).map_err(|error| Refused(format!("{}: {error}", page.display())))?;
        }
        bar.finish_and_clear();
        Ok(json)
    }
}

/// How far the search may go.
fn limits<'a>(arguments: &Check, clock: &'a dyn Fn() -> Duration) -> Limits<'a> {
    let default = Limits::default();
    Limits {
        configurations: arguments.configurations.unwrap_or(default.configurations),
        memory_bytes: arguments.memory_limit.map_or(default.memory_bytes, |mib| mib.saturating_mul(1 << 20)),
        time: arguments.time_limit.map(|limit| Time { limit: Duration::from_nanos(limit), clock }),
    }
}

/// How far the check of a file has come.
fn judging(Progress { keys, of_keys, operations, of_operations }: &Progress, file: &str) -> String {
    format!("judged {keys} of {of_keys} keys, {operations} of {of_operations} operations of {file}")
}

/// A spinner with the time that has passed, on standard error; nothing where that is no terminal.
fn progress(message: String) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
        bar.set_style(style);
    }
    bar.set_message(message);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// What there is to say about a judged history, but for the file; and the orders that were found.
fn describe<M: Model>(
    model: &M,
    recorded: &RecordedOf<M>,
    verdict: Linearizability<M::Key>,
    limits: Limits<'_>,
) -> (FileJson, Orders<M::Key>) {
    let operations = recorded.history.operations();
    let count = |outcome: fn(&Outcome<M::Output>) -> bool| operations.iter().filter(|one| outcome(&one.outcome)).count();
    let keys: BTreeSet<_> = operations.iter().map(|operation| model.partition_key(&operation.input)).collect();
    let mut json = FileJson {
        operations: operations.len(),
        unknown: count(|outcome| matches!(outcome, Outcome::Unknown)),
        failed: count(|outcome| matches!(outcome, Outcome::Fail)),
        keys: keys.len(),
        skipped: recorded.skipped,
        ..FileJson::default()
    };
    let mut orders = Orders::new();
    match verdict {
        Linearizability::Ok(found) => {
            json.verdict = Verdict::Ok;
            orders = found;
        }
        Linearizability::Illegal(illegal) => {
            json.verdict = Verdict::Illegal;
            let explanation = linearizability::explain(model, &recorded.history, &illegal, limits);
            json.illegal = Some(IllegalJson::new(model, recorded, illegal, explanation));
        }
        Linearizability::Unknown { key, limit } => {
            json.verdict = Verdict::Unknown;
            json.limit = Some(format!("key {}: {limit}", model.describe_key(&key)));
        }
    }
    (json, orders)
}
