//! Values as a plan may carry and show them: what is secret or unknown by name only.

use serde_json::Value as Json;

use super::Shown;
use crate::value::Value;

/// What stands for a secret inside a shown value.
pub(crate) const SECRET: &str = "(secret)";
/// What stands for an unknown inside a shown value.
pub(crate) const UNKNOWN: &str = "(known after apply)";

/// A value as it may be shown.
pub(crate) fn shown(value: Option<&Value>) -> Shown {
    match value {
        None | Some(Value::Null) => Shown::Absent,
        Some(Value::Unknown) => Shown::Unknown,
        Some(Value::Secret(_) | Value::Digest(_)) => Shown::Secret,
        Some(value) => Shown::Value(json(value)),
    }
}

fn json(value: &Value) -> Json {
    match value {
        Value::Unknown => Json::from(UNKNOWN),
        Value::Secret(_) | Value::Digest(_) => Json::from(SECRET),
        Value::List(list) => list.iter().map(json).collect(),
        Value::Map(map) => Json::Object(map.iter().map(|(key, value)| (key.clone(), json(value))).collect()),
        plain => plain.reveal(),
    }
}

/// `value` with everything marked as secret that stands where one of `alike` has a secret; elements of lists count as
/// standing in the same place. The cloud tells in clear what the stack calls secret.
pub(crate) fn concealed_like(value: &Value, alike: &[&Value]) -> Value {
    if matches!(value, Value::Null | Value::Unknown) || !alike.iter().any(|other| other.has_secret()) {
        return value.clone();
    }
    if alike.iter().any(|other| matches!(other, Value::Secret(_) | Value::Digest(_))) {
        return Value::Secret(Box::new(value.clone()));
    }
    match value {
        Value::Map(map) => map
            .iter()
            .map(|(key, value)| {
                let alike: Vec<&Value> = alike.iter().filter_map(|other| other.get(key)).collect();
                (key.clone(), concealed_like(value, &alike))
            })
            .collect(),
        Value::List(list) => {
            let alike: Vec<&Value> = alike.iter().filter_map(|other| other.as_list()).flatten().collect();
            list.iter().map(|value| concealed_like(value, &alike)).collect()
        }
        // The other side has a structure with a secret somewhere in it: this text may be that structure, rendered.
        other => Value::Secret(Box::new(other.clone())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_live_value_is_concealed_where_the_stack_has_a_secret() {
        let live = Value::from(json!([{"Name": "A", "Value": "plain"}, {"Name": "B", "Value": "hunter2"}]));
        let secret = Value::Secret(Box::new(Value::from("new")));
        let desired = Value::List(vec![
            Value::from(json!({"Name": "A", "Value": "plain"})),
            [("Name".to_owned(), Value::from("B")), ("Value".to_owned(), secret)].into_iter().collect(),
        ]);
        let concealed = concealed_like(&live, &[&desired]);
        assert!(!format!("{concealed:?}").contains("hunter2"));
        assert_eq!(
            shown(Some(&concealed)),
            Shown::Value(json!([
                {"Name": "A", "Value": "(secret)"}, {"Name": "B", "Value": "(secret)"},
            ]))
        );
        assert_eq!(shown(Some(&concealed_like(&Value::from("text of hunter2"), &[&desired]))), Shown::Secret);
    }
}
