//! Whether what AWS tells is what was asked for.

use infra::value::Value;
use serde_json::Value as Json;

/// The first property of `wanted` that `live` does not agree with, and how; nothing where all agree.
///
/// Compares as a plan does: what is not wanted does not count, sets have no order, documents are compared by meaning, what
/// AWS never tells is left out.
pub(crate) fn difference(wanted: &Value, live: &Value, schema: &Json, path: &str) -> Option<String> {
    if schema.get("writeOnly") == Some(&Json::Bool(true)) && *live == Value::Null {
        return None;
    }
    let differ = || Some(format!("{path}: wanted {wanted:?}, AWS tells {live:?}"));
    if schema.get("format").is_some_and(|format| format == "json") {
        return if document(wanted) == document(live) { None } else { differ() };
    }
    match (wanted, live) {
        (Value::Map(wanted), _) => wanted.iter().find_map(|(key, wanted)| {
            let absent = Value::Null;
            let child = schema.get("properties").and_then(|properties| properties.get(key));
            let child = child.or_else(|| schema.get("additionalProperties")).unwrap_or(&Json::Null);
            difference(wanted, live.get(key).unwrap_or(&absent), child, &format!("{path}.{key}"))
        }),
        // Only those that are wanted are ours.
        (Value::List(wanted), Value::List(live)) if schema.get("x-key").is_some() => {
            let items = schema.get("items").unwrap_or(&Json::Null);
            let told = |wanted: &Value| live.iter().any(|live| difference(wanted, live, items, path).is_none());
            if wanted.iter().all(told) { None } else { differ() }
        }
        (Value::List(wanted), Value::List(live)) if wanted.len() == live.len() => {
            let items = schema.get("items").unwrap_or(&Json::Null);
            let is_set = schema.get("uniqueItems") == Some(&Json::Bool(true));
            let agree = if is_set {
                wanted.iter().all(|wanted| live.iter().any(|live| difference(wanted, live, items, path).is_none()))
            } else {
                wanted.iter().zip(live).all(|(wanted, live)| difference(wanted, live, items, path).is_none())
            };
            if agree { None } else { differ() }
        }
        (wanted, live) if wanted == live || same_number(wanted, live) => None,
        (Value::List(wanted), Value::Null) if wanted.is_empty() => None,
        _ => differ(),
    }
}

/// Whether both are the same number, however it is written.
fn same_number(left: &Value, right: &Value) -> bool {
    let number = |value: &Value| value.reveal().as_f64();
    number(left).is_some() && number(left) == number(right)
}

fn document(value: &Value) -> Json {
    match value {
        Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| Json::from(text.as_str())),
        other => other.reveal(),
    }
}
