//! A value or a range to draw it from: `5` or `(3, 7)`, `"300ms"` or `("300ms", "900ms")`.
//!
//! Not here: who draws, see [`crate::plan`].

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::nanos::Nanos;

/// All values from `low` to `high`, both included. A single value is a range of one.
///
/// ```
/// use squall_sim::scenario::Range;
///
/// let drawn: Range<u64> = ron::from_str("(3, 7)").unwrap();
/// assert_eq!(drawn, Range { low: 3, high: 7 });
/// let fixed: Range<u64> = ron::from_str("5").unwrap();
/// assert!(fixed.is_fixed());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range<T> {
    /// The smallest value.
    pub low: T,
    /// The largest value.
    pub high: T,
}

impl<T: Copy + PartialEq> Range<T> {
    /// A range of one value.
    pub const fn fixed(value: T) -> Self {
        Self { low: value, high: value }
    }

    /// Whether nothing is left to draw.
    pub fn is_fixed(&self) -> bool {
        self.low == self.high
    }
}

/// What ranges can be made of.
pub trait Bound: Copy + PartialOrd + fmt::Display + Serialize + for<'de> Deserialize<'de> {
    /// What a single value and a range look like.
    const EXPECTED: &'static str;

    /// From a bare integer, where the type is written as one.
    fn from_integer(value: u64) -> Option<Self>;

    /// From a string, where the type is written as one.
    fn from_text(text: &str) -> Option<Self>;

    /// From `true` or `false`, where the type is written so.
    fn from_bool(_: bool) -> Option<Self> {
        None
    }

    /// As a bare integer, to draw with.
    fn to_u64(self) -> u64;

    /// Whether it is made of parts too fine to read, so that draws are rounded.
    const FINE: bool = false;

    /// Back from a bare integer between two values of this type.
    fn drawn(value: u64) -> Self;
}

impl Bound for u64 {
    fn drawn(value: u64) -> Self {
        value
    }

    const EXPECTED: &'static str = "an integer such as 5 or a range such as (3, 7)";

    fn from_integer(value: u64) -> Option<Self> {
        Some(value)
    }

    fn from_text(_: &str) -> Option<Self> {
        None
    }

    fn to_u64(self) -> u64 {
        self
    }
}

/// A switch: `(false, true)` is drawn.
impl Bound for bool {
    fn drawn(value: u64) -> Self {
        value > 0
    }

    const EXPECTED: &'static str = "true, false, or (false, true) for either";

    fn from_integer(_: u64) -> Option<Self> {
        None
    }

    fn from_text(_: &str) -> Option<Self> {
        None
    }

    fn from_bool(value: bool) -> Option<Self> {
        Some(value)
    }

    fn to_u64(self) -> u64 {
        u64::from(self)
    }
}

impl Bound for u32 {
    fn drawn(value: u64) -> Self {
        Self::try_from(value).unwrap_or(Self::MAX)
    }

    const EXPECTED: &'static str = "an integer up to 4294967295 such as 5 or a range such as (3, 7)";

    fn from_integer(value: u64) -> Option<Self> {
        Self::try_from(value).ok()
    }

    fn from_text(_: &str) -> Option<Self> {
        None
    }

    fn to_u64(self) -> u64 {
        u64::from(self)
    }
}

impl Bound for Nanos {
    const FINE: bool = true;

    fn drawn(value: u64) -> Self {
        Self(value)
    }

    const EXPECTED: &'static str =
        "a duration with a unit such as \"150ms\" (units: ns, us, ms, s, m) or a range such as (\"1ms\", \"5ms\")";

    fn from_integer(_: u64) -> Option<Self> {
        None
    }

    fn from_text(text: &str) -> Option<Self> {
        Self::parse(text)
    }

    fn to_u64(self) -> u64 {
        self.0
    }
}

impl<T: Bound> fmt::Display for Range<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_fixed() { write!(f, "{}", self.low) } else { write!(f, "{} to {}", self.low, self.high) }
    }
}

impl<T: Bound> Serialize for Range<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_fixed() { self.low.serialize(serializer) } else { (self.low, self.high).serialize(serializer) }
    }
}

impl<'de, T: Bound> Deserialize<'de> for Range<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RangeVisitor(PhantomData))
    }
}

struct RangeVisitor<T>(PhantomData<T>);

impl<'de, T: Bound> Visitor<'de> for RangeVisitor<T> {
    type Value = Range<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Range<T>, E> {
        T::from_integer(value).map(Range::fixed).ok_or_else(|| E::invalid_value(Unexpected::Unsigned(value), &self))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Range<T>, E> {
        T::from_bool(value).map(Range::fixed).ok_or_else(|| E::invalid_type(Unexpected::Bool(value), &self))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Range<T>, E> {
        T::from_text(text).map(Range::fixed).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Range<T>, A::Error> {
        let low = seq.next_element()?.ok_or_else(|| de::Error::invalid_length(0, &"a range of two values"))?;
        let high = seq.next_element()?.ok_or_else(|| de::Error::invalid_length(1, &"a range of two values"))?;
        Ok(Range { low, high })
    }
}

/// Fields that may be left out: written bare, without `Some(..)`.
///
/// For `#[serde(default, skip_serializing_if = "Option::is_none", with = "given")]`.
pub(crate) mod given {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "serde calls it with the field's type")]
    pub(crate) fn serialize<T: Serialize, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => value.serialize(serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
        T::deserialize(deserializer).map(Some)
    }
}
