//! The values of stack files: what properties, parameters and outputs are made of.

use std::collections::BTreeMap;
use std::fmt;

/// A value of the stack language.
///
/// It has no `Serialize`: what is stored goes through [`crate::state::Seal`], what is sent to a cloud through
/// [`Value::reveal`], so that a secret is never written by accident.
#[derive(Clone, PartialEq, Default)]
pub enum Value {
    /// Nothing: an absent value.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// Text.
    String(String),
    /// Values in order.
    List(Vec<Value>),
    /// Values by key, sorted, so that the same stack always gives the same bytes.
    Map(BTreeMap<String, Value>),
    /// What only the cloud can tell, and only once the thing it describes is made.
    Unknown,
    /// A value that is never printed, stored or logged.
    Secret(Box<Value>),
    /// A secret as state keeps it: its keyed digest, in hexadecimal.
    Digest(String),
}

impl Value {
    /// An empty map.
    pub fn map() -> Self {
        Self::Map(BTreeMap::new())
    }

    /// The text of a string, secret or not.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            Self::Secret(inner) => inner.as_str(),
            _ => None,
        }
    }

    /// The entries of a map.
    pub fn as_map(&self) -> Option<&BTreeMap<String, Value>> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The elements of a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// The value under `key`, where this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map().and_then(|map| map.get(key))
    }

    /// The value at `path`, `A.B`, through the maps on the way.
    pub fn at(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(self, |value, key| value.get(key))
    }

    /// Whether nothing in it is [`Value::Unknown`].
    pub fn is_known(&self) -> bool {
        !self.any(&|value| matches!(value, Self::Unknown))
    }

    /// Whether it is or holds a secret.
    pub fn has_secret(&self) -> bool {
        self.any(&|value| matches!(value, Self::Secret(_) | Self::Digest(_)))
    }

    fn any(&self, test: &impl Fn(&Value) -> bool) -> bool {
        test(self)
            || match self {
                Self::List(list) => list.iter().any(|value| value.any(test)),
                Self::Map(map) => map.values().any(|value| value.any(test)),
                Self::Secret(inner) => inner.any(test),
                _ => false,
            }
    }

    /// What the user calls this kind of value: `string`, `integer`, `list`, …
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Int(_) => "integer",
            Self::Float(_) => "number",
            Self::String(_) => "string",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Unknown => "unknown",
            Self::Secret(inner) => inner.kind(),
            Self::Digest(_) => "secret",
        }
    }

    /// The value as JSON, secrets in clear: for a cloud call alone, never for anything that is kept or printed.
    ///
    /// Unknown values and digests become `null`; who calls this has made sure that there are none.
    pub fn reveal(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match self {
            Self::Null | Self::Unknown | Self::Digest(_) => Json::Null,
            Self::Bool(value) => Json::from(*value),
            Self::Int(value) => Json::from(*value),
            Self::Float(value) => Json::from(*value),
            Self::String(value) => Json::from(value.as_str()),
            Self::List(list) => list.iter().map(Self::reveal).collect(),
            Self::Map(map) => Json::Object(map.iter().map(|(key, value)| (key.clone(), value.reveal())).collect()),
            Self::Secret(inner) => inner.reveal(),
        }
    }

    /// The same value with every secret in it in clear.
    pub fn revealed(&self) -> Value {
        match self {
            Self::Secret(inner) => inner.revealed(),
            Self::List(list) => Self::List(list.iter().map(Self::revealed).collect()),
            Self::Map(map) => Self::Map(map.iter().map(|(key, value)| (key.clone(), value.revealed())).collect()),
            other => other.clone(),
        }
    }
}

impl From<serde_json::Value> for Value {
    fn from(json: serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(value),
            Json::Number(number) => match number.as_i64() {
                Some(value) => Self::Int(value),
                None => Self::Float(number.as_f64().unwrap_or(f64::MAX)),
            },
            Json::String(value) => Self::String(value),
            Json::Array(list) => Self::List(list.into_iter().map(Self::from).collect()),
            Json::Object(map) => Self::Map(map.into_iter().map(|(key, value)| (key, Self::from(value))).collect()),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl FromIterator<(String, Value)> for Value {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(entries: I) -> Self {
        Self::Map(entries.into_iter().collect())
    }
}

impl FromIterator<Value> for Value {
    fn from_iter<I: IntoIterator<Item = Value>>(elements: I) -> Self {
        Self::List(elements.into_iter().collect())
    }
}

/// Compact JSON, with secrets masked and unknown values named; what logs, errors and tests show.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("(known after apply)"),
            Self::Secret(_) | Self::Digest(_) => f.write_str("(secret)"),
            Self::List(list) => f.debug_list().entries(list).finish(),
            Self::Map(map) => f.debug_map().entries(map).finish(),
            plain => write!(f, "{}", plain.reveal()),
        }
    }
}
