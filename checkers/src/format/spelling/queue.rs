//! A queue's operations in files.

use super::{Asked, Named, Shape, Spelling, Value, Wrong, answered, done, optional, spelled};
use crate::model::queue::{Action, Input, Output, Queue};

impl Spelling for Queue {
    const OPERATIONS: &'static [Named] =
        &[Named::new("enqueue", &["push"], Shape::Write), Named::new("dequeue", &["pop"], Shape::Read)];

    fn input(&self, asked: &Asked) -> Result<Input, Wrong> {
        let action = match asked.f {
            "enqueue" => Action::Enqueue { value: asked.argument()? },
            _ => asked.no_argument().map(|()| Action::Dequeue)?,
        };
        Ok(Input { key: asked.key(), action })
    }

    fn output(&self, input: &Input, answer: Option<&Value>) -> Result<Output, Wrong> {
        match input.action {
            Action::Enqueue { .. } => done(answer).map(|()| Output::Done),
            Action::Dequeue => Ok(Output::Dequeued(optional(answered(answer)?)?)),
        }
    }

    fn spell_input(&self, input: &Input) -> Asked {
        let asked = match &input.action {
            Action::Enqueue { value } => Asked::new("enqueue").with(Value::Text(value.clone())),
            Action::Dequeue => Asked::new("dequeue"),
        };
        asked.on(&input.key)
    }

    fn spell_output(&self, output: &Output) -> Option<Value> {
        match output {
            Output::Done => None,
            Output::Dequeued(value) => Some(spelled(value.as_ref())),
        }
    }
}
