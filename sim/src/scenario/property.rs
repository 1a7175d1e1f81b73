//! The names of what may be violated: the words for `expect: Violates(..)`.
//!
//! Not here: the checkers that judge them.

use std::fmt;

use serde::de::{self, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::suggest;

/// A property that a checker judges, by its stable name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Property(&'static str);

impl Property {
    /// Every name with what it promises.
    pub const ALL: &'static [(&'static str, &'static str)] = &[
        ("election-safety", "At most one leader is elected in a term."),
        ("leader-append-only", "A leader never removes or overwrites entries of its own log."),
        ("log-matching", "Logs that agree in an entry's index and term agree up to it."),
        ("leader-completeness", "A committed entry is in the log of every later leader."),
        ("state-machine-safety", "No two nodes apply different entries at one index."),
        ("acknowledged-durable", "What was acknowledged is on the disks that promised it."),
        ("monotone", "A node's term, commit index and applied index never go back."),
        ("recoverability", "A node gives up only if its disk gave it a reason, and says what it has lost."),
        ("exactly-once", "A command of a session takes effect at most once."),
        ("transport", "Streams deliver each message at most once, unchanged and in the order of its lane."),
        ("bounded", "What waits for a peer keeps to its limit."),
        ("linearizability", "Clients see one order of all operations that respects real time."),
    ];

    /// The property of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(known, _)| Self(known))
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Serialize for Property {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl<'de> Deserialize<'de> for Property {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PropertyVisitor)
    }
}

struct PropertyVisitor;

impl Visitor<'_> for PropertyVisitor {
    type Value = Property;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = Property::ALL.iter().map(|(name, _)| *name).collect();
        write!(f, "the name of a property (one of {})", names.join(", "))
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Property, E> {
        Property::from_name(name).ok_or_else(|| {
            let hint = suggest(name, Property::ALL.iter().map(|(name, _)| *name));
            let names: Vec<_> = Property::ALL.iter().map(|(name, _)| *name).collect();
            let expected = format!("one of {}{hint}", names.join(", "));
            E::invalid_value(Unexpected::Str(name), &expected.as_str())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkers_know_every_name() {
        for (name, _) in Property::ALL {
            assert!(squall_checkers::violation::Property::from_name(name).is_some(), "{name}");
        }
    }
}
