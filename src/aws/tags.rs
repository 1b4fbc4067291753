//! Tags: the property `Tags`, the tags that say whose a resource is, and what changes between two sets of them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::catalog::Tagging;
use crate::cloud::{CloudError, ErrorKind, Op};
use crate::value::Value;

/// Tags by key.
pub type TagSet = BTreeMap<String, String>;

/// The tag that tells which stack a resource is of.
pub const STACK: &str = "infra:stack";
/// The tag that tells in which environment.
pub const ENVIRONMENT: &str = "infra:environment";
/// The tag that tells under which address.
pub const ADDRESS: &str = "infra:address";
/// The tag that tells which operation made a resource.
pub const OP: &str = "infra:op";
/// The most characters that AWS takes as a tag's value.
const MAX_VALUE: usize = 256;

/// The property `Tags` of most types: written as a list of `{Key, Value}`, used by key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Tag>", into = "Vec<Tag>")]
pub struct Tags(pub TagSet);

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Tag {
    /// The tag's key; keys that begin with `aws:` or `infra:` are reserved.
    #[schemars(length(min = 1, max = 128))]
    pub key: String,
    /// The tag's value.
    #[schemars(length(max = 256))]
    pub value: String,
}

impl Tags {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tags as an SDK's own type, each made by `make` from key and value.
    pub fn each<T>(&self, make: impl Fn(&str, &str) -> T) -> Vec<T> {
        self.0.iter().map(|(key, value)| make(key, value)).collect()
    }

    /// What must be set and which keys must be removed to come from `old` to these.
    pub fn changes(&self, old: &Self) -> (Tags, Vec<String>) {
        let set = self.0.iter().filter(|(key, value)| old.0.get(*key) != Some(value));
        let removed = old.0.keys().filter(|key| !self.0.contains_key(*key));
        (Self(set.map(|(key, value)| (key.clone(), value.clone())).collect()), removed.cloned().collect())
    }

