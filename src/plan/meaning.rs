//! When two values mean the same, however they are written.

use std::collections::BTreeMap;

use crate::value::Value;

/// Whether two values say the same: secrets in clear, `1` as `1.0`.
pub(crate) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Secret(left), right) => equal(left, right),
        (left, Value::Secret(right)) => equal(left, right),
        (Value::Int(int), Value::Float(float)) | (Value::Float(float), Value::Int(int)) => same_number(*int, *float),
        (Value::List(left), Value::List(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equal(left, right))
        }
        (Value::Map(left), Value::Map(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|((left_key, left), (right_key, right))| left_key == right_key && equal(left, right))
        }
        (left, right) => left == right,
    }
}

#[allow(clippy::cast_precision_loss, clippy::float_cmp)]
fn same_number(int: i64, float: f64) -> bool {
    int as f64 == float
}

/// Whether there is nothing in it; the cloud tells an empty list or map as none.
pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::List(list) => list.is_empty(),
        Value::Map(map) => map.is_empty(),
        _ => false,
    }
}

/// Whether two JSON documents, each a map or its text, mean the same.
pub(crate) fn same_document(left: &Value, right: &Value) -> bool {
    equal(&document(left), &document(right))
}

/// A JSON document in the one form that all with its meaning share; text that is not JSON as it is.
pub(crate) fn document(value: &Value) -> Value {
    let parsed = match value {
        Value::Secret(inner) => return Value::Secret(Box::new(document(inner))),
        Value::String(text) => match serde_json::from_str::<serde_json::Value>(text) {
            Ok(json) => Value::from(json),
            Err(_) => return value.clone(),
        },
        other => other.clone(),
    };
    policy(parsed)
}

/// Brings an IAM policy into one form: one statement or action is the same as a list of it, and their order does not
/// count ([IAM's grammar](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html)).
fn policy(document: Value) -> Value {
    let Value::Map(mut fields) = document else { return document };
    if let Some(statement) = fields.remove("Statement") {
        let statements = match statement {
            Value::List(statements) => statements,
            one => vec![one],
        };
        fields.insert("Statement".to_owned(), statements.into_iter().map(statement_form).collect());
    }
    Value::Map(fields)
}

fn statement_form(statement: Value) -> Value {
    let Value::Map(fields) = statement else { return statement };
    fields
        .into_iter()
        .map(|(key, value)| {
            let value = match key.as_str() {
                "Action" | "NotAction" | "Resource" | "NotResource" => strings(value),
                "Principal" | "NotPrincipal" => each(value, strings),
                "Condition" => each(value, |operator| each(operator, strings)),
                _ => value,
            };
            (key, value)
        })
        .collect()
}

fn each(value: Value, form: impl Fn(Value) -> Value) -> Value {
    match value {
        Value::Map(map) => map.into_iter().map(|(key, value)| (key, form(value))).collect(),
        other => other,
    }
}

/// One string or a list of them, as a sorted list.
fn strings(value: Value) -> Value {
    let mut list = match value {
        Value::List(list) => list,
        one @ Value::String(_) => vec![one],
        other => return other,
    };
    list.sort_by(|left, right| left.as_str().cmp(&right.as_str()));
    list.dedup();
    Value::List(list)
}

/// Whether two sets of scalars hold the same; `None` where an element is something else.
pub(crate) fn same_scalars(left: &[Value], right: &[Value]) -> Option<bool> {
    Some(scalars(left)? == scalars(right)?)
}

fn scalars(list: &[Value]) -> Option<BTreeMap<(u8, String), ()>> {
    list.iter()
        .map(|value| match value {
            Value::String(text) => Some(((0, text.clone()), ())),
            Value::Int(number) => Some(((1, number.to_string()), ())),
            Value::Bool(flag) => Some(((2, flag.to_string()), ())),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn same(left: serde_json::Value, right: serde_json::Value) -> bool {
        same_document(&Value::from(left), &Value::from(right))
    }

    #[test]
    fn numbers_are_equal_by_value_and_strings_are_no_numbers() {
        assert!(equal(&Value::Int(1), &Value::Float(1.0)));
        assert!(!equal(&Value::Int(1), &Value::Float(1.5)));
        assert!(!equal(&Value::Int(80), &Value::from("80")));
        assert!(equal(&Value::Secret(Box::new(Value::from("x"))), &Value::from("x")));
    }

    #[test]
    fn a_document_is_the_same_as_a_map_and_as_text_in_any_order() {
        assert!(same(json!({"a": 1, "b": [1, 2]}), json!(r#"{ "b": [1, 2], "a": 1.0 }"#)));
        assert!(!same(json!({"b": [1, 2]}), json!({"b": [2, 1]})));
        assert!(!same(json!("not json"), json!("not  json")));
    }

    #[test]
    fn a_policy_is_the_same_however_its_lists_are_written() {
        let short = json!({"Version": "2012-10-17", "Statement": {
            "Effect": "Allow", "Principal": {"Service": "ecs.amazonaws.com"}, "Action": ["b", "a"], "Resource": "*",
            "Condition": {"StringEquals": {"aws:SourceAccount": "1"}},
        }});
        let long = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": ["ecs.amazonaws.com"]}, "Action": ["a", "b"], "Resource": ["*"],
            "Condition": {"StringEquals": {"aws:SourceAccount": ["1"]}},
        }]});
        assert!(same(short.clone(), long));
        let mut other = short.clone();
        other["Statement"]["Effect"] = json!("Deny");
        assert!(!same(short, other));
    }
}
