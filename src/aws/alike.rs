//! Whether what AWS tells of something is what was asked for; to find what was made where it takes no tags.

use serde::Serialize;
use serde_json::Value as Json;

/// Whether all that `wanted` says is so in `told`, which may say more: AWS's defaults.
pub fn alike<T: Serialize>(wanted: &T, told: &T) -> bool {
    match (serde_json::to_value(wanted), serde_json::to_value(told)) {
        (Ok(wanted), Ok(told)) => within(&wanted, &told),
        _ => false,
    }
}

fn within(wanted: &Json, told: &Json) -> bool {
    match (wanted, told) {
        (Json::Object(wanted), Json::Object(told)) => {
            wanted.iter().all(|(key, value)| within(value, told.get(key).unwrap_or(&Json::Null)))
        }
        (Json::Array(wanted), Json::Array(told)) => {
            wanted.len() == told.len() && wanted.iter().all(|wanted| told.iter().any(|told| within(wanted, told)))
        }
        (Json::Array(none), Json::Null) => none.is_empty(),
        (Json::Number(wanted), Json::Number(told)) => wanted.as_f64() == told.as_f64(),
        (wanted, told) => wanted == told,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_aws_adds_makes_no_difference_and_what_it_changes_does() {
        let wanted = json!({"Name": "a", "Value": 1, "List": [{"Key": "x"}, {"Key": "y"}]});
        let told =
            json!({"Name": "a", "Value": 1.0, "List": [{"Key": "y", "Unit": "None"}, {"Key": "x"}], "More": true});
        assert!(alike(&wanted, &told));
        assert!(!alike(&told, &wanted));
        for other in [json!({"Name": "b"}), json!({"Value": 2}), json!({"List": [{"Key": "x"}]}), json!({"Other": 1})] {
            assert!(!alike(&other, &told), "{other}");
        }
        assert!(alike(&json!({"Gone": []}), &told));
    }
}
