//! An append list's operations in files.

use super::{Asked, Named, Shape, Spelling, Value, Wrong, answered, done, list};
use crate::model::append_list::{Action, AppendList, Input, Output};

impl Spelling for AppendList {
    const OPERATIONS: &'static [Named] =
        &[Named::new("append", &["app"], Shape::Write), Named::new("read", &["get", "r"], Shape::ReadAll)];

    fn input(&self, asked: &Asked) -> Result<Input, Wrong> {
        let action = match asked.f {
            "append" => Action::Append { element: asked.argument()? },
            _ => asked.no_argument().map(|()| Action::Read)?,
        };
        Ok(Input { key: asked.key(), action })
    }

    fn output(&self, input: &Input, answer: Option<&Value>) -> Result<Output, Wrong> {
        match (&input.action, answer) {
            (Action::Append { .. }, answer) => done(answer).map(|()| Output::Done),
            // A list that nobody appended to is often not there at all.
            (Action::Read, Some(Value::Null)) => Ok(Output::Elements(Vec::new())),
            (Action::Read, answer) => list(answered(answer)?).map(Output::Elements),
        }
    }

    fn spell_input(&self, input: &Input) -> Asked {
        let asked = match &input.action {
            Action::Read => Asked::new("read"),
            Action::Append { element } => Asked::new("append").with(Value::Text(element.clone())),
        };
        asked.on(&input.key)
    }

    fn spell_output(&self, output: &Output) -> Option<Value> {
        match output {
            Output::Done => None,
            Output::Elements(elements) => Some(Value::List(elements.iter().cloned().map(Value::Text).collect())),
        }
    }
}
