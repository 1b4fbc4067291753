//! How values are kept: secrets as keyed digests, everything else as JSON that reads back as it was.

use std::collections::BTreeMap;
use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::ser::{self, SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Sha256;

use crate::value::Value;

/// The key under which a digest stands: `{"infra:secret": "…"}`.
const SECRET: &str = "infra:secret";
/// Put before a user's own key that reads like [`SECRET`].
const ESCAPE: char = '~';

/// Turns secrets into keyed digests (HMAC-SHA256): enough to see that one changed, and no more.
///
/// The key is random, one for each log, and is kept in the log. It keeps equal secrets of different stacks from having
/// equal digests; it can't protect a secret that is easily guessed from someone who may read the state.
#[derive(Clone, PartialEq, Eq)]
pub struct Seal {
    key: [u8; 32],
}

/// Why a value can't be kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It is not known yet.
    #[error("`{0}` is not known yet, so it can't be recorded")]
    Unknown(String),
    /// JSON has no such number.
    #[error("`{0}` is not a finite number, so it can't be recorded")]
    NotFinite(String),
}

impl Seal {
    /// A seal with a fresh random key.
    pub(super) fn generate() -> Result<Self, getrandom::Error> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        Ok(Self { key })
    }

    /// The value with every secret in it as its digest.
    ///
    /// # Errors
    /// Refuses what is unknown, and numbers that are not finite.
    pub fn seal(&self, value: &Value) -> Result<Value, SealError> {
        self.seal_at(value, &mut String::new())
    }

    /// Whether `value`, in clear, is what `sealed` was made of.
    pub fn matches(&self, sealed: &Value, value: &Value) -> bool {
        match (sealed, value) {
            (Value::Digest(digest), value) => self.digest(value).is_some_and(|of_value| of_value == *digest),
            (Value::List(left), Value::List(right)) => {
                left.len() == right.len() && left.iter().zip(right).all(|(left, right)| self.matches(left, right))
            }
            (Value::Map(left), Value::Map(right)) => {
                left.len() == right.len()
                    && left.iter().zip(right).all(|(left, right)| left.0 == right.0 && self.matches(left.1, right.1))
            }
            (left, right) => left == right,
        }
    }

    /// A keyed digest of a value, secret or not, to compare with one that was made of it at another time. `what` keeps
    /// apart the digests of different things that have the same value.
    ///
    /// # Errors
    /// Refuses numbers that are not finite.
    pub fn fingerprint(&self, what: &str, value: &Value) -> Result<String, SealError> {
        let value = comparable(value);
        let named = [("of".to_owned(), Value::from(what)), ("is".to_owned(), value)].into_iter().collect();
        let infinite = || SealError::NotFinite(what.to_owned());
        self.seal_at(&named, &mut String::new()).map_err(|_| infinite())?;
        self.digest(&named).ok_or_else(infinite)
    }

    fn seal_at(&self, value: &Value, path: &mut String) -> Result<Value, SealError> {
        let length = path.len();
        let sealed = match value {
            Value::Unknown => return Err(SealError::Unknown(path.clone())),
            Value::Float(number) if !number.is_finite() => return Err(SealError::NotFinite(path.clone())),
            Value::Secret(inner) => {
                // Walked first, so that what can't be kept is told with its place.
                self.seal_at(inner, path)?;
                self.digest(inner).map(Value::Digest).ok_or_else(|| SealError::Unknown(path.clone()))?
            }
            Value::List(list) => {
                let mut sealed = Vec::with_capacity(list.len());
                for (index, element) in list.iter().enumerate() {
                    path.push_str(&format!("[{index}]"));
                    sealed.push(self.seal_at(element, path)?);
                    path.truncate(length);
                }
                Value::List(sealed)
            }
            Value::Map(map) => {
                let mut sealed = BTreeMap::new();
                for (key, element) in map {
                    if length > 0 {
                        path.push('.');
                    }
                    path.push_str(key);
                    sealed.insert(key.clone(), self.seal_at(element, path)?);
                    path.truncate(length);
                }
                Value::Map(sealed)
            }
            other => other.clone(),
        };
        Ok(sealed)
    }

    /// The digest of a known value, a secret one or not; what is sealed already keeps its digest.
    fn digest(&self, value: &Value) -> Option<String> {
        if let Value::Digest(digest) = value {
            return Some(digest.clone());
        }
        if !value.is_known() {
            return None;
        }
        // JSON of sorted maps is canonical: equal values have equal text, and `5` differs from `"5"`.
        let text = serde_json::to_vec(&value.reveal()).ok()?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        mac.update(&text);
        Some(hex(&mac.finalize().into_bytes()))
    }
}

