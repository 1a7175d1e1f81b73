//! The first line, if it says something about the file.

use super::super::error::{Misplaced, Place, Wrong};
use serde::Deserialize;
use serde_json::Value as Json;

/// What the file says about itself. Other fields are for people.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Meta {
    /// How many operations there are.
    pub ops: Option<u64>,
    /// How "nothing there" is spelled: `null`, or else as an empty string, too.
    absent: Option<Absent>,
    /// The model's name.
    pub model: Option<String>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
enum Absent {
    #[serde(rename = "null")]
    Null,
}

impl Meta {
    /// What this line says; `None` if it is an operation, or wrong as one.
    pub fn parse(line: &str, number: usize) -> Result<Option<Self>, Misplaced> {
        let Ok(Json::Object(mut pairs)) = serde_json::from_str(line) else { return Ok(None) };
        if pairs.len() != 1 {
            return Ok(None);
        }
        let Some(meta) = pairs.remove("meta") else { return Ok(None) };
        match Self::deserialize(meta) {
            Ok(meta) => Ok(Some(meta)),
            Err(error) => {
                let expected = "`meta` with a number as `ops`, a name as `model`, and \"null\" as `absent`, each if at all";
                Err(Wrong::new(format!("a meta line that is none ({error})"), expected).at(Place::line(number)))
            }
        }
    }

    /// Whether an empty string is a value like any other.
    pub fn empty_is_present(&self) -> bool {
        self.absent.is_some()
    }
}
