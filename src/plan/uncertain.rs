//! What may be applied of a resource: what is on record, with what changes that never ended may have made of it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::meaning::equal;
use super::shape::{Kind, Shape};
use crate::catalog::TypeInfo;
use crate::state::{Begun, BegunAction, Record};
use crate::value::Value;

/// The record of a resource with the changes that were `begun` on it and never ended laid under it.
///
/// A property that only such a change gives counts as applied, so that it is reset where the stack no longer gives it.
/// Of what the cloud never tells, and such a change gives or takes away, nobody knows which one it has: it counts as
/// another than any that the stack can give.
pub(crate) fn possibly_applied<'r, 'b>(
    kind: &TypeInfo,
    shape: &Shape,
    record: &'r Record,
    begun: impl Iterator<Item = &'b Begun>,
) -> Cow<'r, Record> {
    let mut possibly = Cow::Borrowed(record);
    for change in begun.filter(|begun| begun.action == BegunAction::Update && begun.type_name == record.type_name) {
        let mut layer = Layer { create_only: kind.create_only, path: Vec::new() };
        let properties = layer.under(shape, Some(&possibly.properties), &change.properties);
        possibly.to_mut().properties = properties;
    }
    possibly
}

/// Properties without what is not known in them.
pub(crate) fn certain(properties: &Value) -> Value {
    known(properties).unwrap_or_else(Value::map)
}

fn known(value: &Value) -> Option<Value> {
    match value {
        Value::Unknown => None,
        Value::Secret(inner) => known(inner).map(|inner| Value::Secret(Box::new(inner))),
        Value::List(list) => list.iter().map(known).collect::<Option<Vec<_>>>().map(Value::List),
        Value::Map(map) => Some(map.iter().filter_map(|(name, value)| Some((name.clone(), known(value)?))).collect()),
        other => Some(other.clone()),
    }
}

struct Layer<'b> {
    /// What no change can have set.
    create_only: &'static [&'static str],
    path: Vec<&'b str>,
}

impl<'b> Layer<'b> {
    /// `begun`, where something is applied already, under that.
    fn under(&mut self, shape: &Shape, applied: Option<&Value>, begun: &'b Value) -> Value {
        let applied = applied.filter(|applied| !matches!(applied, Value::Null));
        if shape.write_only {
            return match applied {
                Some(applied) if equal(applied, begun) => applied.clone(),
                _ => unknown(shape),
            };
        }
        match (applied, begun, &shape.kind) {
            (Some(Value::Map(applied)), Value::Map(begun), _) => self.map(shape, applied, begun),
            (None, Value::Map(begun), _) if begun.is_empty() && shape.is_structure() => Value::Unknown,
            (None, Value::Map(begun), _) => self.map(shape, &BTreeMap::new(), begun),
            (applied, Value::List(begun), Kind::Keyed(key, element)) => {
                let applied = applied.and_then(Value::as_list).unwrap_or_default();
                self.keyed(key, element, applied, begun)
            }
            (Some(Value::List(applied)), Value::List(begun), Kind::Set(element)) => {
                self.set(shape, element, applied, begun)
            }
            (Some(Value::List(applied)), Value::List(begun), _)
                if applied.len() == begun.len()
                    || applied.iter().chain(begun).all(|value| value.as_map().is_some()) =>
            {
                let mut laid: Vec<Value> = begun
                    .iter()
                    .enumerate()
                    .map(|(at, begun)| self.under(shape.element(), applied.get(at), begun))
                    .collect();
                laid.extend(applied.iter().skip(begun.len()).cloned());
                Value::List(laid)
            }
            (None, Value::List(begun), _) => {
                begun.iter().map(|begun| self.under(shape.element(), None, begun)).collect()
            }
            (Some(applied), begun, _) if shape.is_untold() && !equal(applied, begun) => Value::Unknown,
            (Some(applied), ..) => applied.clone(),
            (None, begun, _) => begun.clone(),
        }
    }

    fn map(&mut self, shape: &Shape, applied: &BTreeMap<String, Value>, begun: &'b BTreeMap<String, Value>) -> Value {
        let mut laid = applied.clone();
        for (name, begun) in begun.iter().filter(|(_, begun)| !matches!(begun, Value::Null)) {
            self.path.push(name);
            if !self.create_only.contains(&self.path.join(".").as_str()) {
                laid.insert(name.clone(), self.under(shape.field(name), applied.get(name), begun));
            }
            self.path.pop();
        }
        // A value that the cloud never tells, and that a change was to take away, may be there or not.
        for (name, value) in &mut laid {
            let shape = shape.field(name);
            if shape.write_only && !begun.contains_key(name) {
                *value = unknown(shape);
            }
        }
        Value::Map(laid)
    }

    fn keyed(&mut self, key: &str, element: &Shape, applied: &[Value], begun: &'b [Value]) -> Value {
        let same = |left: &Value, right: &Value| left.get(key).is_some_and(|name| right.get(key) == Some(name));
        let mut laid = applied.to_vec();
        for begun in begun {
            match laid.iter_mut().find(|applied| same(applied, begun)) {
                Some(applied) => *applied = self.under(element, Some(applied), begun),
                None => laid.push(self.under(element, None, begun)),
            }
        }
        Value::List(laid)
    }