/// The value with all in clear that has a clear form, and the rest told apart.
fn comparable(value: &Value) -> Value {
    let named = |name: &str, value: Value| -> Value { [(name.to_owned(), value)].into_iter().collect() };
    match value {
        Value::Digest(digest) => named(SECRET, Value::from(digest.as_str())),
        Value::Unknown => named("infra:unknown", Value::Null),
        Value::Secret(inner) => comparable(inner),
        Value::List(list) => list.iter().map(comparable).collect(),
        Value::Map(map) => map.iter().map(|(key, value)| (key.clone(), comparable(value))).collect(),
        plain => plain.clone(),
    }
}

/// Never shows the key.
impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(…)")
    }
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Serialize for Seal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(&self.key))
    }
}

impl<'de> Deserialize<'de> for Seal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut key = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return Err(de::Error::custom("a seal's key has 64 hexadecimal digits"));
        }
        for (index, byte) in key.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).map_err(de::Error::custom)?;
        }
        Ok(Self { key })
    }
}

/// A sealed value as it is stored: the only form in which a [`Value`] is serialised.
#[derive(Clone, Debug, PartialEq, Default)]
pub(super) struct Sealed(Value);

impl Sealed {
    /// Seals a value.
    pub(super) fn new(seal: &Seal, value: &Value) -> Result<Self, SealError> {
        seal.seal(value).map(Self)
    }

    /// What was sealed already, such as a value of the state.
    pub(super) fn from_sealed(value: Value) -> Self {
        Self(value)
    }

    /// The sealed value.
    pub(super) fn into_value(self) -> Value {
        self.0
    }
}

impl Serialize for Sealed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Stored(&self.0).serialize(serializer)
    }
}

struct Stored<'a>(&'a Value);

impl Serialize for Stored<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Int(value) => serializer.serialize_i64(*value),
            Value::Float(value) => serializer.serialize_f64(*value),
            Value::String(value) => serializer.serialize_str(value),
            Value::List(list) => {
                let mut sequence = serializer.serialize_seq(Some(list.len()))?;
                for element in list {
                    sequence.serialize_element(&Stored(element))?;
                }
                sequence.end()
            }
            Value::Map(map) => {
                let mut entries = serializer.serialize_map(Some(map.len()))?;
                for (key, value) in map {
                    if reads_like_secret(key) {
                        entries.serialize_entry(&format!("{ESCAPE}{key}"), &Stored(value))?;
                    } else {
                        entries.serialize_entry(key, &Stored(value))?;
                    }
                }
                entries.end()
            }
            Value::Digest(digest) => {
                let mut entries = serializer.serialize_map(Some(1))?;
                entries.serialize_entry(SECRET, digest)?;
                entries.end()
            }
            Value::Unknown | Value::Secret(_) => Err(ser::Error::custom("only sealed values are stored")),
        }
    }
}

fn reads_like_secret(key: &str) -> bool {
    key.trim_start_matches(ESCAPE) == SECRET
}

impl<'de> Deserialize<'de> for Sealed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StoredVisitor)
    }
}

struct StoredVisitor;

