//! From operations to lines.

use super::super::spelling::{Asked, Spelling};
use super::super::value::Value;
use crate::history::{History, Operation, Outcome};
use std::fmt::Write as _;

/// Writes a history, sorted by invocation, with the order that the system says it had; an empty `witness` says nothing.
///
/// `name` is the model's, for whoever reads the file.
///
/// # Panics
///
/// If there is a witness and not one place, known or not, for each operation.
pub fn write<M: Spelling>(model: &M, name: &str, history: &History<M::Input, M::Output>, witness: &[Option<u64>]) -> String {
    let operations = history.operations();
    assert!(witness.is_empty() || witness.len() == operations.len(), "one place for each operation, known or not");
    let unknown = operations.iter().filter(|operation| operation.outcome == Outcome::Unknown).count();
    let absent = if M::EMPTY_IS_ABSENT { ",\"absent\":\"null\"" } else { "" };
    let mut out = String::new();
    line(
        &mut out,
        format_args!("{{\"meta\":{{\"model\":{},\"ops\":{},\"unknown\":{unknown}{absent}}}}}", quoted(name), operations.len()),
    );
    let mut sorted: Vec<usize> = (0..operations.len()).collect();
    sorted.sort_by_key(|at| (operations[*at].invoked_at, operations[*at].returned_at, operations[*at].id));
    for at in sorted {
        operation(&mut out, model, &operations[at], witness.get(at).copied().flatten());
    }
    out
}

fn operation<M: Spelling>(out: &mut String, model: &M, operation: &Operation<M::Input, M::Output>, witness: Option<u64>) {
    let Operation { id, client, input, outcome, invoked_at, returned_at } = operation;
    let Asked { f, key, a, b } = model.spell_input(input);
    let mut text = format!("{{\"i\":{id},\"c\":{client},\"f\":{}", quoted(f));
    let key = key.filter(|key| !key.is_empty() || M::EMPTY_IS_ABSENT).map_or(Value::Null, Value::Text);
    for (name, value) in [("k", key), ("a", a), ("b", b)] {
        if value != Value::Null {
            field(&mut text, name, &value);
        }
    }
    field(&mut text, "t0", &Value::Int((*invoked_at).into()));
    let returned = *outcome != Outcome::Unknown;
    field(&mut text, "t1", &if returned { Value::Int((*returned_at).into()) } else { Value::Null });
    match outcome {
        Outcome::Ok(output) => {
            if let Some(answer) = model.spell_output(output) {
                field(&mut text, "out", &answer);
            }
        }
        Outcome::Fail => field(&mut text, "fail", &Value::Bool(true)),
        Outcome::Unknown => {}
    }
    if let Some(place) = witness {
        field(&mut text, "w", &Value::Int(place.into()));
    }
    line(out, format_args!("{text}}}"));
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing into a string cannot fail.
    let _ = writeln!(out, "{text}");
}

fn field(out: &mut String, name: &str, value: &Value) {
    let _ = write!(out, ",\"{name}\":{}", json(value));
}

fn json(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => quoted(text),
            Err(_) => {
                let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                format!("{{\"hex\":\"{digits}\"}}")
            }
        },
        Value::List(values) => format!("[{}]", values.iter().map(json).collect::<Vec<_>>().join(",")),
        Value::Keyword(text) | Value::Other(text) => quoted(text),
        Value::Map(pairs) => {
            let pairs: Vec<_> = pairs.iter().map(|(key, value)| format!("{}:{}", json(key), json(value))).collect();
            format!("{{{}}}", pairs.join(","))
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