    /// The elements of a set, with what begun ones have in addition, and those that only begun ones are: the stack may come
    /// to give a part of one.
    fn set(&mut self, shape: &Shape, element: &Shape, applied: &[Value], begun: &'b [Value]) -> Value {
        if shape.is_untold() && applied != begun {
            return Value::Unknown;
        }
        let within = |applied: &Value, begun: &Value| match (applied.as_map(), begun.as_map()) {
            (Some(applied), Some(begun)) => applied.iter().all(|(name, value)| begun.get(name) == Some(value)),
            _ => false,
        };
        let new: Vec<&Value> = begun.iter().filter(|begun| !applied.contains(begun)).collect();
        let extended = applied.iter().map(|applied| match new.iter().find(|begun| within(applied, begun)) {
            Some(begun) => self.under(element, Some(applied), begun),
            None => applied.clone(),
        });
        let mut laid: Vec<Value> = extended.collect();
        let extends = |begun: &Value| applied.iter().any(|applied| within(applied, begun));
        laid.extend(new.into_iter().filter(|begun| begun.as_map().is_some() && !extends(begun)).cloned());
        Value::List(laid)
    }
}

/// What counts as another value than any that the stack can give.
fn unknown(shape: &Shape) -> Value {
    if shape.secret { Value::Secret(Box::new(Value::Unknown)) } else { Value::Unknown }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(create_only: &'static [&'static str], schema: serde_json::Value, sides: [serde_json::Value; 3]) {
        let [applied, begun, expected] = sides.map(Value::from);
        let shape = Shape::compile(&json!({"type": "object", "properties": schema}));
        let laid = Layer { create_only, path: Vec::new() }.under(&shape, Some(&applied), &begun);
        assert_eq!(laid.reveal(), expected.reveal());
    }

    #[test]
    fn what_only_a_begun_change_gives_is_added_and_the_rest_stays() {
        let begun = json!({"A": 2, "B": {"C": 1, "D": 2}, "F": null});
        check(
            &[],
            json!({}),
            [json!({"A": 1, "B": {"C": 9}, "E": 5}), begun, json!({"A": 1, "B": {"C": 9, "D": 2}, "E": 5})],
        );
        check(&[], json!({}), [json!({"A": null}), json!({"A": 2}), json!({"A": 2})]);
    }

    #[test]
    fn what_no_change_can_set_is_left_out() {
        check(
            &["Fixed", "B.Arn"],
            json!({}),
            [json!({}), json!({"Fixed": 1, "B": {"Arn": "x", "Mode": "y"}}), json!({"B": {"Mode": "y"}})],
        );
    }

    #[test]
    fn elements_of_lists_are_found_by_place_by_key_and_by_what_they_have_in_common() {
        let element = json!({"type": "object"});
        let lists = json!({
            "List": {"type": "array", "items": element},
            "Keyed": {"type": "array", "items": element, "x-key": "Name"},
            "Set": {"type": "array", "items": element, "uniqueItems": true},
        });
        check(
            &[],
            lists.clone(),
            [
                json!({"List": [{"A": 1}], "Keyed": [{"Name": "a", "A": 1}], "Set": [{"A": 1}, {"A": 2}]}),
                json!({
                    "List": [{"A": 2, "B": 3}],
                    "Keyed": [{"Name": "b"}, {"Name": "a", "B": 2}],
                    "Set": [{"A": 2}, {"A": 1, "B": 2}],
                }),
                json!({
                    "List": [{"A": 1, "B": 3}],
                    "Keyed": [{"Name": "a", "A": 1, "B": 2}, {"Name": "b"}],
                    "Set": [{"A": 1, "B": 2}, {"A": 2}],
                }),
            ],
        );
        check(
            &[],
            lists,
            [
                json!({"List": [1], "Set": [1]}),
                json!({"List": [1, 2], "Set": [1, 2]}),
                json!({"List": [1], "Set": [1]}),
            ],
        );
    }

    #[test]
    fn of_what_the_cloud_never_tells_nothing_is_known() {
        let schema = json!({
            "Same": {"type": "string", "writeOnly": true},
            "Other": {"type": "string", "writeOnly": true},
            "New": {"type": "object", "properties": {"Key": {"type": "string", "writeOnly": true}}},
            "Users": {"type": "array", "uniqueItems": true, "items": {"type": "object", "properties": {
                "Key": {"type": "string", "writeOnly": true},
            }}},
            "Secret": {"type": "string", "writeOnly": true, "x-secret": true},
        });
        let shape = Shape::compile(&json!({"type": "object", "properties": schema}));
        let applied = json!({"Same": "a", "Other": "a", "Users": [{"Key": "a"}]});
        let begun = json!({"Same": "a", "Other": "b", "New": {"Key": "a"}, "Users": [{"Key": "b"}], "Secret": "a"});
        let begun = Value::from(begun);
        let laid = Layer { create_only: &[], path: Vec::new() }.under(&shape, Some(&applied.into()), &begun);
        assert_eq!(laid.get("Same"), Some(&Value::from("a")));
        for path in ["Other", "New.Key", "Users"] {
            assert_eq!(laid.at(path), Some(&Value::Unknown), "{path}");
        }
        assert_eq!(laid.get("Secret"), Some(&Value::Secret(Box::new(Value::Unknown))));
    }
}
