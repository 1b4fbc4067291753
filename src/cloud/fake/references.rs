//! Which strings of a resource's properties may be references.

use std::collections::BTreeMap;

use super::shape::Shape;
use crate::value::Value;

/// A string, and the property that holds it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reference {
    /// `Network.Subnets`, without places in lists.
    pub(super) property: String,
    pub(super) text: String,
}

/// All strings in the named properties, those in JSON documents included.
pub(super) fn of<'a>(
    shape: &Shape,
    properties: &'a BTreeMap<String, Value>,
    names: impl Iterator<Item = &'a String>,
) -> Vec<Reference> {
    let mut found = Vec::new();
    for name in names {
        let Some(value) = properties.get(name) else { continue };
        let mut path = name.clone();
        match value {
            Value::String(text) if shape.is_json(name) => {
                let document = serde_json::from_str::<serde_json::Value>(text).map(Value::from);
                collect(document.as_ref().unwrap_or(value), &mut path, &mut found);
            }
            value => collect(value, &mut path, &mut found),
        }
    }
    found
}

fn collect(value: &Value, path: &mut String, found: &mut Vec<Reference>) {
    match value {
        Value::String(text) => found.push(Reference { property: path.clone(), text: text.clone() }),
        Value::List(list) => list.iter().for_each(|element| collect(element, path, found)),
        Value::Map(map) => {
            for (key, value) in map {
                let length = path.len();
                path.push('.');
                path.push_str(key);
                collect(value, path, found);
                path.truncate(length);
            }
        }
        _ => {}
    }
}
