//! Spans of virtual time as people write them: `"150ms"`, `"1.5s"`.
//!
//! Integers only: a decimal such as `"1.5s"` is read digit by digit, so that what is written is what is meant.
//! Not here: ranges of them, see [`crate::scenario::range`].

use std::fmt;

use serde::de::{self, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a duration must look like; part of every error about one.
pub const EXPECTED: &str = "a duration with a unit such as \"150ms\" (units: ns, us, ms, s, m)";

/// Units with their length in nanoseconds and the number of decimals that make sense in them.
const UNITS: [(&str, u64, u32); 5] =
    [("ns", 1, 0), ("us", 1_000, 3), ("ms", 1_000_000, 6), ("s", 1_000_000_000, 9), ("m", 60_000_000_000, 9)];

/// A span of virtual time in nanoseconds, written with its unit.
///
/// ```
/// use squall_sim::scenario::Nanos;
///
/// assert_eq!(Nanos::parse("1.5s"), Some(Nanos(1_500_000_000)));
/// assert_eq!(Nanos::parse("1.5"), None);
/// assert_eq!(Nanos(12_345_000).to_string(), "12.345ms");
/// assert_eq!(Nanos(12_345_678).to_string(), "12345.678us");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanos(pub u64);

impl Nanos {
    /// A span of milliseconds.
    #[must_use]
    pub const fn ms(ms: u64) -> Self {
        Self(ms * 1_000_000)
    }

    /// A span of microseconds.
    #[must_use]
    pub const fn us(us: u64) -> Self {
        Self(us * 1_000)
    }

    /// Reads a number directly followed by its unit; `None` if it is anything else or does not fit.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, unit) = text.split_at(end);
        let (_, unit_ns, decimals) = UNITS.into_iter().find(|(name, ..)| *name == unit)?;
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        let whole: u64 = digits(whole)?;
        if u32::try_from(part.len()).ok()? > decimals.max(1) {
            return None;
        }
        let scale = 10_u64.pow(u32::try_from(part.len()).ok()?);
        let part = digits(part)?.checked_mul(unit_ns)?;
        if !part.is_multiple_of(scale) {
            return None;
        }
        whole.checked_mul(unit_ns)?.checked_add(part / scale).map(Self)
    }
}

fn digits(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) { None } else { text.parse().ok() }
}

impl fmt::Display for Nanos {
    /// The shortest exact form with at most three decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ns = self.0;
        if ns == 0 {
            return f.write_str("0s");
        }
        for (unit, unit_ns) in [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)] {
            let thousandth = unit_ns / 1_000;
            if ns >= unit_ns && ns.is_multiple_of(thousandth) {
                let rest = ns % unit_ns / thousandth;
                return match rest {
                    0 => write!(f, "{}{unit}", ns / unit_ns),
                    _ => write!(f, "{}.{}{unit}", ns / unit_ns, format!("{rest:03}").trim_end_matches('0')),
                };
            }
        }
        if ns >= 1_000 { write!(f, "{}.{:03}us", ns / 1_000, ns % 1_000) } else { write!(f, "{ns}ns") }
    }
}

impl Serialize for Nanos {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Nanos {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NanosVisitor)
    }
}

struct NanosVisitor;

impl Visitor<'_> for NanosVisitor {
    type Value = Nanos;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Nanos, E> {
        Nanos::parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_every_unit() {
        for (text, ns) in [
            ("7ns", 7),
            ("7us", 7_000),
            ("1.25us", 1_250),
            ("300ms", 300_000_000),
            ("0.5ms", 500_000),
            ("1.5s", 1_500_000_000),
            ("2m", 120_000_000_000),
            ("1.5m", 90_000_000_000),
            ("0s", 0),
        ] {
            assert_eq!(Nanos::parse(text), Some(Nanos(ns)), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_duration() {
        for text in [
            "",
            "5",
            "ms",
            "5 ms",
            "-5ms",
            "5h",
            "5MS",
            "1.5.5s",
            ".5s",
            "5.s",
            "1.5ns",
            "1.2345us",
            "99999999999999999999ns",
            "18446744074s",
            "5ms ",
            "٣ms",
            "1e3ms",
        ] {
            assert_eq!(Nanos::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(ns: u64) {
            prop_assert_eq!(Nanos::parse(&Nanos(ns).to_string()), Some(Nanos(ns)));
        }

        #[test]
        fn no_text_panics(text in ".{0,24}") {
            let _ = Nanos::parse(&text);
        }
    }
}