impl<'de> Visitor<'de> for StoredVisitor {
    type Value = Sealed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a stored value")
    }

    fn visit_unit<E>(self) -> Result<Sealed, E> {
        Ok(Sealed(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Sealed, E> {
        Ok(Sealed(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Sealed, E> {
        Ok(Sealed(Value::Int(value)))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Sealed, E> {
        i64::try_from(value).map(|value| Sealed(Value::Int(value))).map_err(E::custom)
    }

    fn visit_f64<E>(self, value: f64) -> Result<Sealed, E> {
        Ok(Sealed(Value::Float(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Sealed, E> {
        Ok(Sealed(Value::from(value)))
    }

    fn visit_string<E>(self, value: String) -> Result<Sealed, E> {
        Ok(Sealed(Value::String(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Sealed, A::Error> {
        let mut list = Vec::new();
        while let Some(Sealed(element)) = elements.next_element()? {
            list.push(element);
        }
        Ok(Sealed(Value::List(list)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Sealed, A::Error> {
        let mut map = BTreeMap::new();
        while let Some(key) = entries.next_key::<String>()? {
            if key == SECRET {
                let digest = entries.next_value()?;
                if !map.is_empty() || entries.next_key::<String>()?.is_some() {
                    return Err(de::Error::custom("a sealed secret has something beside it"));
                }
                return Ok(Sealed(Value::Digest(digest)));
            }
            let key = if reads_like_secret(&key) { key[ESCAPE.len_utf8()..].to_owned() } else { key };
            map.insert(key, entries.next_value::<Sealed>()?.0);
        }
        Ok(Sealed(Value::Map(map)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal() -> Seal {
        Seal::generate().unwrap()
    }

    fn secret(text: &str) -> Value {
        Value::Secret(Box::new(Value::from(text)))
    }

    fn map(entries: &[(&str, Value)]) -> Value {
        entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
    }

    #[test]
    fn what_is_stored_reads_back_as_it_was() {
        let digest = Value::Digest("ab".repeat(32));
        let values = [
            Value::Null,
            Value::Bool(true),
            Value::Int(i64::MIN),
            Value::Float(1.0),
            Value::Float(-0.5e-300),
            Value::from("a \"quoted\" line\n\u{1F980}"),
            digest.clone(),
            map(&[("infra:secret", Value::from("a user's own key"))]),
            map(&[("~infra:secret", digest.clone()), ("infra:secret", Value::Null), ("infra:secrets", Value::Null)]),
            map(&[("a", Value::List(vec![digest, Value::map(), Value::List(vec![])]))]),
        ];
        for value in values {
            let text = serde_json::to_string(&Sealed(value.clone())).unwrap();
            let back: Sealed = serde_json::from_str(&text).unwrap();
            assert_eq!(back.0, value, "{text}");
        }
    }

    #[test]
    fn a_digest_with_something_beside_it_is_refused() {
        for text in [r#"{"infra:secret":"a","b":1}"#, r#"{"a":1,"infra:secret":"b"}"#, r#"{"infra:secret":1}"#] {
            serde_json::from_str::<Sealed>(text).unwrap_err();
        }
    }

    #[test]
    fn secrets_become_digests_that_tell_only_equality() {
        let seal = seal();
        let sealed = seal.seal(&map(&[("Password", secret("hunter2")), ("Port", Value::Int(1))])).unwrap();
        assert!(!serde_json::to_string(&Sealed(sealed.clone())).unwrap().contains("hunter2"));
        assert!(seal.matches(&sealed, &map(&[("Password", secret("hunter2")), ("Port", Value::Int(1))])));
        assert!(!seal.matches(&sealed, &map(&[("Password", secret("hunter3")), ("Port", Value::Int(1))])));
        assert!(!seal.matches(&sealed, &map(&[("Password", secret("hunter2"))])));
        assert_ne!(seal.seal(&secret("5")), seal.seal(&Value::Secret(Box::new(Value::Int(5)))));
        assert_ne!(seal.seal(&secret("5")), Seal::generate().unwrap().seal(&secret("5")), "another log, another key");
        assert_eq!(seal.seal(&sealed).unwrap(), sealed, "what is sealed stays");
    }

    #[test]
    fn fingerprints_tell_values_and_things_apart() {
        let seal = seal();
        let of = |what: &str, value: &Value| seal.fingerprint(what, value).unwrap();
        assert_eq!(of("a", &secret("x")), of("a", &Value::from("x")), "secret or not");
        let others = [
            of("b", &Value::from("x")),
            of("a", &Value::from("y")),
            of("a", &Value::Null),
            of("a", &Value::Unknown),
            of("a", &Value::Digest("x".into())),
            of("a", &Value::Digest("y".into())),
            of("a", &map(&[("k", Value::Digest("x".into()))])),
            of("a", &map(&[("k", Value::Digest("y".into()))])),
            Seal::generate().unwrap().fingerprint("a", &Value::from("x")).unwrap(),
        ];
        let first = of("a", &secret("x"));
        let distinct: std::collections::BTreeSet<_> = others.iter().chain([&first]).collect();
        assert_eq!(distinct.len(), others.len() + 1);
        seal.fingerprint("a", &Value::Float(f64::NAN)).unwrap_err();
    }

    #[test]
    fn what_cannot_be_kept_is_refused_with_its_place() {
        let nested = map(&[("A", Value::List(vec![map(&[("B", Value::Unknown)])]))]);
        assert_eq!(seal().seal(&nested), Err(SealError::Unknown("A[0].B".into())));
        let hidden = map(&[("A", Value::Secret(Box::new(Value::Unknown)))]);
        assert_eq!(seal().seal(&hidden), Err(SealError::Unknown("A".into())));
        let infinite = map(&[("A", Value::Float(f64::INFINITY))]);
        assert_eq!(seal().seal(&infinite), Err(SealError::NotFinite("A".into())));
    }

    #[test]
    fn the_key_survives_storing_and_is_not_shown() {
        let seal = seal();
        let text = serde_json::to_string(&seal).unwrap();
        assert_eq!(serde_json::from_str::<Seal>(&text).unwrap(), seal);
        assert!(!format!("{seal:?}").contains(&text[1..9]));
        for bad in ["\"00\"".to_owned(), format!("\"{}\"", "é".repeat(32)), format!("\"{}\"", "zz".repeat(32))] {
            serde_json::from_str::<Seal>(&bad).unwrap_err();
        }
    }
}
