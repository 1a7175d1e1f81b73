//! `squall check --html`: a history, its verdict and its explanation as one page.
//!
//! The page needs nothing but itself: style, program and data are in it, and its policy forbids
//! to load anything. The data are JSON in which no `<` is left, so no value can end the element
//! that holds them; the program puts them on the page as text only.
//!
//! Not here: how it is drawn (`page.js`, and the files in front of it in [`SCRIPTS`]).

use super::report::{FileJson, Verdict};
use serde::Serialize;
use squall_checkers::format::RecordedOf;
use squall_checkers::history::{Operation, Outcome};
use squall_checkers::model::{Call, Model};
use std::collections::BTreeMap;

const HTML: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
/// In the order in which they need each other.
const SCRIPTS: [&str; 4] = [include_str!("data.js"), include_str!("draw.js"), include_str!("words.js"), include_str!("page.js")];

/// Longer calls and states are cut on the page; the file has them.
const CALL_MAX: usize = 400;

/// What the page's program is given.
#[derive(Debug, Serialize)]
pub(super) struct PageJson<'a> {
    file: &'a str,
    model: &'a str,
    verdict: Verdict,
    limit: Option<&'a str>,
    /// Subtracted from all times, because the program's numbers are exact up to 2^53 only.
    base: String,
    keys: Vec<String>,
    operations: Vec<Row>,
    /// By key, places of operations in an order that explains them, as far as there is one.
    orders: BTreeMap<usize, Vec<usize>>,
    illegal: Option<IllegalPage<'a>>,
}

/// Id, client, key, invocation, return, outcome (0 answered, 1 failed, 2 unknown), whether it
/// only reads, line, call.
type Row = (String, String, usize, u64, u64, u8, bool, usize, String);

/// The explanation, with places instead of ids.
#[derive(Debug, Serialize)]
struct IllegalPage<'a> {
    key: usize,
    operation: usize,
    died_at: u64,
    core: Vec<usize>,
    is_minimal: bool,
    sources: Vec<usize>,
    explanation: &'a str,
}

/// Orders by key, as ids.
pub(super) type Orders<K> = BTreeMap<K, Vec<u64>>;

impl<'a> PageJson<'a> {
    pub fn new<M: Model>(model: &M, recorded: &RecordedOf<M>, orders: &Orders<M::Key>, file: &'a FileJson) -> Self {
        let operations = recorded.history.operations();
        let base = operations.iter().map(|operation| operation.invoked_at).min().unwrap_or_default();
        let names: BTreeMap<M::Key, ()> =
            operations.iter().map(|one| (model.partition_key(&one.input).into_owned(), ())).collect();
        let keys: BTreeMap<M::Key, usize> = names.into_keys().zip(0..).collect();
        let places: BTreeMap<u64, usize> = operations.iter().map(|operation| operation.id).zip(0..).collect();
        let row = |(place, operation): (usize, &Operation<M::Input, M::Output>)| {
            let output = operation.outcome.output();
            let outcome = match operation.outcome {
                Outcome::Ok(_) => 0,
                Outcome::Fail => 1,
                Outcome::Unknown => 2,
            };
            (
                operation.id.to_string(),
                operation.client.to_string(),
                keys[&*model.partition_key(&operation.input)],
                operation.invoked_at - base,
                operation.returned_at - base,
                outcome,
                model.is_read_only(Call { input: &operation.input, output }),
                recorded.lines.get(place).copied().unwrap_or_default(),
                cut(told(model, operation)),
            )
        };
        let places_of = |ids: &[u64]| ids.iter().filter_map(|id| places.get(id).copied()).collect::<Vec<_>>();
        let illegal = file.illegal.as_ref().and_then(|illegal| {
            let operation = *places.get(&illegal.operation)?;
            let mut sources: Vec<u64> = illegal.answers.iter().flat_map(|answer| answer.sources()).collect();
            sources.sort_unstable();
            sources.dedup();
            Some(IllegalPage {
                key: keys[&*model.partition_key(&operations[operation].input)],
                operation,
                died_at: illegal.died_at - base,
                core: places_of(&illegal.core.operations),
                is_minimal: illegal.core.is_minimal,
                sources: places_of(&sources),
                explanation: &illegal.explanation,
            })
        });
        let mut orders: BTreeMap<usize, Vec<usize>> =
            orders.iter().filter_map(|(key, order)| Some((*keys.get(key)?, places_of(order)))).collect();
        if let (Some(page), Some(order)) = (&illegal, file.illegal.as_ref().and_then(|illegal| illegal.order.as_ref())) {
            orders.insert(page.key, places_of(order));
        }
        Self {
            file: &file.file,
            model: &file.model,
            verdict: file.verdict,
            limit: file.limit.as_deref(),
            base: base.to_string(),
            operations: operations.iter().enumerate().map(row).collect(),
            keys: keys.keys().map(|key| cut(model.describe_key(key))).collect(),
            orders,
            illegal,
        }
    }

    /// The page.
    pub fn html(&self) -> Result<String, serde_json::Error> {
        let title = escaped(&format!("{}: {}", self.file, self.verdict.name()));
        let parts = [
            ("title", title),
            ("style", STYLE.to_owned()),
            ("data", embedded(&serde_json::to_string(self)?)),
            ("script", SCRIPTS.concat()),
        ];
        Ok(filled(HTML, &parts))
    }
}

/// The template with `{{name}}` replaced, each once, by what is in no way looked at again.
fn filled(template: &str, parts: &[(&str, String)]) -> String {
    let mut page = String::new();
    let mut rest = template;
    for (name, part) in parts {
        let (before, after) = rest.split_once(&format!("{{{{{name}}}}}")).unwrap_or((rest, ""));
        page += before;
        page += part;
        rest = after;
    }
    page + rest
}

/// JSON that cannot end the element that it is in.
fn embedded(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// Text as HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// What was asked and answered. To the model, what failed is like what nobody knows.
fn told<M: Model>(model: &M, operation: &Operation<M::Input, M::Output>) -> String {
    let call = model.describe(&operation.input, operation.outcome.output());
    match (&operation.outcome, call.strip_suffix("-> unknown")) {
        (Outcome::Fail, Some(asked)) => format!("{asked}-> failed"),
        _ => call,
    }
}

/// Without the middle, if it is long.
fn cut(text: String) -> String {
    let count = text.chars().count();
    if count <= CALL_MAX {
        return text;
    }
    let start = text.chars().take(CALL_MAX / 2);
    let end = text.chars().skip(count - CALL_MAX / 2);
    start.chain(std::iter::once('…')).chain(end).collect()
}

#[cfg(test)]
mod tests;