    /// Whether all of `wanted` are among these.
    pub fn have(&self, wanted: &TagSet) -> bool {
        wanted.iter().all(|(key, value)| self.0.get(key) == Some(value))
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Tags {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(tags: I) -> Self {
        Self(tags.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

impl From<Vec<Tag>> for Tags {
    fn from(tags: Vec<Tag>) -> Self {
        tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
    }
}

impl From<Tags> for Vec<Tag> {
    fn from(tags: Tags) -> Self {
        tags.0.into_iter().map(|(key, value)| Tag { key, value }).collect()
    }
}

impl JsonSchema for Tags {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Tags".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "items": generator.subschema_for::<Tag>(), "uniqueItems": true })
    }
}

/// Whether what has these tags is of the stack that `op` works on.
pub fn is_of_stack(tags: &TagSet, op: &Op) -> bool {
    let has = |key: &str, value: &str| tags.get(key).is_some_and(|tag| tag == value);
    has(STACK, &op.stack) && has(ENVIRONMENT, &op.environment)
}

/// Whose it is which has these tags, in words.
pub fn whose(tags: &TagSet, op: &Op) -> String {
    let tag = |key| tags.get(key).map_or("", String::as_str);
    match tags.contains_key(STACK) {
        _ if is_of_stack(tags, op) => format!("{} of this stack", tag(ADDRESS)),
        true => format!("not of this stack: {} of {} ({})", tag(ADDRESS), tag(STACK), tag(ENVIRONMENT)),
        false => "not of this stack, nor of any other of infra".to_owned(),
    }
}

/// Refuses where `op` did not make `what`, which has these tags: then it was there before.
pub fn made_by(op: &Op, what: &str, tags: &Tags, operation: &str) -> Result<(), CloudError> {
    if tags.have(&of_op(op)) {
        return Ok(());
    }
    let unknown = if is_of_stack(&tags.0, op) { ", made by a run that is not on record" } else { "" };
    let why = format!("{what} exists already, {}{unknown}", whose(&tags.0, op));
    Err(CloudError::new(ErrorKind::Conflict, operation, why))
}

/// The tag by which what `op` made is found.
pub fn of_op(op: &Op) -> TagSet {
    TagSet::from([(OP.to_owned(), op.id.to_string())])
}

/// `properties` with the tags that say whose the resource is.
pub fn owned(properties: &Value, tagging: Tagging, op: &Op) -> Value {
    let ownership = [
        (STACK, tag_value(&op.stack)),
        (ENVIRONMENT, tag_value(&op.environment)),
        (ADDRESS, tag_value(op.address.as_str())),
        (OP, op.id.to_string()),
    ];
    let mut map = properties.as_map().cloned().unwrap_or_default();
    let tags = map.remove("Tags").unwrap_or_default();
    let tags = match tagging {
        Tagging::List => {
            let own = ownership.into_iter().map(|(key, value)| {
                Value::from_iter([("Key".to_owned(), key.into()), ("Value".to_owned(), value.into())])
            });
            tags.as_list().unwrap_or_default().iter().cloned().chain(own).collect::<Value>()
        }
        Tagging::Map => {
            let own = ownership.into_iter().map(|(key, value)| (key.to_owned(), value.into()));
            Value::Map(tags.as_map().cloned().unwrap_or_default().into_iter().chain(own).collect())
        }
    };
    map.insert("Tags".to_owned(), tags);
    Value::Map(map)
}

/// `properties` without the tags that are infra's or AWS's own.
pub fn stripped(properties: Value, tagging: Tagging) -> Value {
    let reserved = |key: &str| key.starts_with("infra:") || key.starts_with("aws:");
    let Value::Map(mut map) = properties else { return properties };
    if let Some(tags) = map.get_mut("Tags") {
        let empty = match (tagging, tags) {
            (Tagging::List, Value::List(list)) => {
                list.retain(|tag| !tag.get("Key").and_then(Value::as_str).is_some_and(reserved));
                list.is_empty()
            }
            (Tagging::Map, Value::Map(tags)) => {
                tags.retain(|key, _| !reserved(key));
                tags.is_empty()
            }
            _ => false,
        };
        if empty {
            map.remove("Tags");
        }
    }
    Value::Map(map)
}

/// `text` with nothing in it that some service refuses in a tag: `Subnet["a"]` becomes `Subnet/a`.
fn tag_value(text: &str) -> String {
    let allowed = |c: char| if c.is_alphanumeric() || " _.:/=+-@".contains(c) { c } else { '_' };
    text.replace("[\"", "/").replace("\"]", "").chars().map(allowed).take(MAX_VALUE).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::address::{Address, OpId};

    fn op() -> Op {
        Op::new(OpId::from("01J"), Address::from(r#"Api["k x"].Subnet["a"]"#), "shop".into(), "dev".into())
    }

    #[test]
    fn ownership_is_added_and_taken_away_again() {
        for (tagging, tags) in
            [(Tagging::List, json!([{"Key": "app", "Value": "x"}])), (Tagging::Map, json!({"app": "x"}))]
        {
            let properties = Value::from(json!({"Name": "n", "Tags": tags}));
            let owned = owned(&properties, tagging, &op());
            assert_ne!(owned, properties);
            assert!(format!("{owned:?}").contains("Api/k x.Subnet/a"), "{owned:?}");
            assert_eq!(stripped(owned, tagging), properties);
        }
    }

    #[test]
    fn what_is_there_already_is_told_with_whose_it_is() {
        let of = |environment: &str| {
            let tags = [(STACK, "shop"), (ENVIRONMENT, environment), (ADDRESS, "Web")];
            Tags::from_iter(tags)
        };
        for (tags, whose) in [
            (of("dev"), "Web of this stack, made by a run that is not on record"),
            (of("prod"), "not of this stack: Web of shop (prod)"),
            (Tags::default(), "not of this stack, nor of any other of infra"),
        ] {
            let error = made_by(&op(), "a queue named q", &tags, "sqs:CreateQueue").unwrap_err();
            assert_eq!(error.message, format!("a queue named q exists already, {whose}"));
            assert_eq!(error.kind, ErrorKind::Conflict);
        }
        assert!(made_by(&op(), "a queue named q", &Tags(of_op(&op())), "sqs:CreateQueue").is_ok());
    }

    #[test]
    fn no_tags_come_back_as_no_property() {
        let properties = Value::from(json!({"Name": "n"}));
        assert_eq!(stripped(owned(&properties, Tagging::List, &op()), Tagging::List), properties);
    }

    #[test]
    fn changes_are_what_is_set_and_what_is_removed() {
        let old = Tags::from_iter([("a", "1"), ("b", "1"), ("c", "1")]);
        let new = Tags::from_iter([("a", "1"), ("b", "2"), ("d", "1")]);
        assert_eq!(new.changes(&old), (Tags::from_iter([("b", "2"), ("d", "1")]), vec!["c".to_owned()]));
    }
}
