//! A value in a file, whichever the format: what JSON and EDN have in common, and EDN's keywords.

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// A value as a file spells it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// `null`, `nil`, or left out.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// A string; bytes that are no text are spelled `{"hex":"00ff"}` in JSON.
    Text(Bytes),
    /// EDN's `:name`, without the colon.
    Keyword(String),
    /// An array, vector, list or set.
    List(Vec<Value>),
    /// An object or map, in the order of the file.
    Map(Vec<(Value, Value)>),
    /// Anything else, such as a fraction, as it stands in the file.
    Other(String),
}

impl Value {
    /// A string.
    pub fn text(text: &str) -> Self {
        Self::Text(Bytes::copy_from_slice(text.as_bytes()))
    }

    /// The value as models know it: strings as their bytes, whole numbers as their digits.
    ///
    /// So 3 and "3" are one value: histories of one system spell it one way, and two formats two ways.
    pub fn bytes(&self) -> Option<Bytes> {
        match self {
            Self::Text(bytes) => Some(bytes.clone()),
            Self::Int(number) => Some(Bytes::from(number.to_string())),
            _ => None,
        }
    }

    /// The value for people, not longer than a line.
    pub fn describe(&self) -> String {
        match self {
            Self::Null => "no value".to_owned(),
            Self::Bool(flag) => flag.to_string(),
            Self::Int(number) => number.to_string(),
            Self::Text(bytes) if bytes.len() > 40 => format!("\"{}...\"", bytes[..37].escape_ascii()),
            Self::Text(bytes) => format!("\"{}\"", bytes.escape_ascii()),
            Self::Keyword(name) => format!(":{name}"),
            Self::List(values) => format!("a list of {}", values.len()),
            Self::Map(_) => "a map".to_owned(),
            Self::Other(text) => text.chars().take(40).collect(),
        }
    }

    /// What stands under a keyword of a map.
    pub(super) fn get(&self, keyword: &str) -> Option<&Self> {
        let Self::Map(pairs) = self else { return None };
        let is_it = |key: &Self| matches!(key, Self::Keyword(name) if name == keyword);
        pairs.iter().find(|(key, _)| is_it(key)).map(|(_, value)| value)
    }

    /// The bytes of `{"hex":"00ff"}`.
    fn from_hex(digits: &str) -> Option<Self> {
        let digits = digits.as_bytes();
        let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|nibble| u8::try_from(nibble).ok());
        let byte = |pair: &[u8]| Some(nibble(*pair.first()?)? << 4 | nibble(*pair.get(1)?)?);
        digits.chunks(2).map(byte).collect::<Option<Vec<u8>>>().map(|bytes| Self::Text(bytes.into()))
    }
}

/// From JSON.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Json)
    }
}

struct Json;

impl<'de> Visitor<'de> for Json {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a whole number, true, false, null or a list")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Int(number.into()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            pairs.push((Value::text(&key), value));
        }
        let hex = match &pairs[..] {
            [(Value::Text(key), Value::Text(digits))] if key.as_ref() == b"hex" => {
                std::str::from_utf8(digits).ok().and_then(Value::from_hex)
            }
            _ => None,
        };
        Ok(hex.unwrap_or(Value::Map(pairs)))
    }
}
