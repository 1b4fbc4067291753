//! Names of things: where a resource stands in a stack, what AWS calls it, which operation touched it.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Where a resource stands in a stack: `Vpc`, `Subnet["us-east-1a"]`, `Api.Service`, `Queue["mail"].DeadLetter`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Address(Arc<str>);

impl Address {
    /// The address of a resource or component by its logical name, at the top of a stack.
    pub fn root(name: &str) -> Self {
        Self(name.into())
    }

    /// The address of `name` inside the component that stands at this address.
    pub fn child(&self, name: &str) -> Self {
        Self(format!("{self}.{name}").into())
    }

    /// The address of one instance of a `for_each`.
    pub fn with_key(&self, key: &str) -> Self {
        Self(format!("{self}[{}]", serde_json::Value::from(key)).into())
    }

    /// The text of the address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address of the component that this one stands in, `Queue["mail"]` of `Queue["mail"].DeadLetter`.
    pub fn parent(&self) -> Option<Self> {
        let (mut quoted, mut escaped, mut dot) = (false, false, None);
        for (at, character) in self.0.char_indices() {
            match character {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                '.' if !quoted => dot = Some(at),
                _ => {}
            }
        }
        dot.map(|at| Self(self.0[..at].into()))
    }

    /// The name that the stack gives it, `DeadLetter` of `Queue["mail"].DeadLetter["a"]`.
    pub fn logical_name(&self) -> &str {
        let above = self.parent().map_or(0, |parent| parent.0.len() + 1);
        let own = self.0.get(above..).unwrap_or_default();
        own.split_once('[').map_or(own, |(name, _)| name)
    }

    /// Whether this address is `other`, an instance of it, or inside it.
    pub fn is_within(&self, other: &Address) -> bool {
        self.0.strip_prefix(&*other.0).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    }
}

impl From<&str> for Address {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the cloud calls a resource: CloudFormation's primary identifier, its parts joined with `|`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(String);

impl Id {
    /// An identifier as the cloud gave it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A compound identifier, such as `rtb-1|0.0.0.0/0`.
    pub fn compound(parts: &[&str]) -> Self {
        Self(parts.join("|"))
    }

    /// The text of the identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The parts of a compound identifier, exactly `N` of them; the missing ones empty.
    pub fn parts<const N: usize>(&self) -> [&str; N] {
        let mut parts = self.0.splitn(N, '|');
        std::array::from_fn(|_| parts.next().unwrap_or_default())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One operation on one resource: 26 characters (a ULID), the client token and the tag `infra:op` of what it makes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OpId(String);

impl OpId {
    /// A fresh operation id.
    pub fn generate() -> Self {
        Self(ulid::Ulid::new().to_string())
    }

    /// The text of the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its last eight characters in lower case, which generated names end with.
    pub fn short(&self) -> String {
        let start = self.0.len().saturating_sub(8);
        self.0[start..].to_ascii_lowercase()
    }
}

impl From<&str> for OpId {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for OpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for OpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parent_is_the_component() {
        for (address, parent) in [
            ("Vpc", None),
            (r#"Subnet["a.b"]"#, None),
            ("Api.Service", Some("Api")),
            (r#"Api["a.\".b"].Inner.Service["x.y"]"#, Some(r#"Api["a.\".b"].Inner"#)),
        ] {
            assert_eq!(Address::from(address).parent(), parent.map(Address::from), "{address}");
        }
    }
}
