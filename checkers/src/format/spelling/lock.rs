//! A lock's operations in files.

use super::{Asked, Named, Shape, Spelling, Value, Wrong};
use crate::model::lock::{Action, Input, Lock, Output};

fn token(value: &Value) -> Result<Option<u64>, Wrong> {
    match value {
        Value::Null => Ok(None),
        Value::Int(number) => u64::try_from(*number)
            .map(Some)
            .map_err(|_| Wrong::value(value, "a token, which is a whole number of 64 bits and not negative")),
        value => Err(Wrong::value(value, "a token, which is a whole number")),
    }
}

fn spelled(token: Option<u64>) -> Value {
    token.map_or(Value::Null, |token| Value::Int(token.into()))
}

impl Spelling for Lock {
    const OPERATIONS: &'static [Named] =
        &[Named::new("acquire", &["lock"], Shape::Read), Named::new("release", &["unlock"], Shape::Write)];

    fn input(&self, asked: &Asked) -> Result<Input, Wrong> {
        let action = match asked.f {
            "release" => {
                let token = token(&asked.a)?;
                Asked { a: Value::Null, ..asked.clone() }.no_argument()?;
                Action::Release { token }
            }
            _ => asked.no_argument().map(|()| Action::Acquire)?,
        };
        Ok(Input { key: asked.key(), action })
    }

    fn output(&self, input: &Input, answer: Option<&Value>) -> Result<Output, Wrong> {
        match (&input.action, answer.unwrap_or(&Value::Null)) {
            (Action::Acquire, Value::Bool(false)) => Ok(Output::Busy),
            (Action::Acquire, answer) => token(answer).map(Output::Acquired),
            (Action::Release { .. }, Value::Bool(false)) => Ok(Output::NotHeld),
            (Action::Release { .. }, Value::Null | Value::Bool(true)) => Ok(Output::Released),
            (Action::Release { .. }, answer) => Err(Wrong::value(answer, "true or false")),
        }
    }

    fn spell_input(&self, input: &Input) -> Asked {
        let asked = match input.action {
            Action::Acquire => Asked::new("acquire"),
            Action::Release { token } => Asked::new("release").with(spelled(token)),
        };
        asked.on(&input.key)
    }

    fn spell_output(&self, output: &Output) -> Option<Value> {
        match output {
            Output::Acquired(token) => Some(spelled(*token)),
            Output::Busy | Output::NotHeld => Some(Value::Bool(false)),
            Output::Released => None,
        }
    }
}
