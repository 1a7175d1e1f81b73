//! A register's operations in files.

use super::{Asked, Named, Shape, Spelling, Value, Wrong, answered, done, optional, spelled};
use crate::model::register::{Action, Input, Output, Register};

impl Spelling for Register {
    const OPERATIONS: &'static [Named] =
        &[Named::new("read", &["get", "r"], Shape::Read), Named::new("write", &["put", "w"], Shape::Write)];

    fn input(&self, asked: &Asked) -> Result<Input, Wrong> {
        let action = match asked.f {
            "write" => Action::Write { value: asked.argument()? },
            _ => asked.no_argument().map(|()| Action::Read)?,
        };
        Ok(Input { key: asked.key(), action })
    }

    fn output(&self, input: &Input, answer: Option<&Value>) -> Result<Output, Wrong> {
        match input.action {
            Action::Read => Ok(Output::Value(optional(answered(answer)?)?)),
            Action::Write { .. } => done(answer).map(|()| Output::Done),
        }
    }

    fn spell_input(&self, input: &Input) -> Asked {
        let asked = match &input.action {
            Action::Read => Asked::new("read"),
            Action::Write { value } => Asked::new("write").with(Value::Text(value.clone())),
        };
        asked.on(&input.key)
    }

    fn spell_output(&self, output: &Output) -> Option<Value> {
        match output {
            Output::Done => None,
            Output::Value(value) => Some(spelled(value.as_ref())),
        }
    }
}
