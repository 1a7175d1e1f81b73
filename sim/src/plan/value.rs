//! Values that clients write: a short unique tag, padded to a size.
//!
//! Not here: which value is written when, see [`super::draw`].

use std::fmt;

use serde::de::{self, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The largest padding that a plan may ask for.
pub const PADDING_MAX: u64 = 16 << 20;

/// A value: its tag, followed by as many dots as its padding says. Written `"c2-17"` or, padded, `"c2-17+11"`.
///
/// ```
/// use squall_sim::plan::Value;
///
/// let value = Value::sized("c2-17", 8);
/// assert_eq!(value.to_string(), "c2-17+3");
/// assert_eq!(value.to_bytes(), b"c2-17...");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    tag: String,
    padding: u64,
}

impl Value {
    /// A value of this size, or of the tag's length if that is longer: unique values come before exact sizes.
    #[must_use]
    pub fn sized(tag: impl Into<String>, bytes: u64) -> Self {
        let tag = tag.into();
        let padding = bytes.saturating_sub(tag.len() as u64).min(PADDING_MAX);
        Self { tag, padding }
    }

    /// What makes it unique.
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// Its size in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.padding + self.tag.len() as u64
    }

    /// Whether it has no bytes at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes that are written.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let len = self.tag.len() + usize::try_from(self.padding).unwrap_or_default();
        let mut bytes = Vec::with_capacity(len);
        bytes.extend_from_slice(self.tag.as_bytes());
        bytes.resize(len, b'.');
        bytes
    }

    fn parse(text: &str) -> Option<Self> {
        let Some((tag, padding)) = text.rsplit_once('+') else {
            return Some(Self { tag: text.to_owned(), padding: 0 });
        };
        let padding = padding.parse().ok().filter(|padding| *padding <= PADDING_MAX)?;
        Some(Self { tag: tag.to_owned(), padding })
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.padding == 0 && !self.tag.contains('+') {
            f.write_str(&self.tag)
        } else {
            write!(f, "{}+{}", self.tag, self.padding)
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl Visitor<'_> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value such as \"c2-17\", or \"c2-17+11\" with 11 bytes of padding (at most {PADDING_MAX})")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        Value::parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}
