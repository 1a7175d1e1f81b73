//! A counter's operations in files.

use super::{Asked, Named, Shape, Spelling, Value, Wrong, answered, number};
use crate::model::counter::{Action, Counter, Input, Output};

impl Spelling for Counter {
    const OPERATIONS: &'static [Named] = &[Named::new("add", &[], Shape::Write), Named::new("read", &["get", "r"], Shape::Read)];

    fn input(&self, asked: &Asked) -> Result<Input, Wrong> {
        let action = match asked.f {
            "add" => asked.argument().and_then(|_| number(&asked.a)).map(|amount| Action::Add { amount })?,
            _ => asked.no_argument().map(|()| Action::Read)?,
        };
        Ok(Input { key: asked.key(), action })
    }

    fn output(&self, input: &Input, answer: Option<&Value>) -> Result<Output, Wrong> {
        match (&input.action, answer) {
            (Action::Add { .. }, None | Some(Value::Null)) => Ok(Output::Done),
            (_, answer) => number(answered(answer)?).map(Output::Sum),
        }
    }

    fn spell_input(&self, input: &Input) -> Asked {
        let asked = match input.action {
            Action::Read => Asked::new("read"),
            Action::Add { amount } => Asked::new("add").with(Value::Int(amount.into())),
        };
        asked.on(&input.key)
    }

    fn spell_output(&self, output: &Output) -> Option<Value> {
        match output {
            Output::Done => None,
            Output::Sum(sum) => Some(Value::Int((*sum).into())),
        }
    }
}
