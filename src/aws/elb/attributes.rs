//! Attributes: settings by key, of which only those that a stack names are its own.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Attributes by key, written as a list of `{Key, Value}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Attribute>", into = "Vec<Attribute>")]
pub struct Attributes(BTreeMap<String, String>);

/// An attribute.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Attribute {
    /// The attribute's name, such as `idle_timeout.timeout_seconds`.
    key: String,
    /// Its value, as text.
    value: String,
}

impl Attributes {
    /// What must be set to come from `old` to `new`. One that is gone goes back to its default of `defaults`.
    pub(super) fn changes(old: Option<&Self>, new: Option<&Self>, defaults: &[(&str, &str)]) -> Self {
        let empty = BTreeMap::new();
        let (old, new) = (old.map_or(&empty, |old| &old.0), new.map_or(&empty, |new| &new.0));
        let gone = old.keys().filter(|key| !new.contains_key(*key));
        let reset = gone.filter_map(|key| defaults.iter().find(|(name, _)| name == key));
        let reset = reset.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let set = new.iter().filter(|(key, value)| old.get(*key) != Some(value));
        Self(set.map(|(key, value)| (key.clone(), value.clone())).chain(reset).collect())
    }

    /// The attributes as an SDK's own type, each made by `make` from key and value; none where there are none.
    pub(super) fn each<T>(&self, make: impl Fn(&str, &str) -> T) -> Option<Vec<T>> {
        (!self.0.is_empty()).then(|| self.0.iter().map(|(key, value)| make(key, value)).collect())
    }
}

impl FromIterator<(String, String)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(attributes: I) -> Self {
        Self(attributes.into_iter().collect())
    }
}

impl From<Vec<Attribute>> for Attributes {
    fn from(attributes: Vec<Attribute>) -> Self {
        attributes.into_iter().map(|attribute| (attribute.key, attribute.value)).collect()
    }
}

impl From<Attributes> for Vec<Attribute> {
    fn from(attributes: Attributes) -> Self {
        attributes.0.into_iter().map(|(key, value)| Attribute { key, value }).collect()
    }
}

impl JsonSchema for Attributes {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Attributes".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let items = generator.subschema_for::<Attribute>();
        json_schema!({ "type": "array", "items": items, "uniqueItems": true, "x-key": "Key" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(pairs: &[(&str, &str)]) -> Attributes {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_is_gone_goes_back_to_its_default() {
        let (old, new) = (attributes(&[("a", "1"), ("b", "2"), ("c", "3")]), attributes(&[("b", "4"), ("c", "3")]));
        let defaults = [("a", "0"), ("b", "0"), ("z", "0")];
        let changes = |old, new| Attributes::changes(old, new, &defaults);
        assert_eq!(changes(Some(&old), Some(&new)), attributes(&[("a", "0"), ("b", "4")]));
        assert_eq!(changes(None, Some(&new)), new);
        assert_eq!(changes(Some(&new), Some(&new)), attributes(&[]));
    }
}
