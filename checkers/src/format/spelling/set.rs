//! A set's operations in files.

use super::{Asked, Named, Shape, Spelling, Value, Wrong, answered, list, yes_or_no};
use crate::model::set::{Action, Input, Output, Set};
use std::collections::BTreeSet;

impl Spelling for Set {
    const OPERATIONS: &'static [Named] = &[
        Named::new("add", &[], Shape::Write),
        Named::new("remove", &[], Shape::Write),
        Named::new("contains", &[], Shape::Write),
        Named::new("read", &["get", "r"], Shape::ReadAll),
    ];

    fn input(&self, asked: &Asked) -> Result<Input, Wrong> {
        let action = match asked.f {
            "add" => Action::Add { element: asked.argument()? },
            "remove" => Action::Remove { element: asked.argument()? },
            "contains" => Action::Contains { element: asked.argument()? },
            _ => asked.no_argument().map(|()| Action::Read)?,
        };
        Ok(Input { key: asked.key(), action })
    }

    fn output(&self, input: &Input, answer: Option<&Value>) -> Result<Output, Wrong> {
        match (&input.action, answer) {
            (Action::Add { .. } | Action::Remove { .. }, None | Some(Value::Null)) => Ok(Output::Done),
            (Action::Add { .. } | Action::Remove { .. }, answer) => yes_or_no(answer).map(Output::Changed),
            (Action::Contains { .. }, answer) => yes_or_no(answer).map(Output::Contains),
            (Action::Read, Some(Value::Null)) => Ok(Output::Elements(BTreeSet::new())),
            (Action::Read, answer) => {
                let elements = list(answered(answer)?)?;
                let distinct: BTreeSet<_> = elements.iter().cloned().collect();
                let found = || format!("{} elements, {} of them different", elements.len(), distinct.len());
                if distinct.len() == elements.len() {
                    Ok(Output::Elements(distinct))
                } else {
                    Err(Wrong::new(found(), "each element of a set once"))
                }
            }
        }
    }

    fn spell_input(&self, input: &Input) -> Asked {
        let asked = match &input.action {
            Action::Add { element } => Asked::new("add").with(Value::Text(element.clone())),
            Action::Remove { element } => Asked::new("remove").with(Value::Text(element.clone())),
            Action::Contains { element } => Asked::new("contains").with(Value::Text(element.clone())),
            Action::Read => Asked::new("read"),
        };
        asked.on(&input.key)
    }

    fn spell_output(&self, output: &Output) -> Option<Value> {
        match output {
            Output::Done => None,
            Output::Changed(answer) | Output::Contains(answer) => Some(Value::Bool(*answer)),
            Output::Elements(elements) => Some(Value::List(elements.iter().cloned().map(Value::Text).collect())),
        }
    }
}
