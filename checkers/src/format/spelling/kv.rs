//! The key-value store's operations in files.

use super::{Asked, Named, Shape, Spelling, Value, Wrong, answered, done, optional, spelled, yes_or_no};
use crate::model::kv::{Input, Kv, Output};

/// What is written, with a better word for what an empty value is taken for.
fn written<T>(value: &Value, read: Result<T, Wrong>) -> Result<T, Wrong> {
    let expected = "a value; an empty one means that there is nothing, unless the meta line has \"absent\":\"null\"";
    read.map_err(|wrong| if *value == Value::Null { Wrong::new("no value, or an empty one", expected) } else { wrong })
}

impl Spelling for Kv {
    const OPERATIONS: &'static [Named] = &[
        Named::new("get", &["read"], Shape::Read),
        Named::new("put", &["write"], Shape::Write),
        Named::new("app", &["append"], Shape::Write),
        Named::new("cas", &[], Shape::Cas),
        Named::new("del", &["delete"], Shape::Read),
    ];

    /// Many stores, and the generators of their histories, begin with empty values.
    const EMPTY_IS_ABSENT: bool = true;

    fn input(&self, asked: &Asked) -> Result<Input, Wrong> {
        let key = asked.key.clone().ok_or_else(|| Wrong::new("no key", "the key that the operation is about"))?;
        Ok(match asked.f {
            "put" => Input::Put { key, value: written(&asked.a, asked.argument())? },
            "app" => Input::Append { key, value: written(&asked.a, asked.argument())? },
            "cas" => {
                let (expected, value) = written(&asked.b, asked.cas())?;
                Input::Cas { key, expected, value }
            }
            "del" => asked.no_argument().map(|()| Input::Delete { key })?,
            _ => asked.no_argument().map(|()| Input::Get { key })?,
        })
    }

    fn output(&self, input: &Input, answer: Option<&Value>) -> Result<Output, Wrong> {
        match input {
            Input::Get { .. } => Ok(Output::Value(optional(answered(answer)?)?)),
            Input::Put { .. } | Input::Append { .. } => done(answer).map(|()| Output::Done),
            Input::Cas { .. } | Input::Delete { .. } => yes_or_no(answer).map(Output::Changed),
        }
    }

    fn spell_input(&self, input: &Input) -> Asked {
        match input {
            Input::Get { key } => Asked::new("get").on(key),
            Input::Put { key, value } => Asked::new("put").on(key).with(Value::Text(value.clone())),
            Input::Append { key, value } => Asked::new("app").on(key).with(Value::Text(value.clone())),
            Input::Cas { key, expected, value } => {
                Asked { b: Value::Text(value.clone()), ..Asked::new("cas").on(key).with(spelled(expected.as_ref())) }
            }
            Input::Delete { key } => Asked::new("del").on(key),
        }
    }

    fn spell_output(&self, output: &Output) -> Option<Value> {
        match output {
            Output::Done => None,
            Output::Value(value) => Some(spelled(value.as_ref())),
            Output::Changed(changed) => Some(Value::Bool(*changed)),
        }
    }
}
