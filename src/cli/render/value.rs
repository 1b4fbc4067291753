//! Values in a plan: on one line where they fit, else as a block that reads like the stack file.

use serde_json::Value as Json;

use crate::cli::style::harmless;
use crate::plan::Shown;
use crate::value::Value;

/// A value as JSON with what is secret masked, and what is not known said.
pub(in crate::cli) fn masked(value: &Value) -> Json {
    match value {
        Value::Secret(_) | Value::Digest(_) => Json::from("(secret)"),
        Value::Unknown => Json::from("(known after apply)"),
        Value::List(list) => list.iter().map(masked).collect(),
        Value::Map(map) => Json::Object(map.iter().map(|(key, value)| (key.clone(), masked(value))).collect()),
        plain => plain.reveal(),
    }
}

/// A value on one line; `None` where it has lines of its own.
pub(super) fn inline(shown: &Shown) -> Option<String> {
    match shown {
        Shown::Absent => Some("(none)".to_owned()),
        Shown::Default => Some("(default)".to_owned()),
        Shown::Unknown => Some("(known after apply)".to_owned()),
        Shown::Secret => Some("(secret)".to_owned()),
        Shown::Value(json) => json_inline(json),
    }
}

fn json_inline(json: &Json) -> Option<String> {
    match json {
        Json::String(text) if is_document(json) || text.contains('\n') => None,
        Json::String(text) => Some(scalar(text)),
        Json::Array(list) => {
            let items: Option<Vec<_>> = list.iter().map(|item| tag(item).or_else(|| json_inline(item))).collect();
            Some(format!("[{}]", items?.join(", ")))
        }
        Json::Object(map) => {
            let entries: Option<Vec<_>> =
                map.iter().map(|(key, value)| Some(format!("{}: {}", scalar(key), json_inline(value)?))).collect();
            Some(format!("{{{}}}", entries?.join(", ")))
        }
        other => Some(other.to_string()),
    }
}

/// The lines of a value as a stack file would write them.
pub(super) fn block(shown: &Shown) -> Vec<String> {
    match shown {
        Shown::Value(json) => {
            let mut lines = Vec::new();
            json_block(json, &mut lines);
            lines
        }
        other => inline(other).into_iter().collect(),
    }
}

fn json_block(json: &Json, lines: &mut Vec<String>) {
    match json {
        Json::String(text) => match document(text) {
            Some(parsed) => json_block(&parsed, lines),
            None => lines.extend(harmless(text).lines().map(str::to_owned)),
        },
        Json::Array(list) => {
            for item in list {
                match tag(item).or_else(|| short(item)) {
                    Some(text) => lines.push(format!("- {text}")),
                    None => {
                        let mut inner = Vec::new();
                        json_block(item, &mut inner);
                        let indented = inner.into_iter().enumerate();
                        lines.extend(indented.map(|(n, line)| format!("{} {line}", if n == 0 { "-" } else { " " })));
                    }
                }
            }
        }
        Json::Object(map) => {
            for (key, value) in map {
                match short(value) {
                    Some(text) => lines.push(format!("{}: {text}", scalar(key))),
                    None => {
                        let text = matches!(value, Json::String(text) if document(text).is_none());
                        lines.push(format!("{}:{}", scalar(key), if text { " |" } else { "" }));
                        let mut inner = Vec::new();
                        json_block(value, &mut inner);
                        lines.extend(inner.into_iter().map(|line| format!("  {line}")));
                    }
                }
            }
        }
        other => lines.push(other.to_string()),
    }
}

/// What stands on one line inside a block: scalars, and lists and maps that are small.
fn short(json: &Json) -> Option<String> {
    json_inline(json).filter(|text| {
        let leaf = |inner: &Json| !matches!(inner, Json::Array(_) | Json::Object(_));
        match json {
            Json::Array(list) => text.len() <= 72 && list.iter().all(leaf),
            Json::Object(map) => text.len() <= 72 && map.len() <= 2 && map.values().all(leaf),
            _ => true,
        }
    })
}

/// Whether it is text that is a JSON document, as IAM and SQS policies are.
pub(super) fn is_document(json: &Json) -> bool {
    json.as_str().is_some_and(|text| document(text).is_some())
}

fn document(text: &str) -> Option<Json> {
    let opens = text.trim_start().starts_with(['{', '[']);
    opens.then(|| serde_json::from_str::<Json>(text).ok()).flatten().filter(|json| json.is_object() || json.is_array())
}

/// `{Key, Value}` as `key=value`.
fn tag(json: &Json) -> Option<String> {
    let map = json.as_object().filter(|map| map.len() == 2)?;
    let (key, value) = (map.get("Key")?.as_str()?, map.get("Value")?.as_str()?);
    Some(if is_clear(key) && is_clear(value) {
        format!("{key}={value}")
    } else {
        format!("{}={}", quoted(key), quoted(value))
    })
}

/// Text without quotes where it can't be taken for something else.
fn scalar(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    // JSON leaves DEL and the C1 controls as they are; a terminal does not.
    harmless(&Json::from(text).to_string())
}

/// Whether a reader of bare text would take it for text.
fn is_plain(text: &str) -> bool {
    let number = text.parse::<f64>().is_ok();
    let word = matches!(text, "" | "true" | "false" | "null");
    !number && !word && is_clear(text)
}

/// Whether nothing in it reads as punctuation of what stands around it.
fn is_clear(text: &str) -> bool {
    let ambiguous = text.contains(", ") || text.contains(": ") || text.contains(" → ") || text.contains(['"', '\\']);
    let brackets = text.starts_with(['[', '{', ' ']) || text.ends_with([']', '}', ' ', ',', ':']);
    !ambiguous && !brackets && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(json: Json) -> String {
        inline(&Shown::Value(json)).expect("one line")
    }

    #[test]
    fn text_is_quoted_only_where_it_could_mislead() {
        for (text, shown) in [
            ("10.0.0.0/16", "10.0.0.0/16"),
            ("arn:aws:sqs:us-east-1:1:q", "arn:aws:sqs:us-east-1:1:q"),
            ("true", "\"true\""),
            ("80", "\"80\""),
            ("", "\"\""),
            ("a, b", "\"a, b\""),
            ("a\u{1b}[0m", "\"a\\u001b[0m\""),
            ("a\u{9b}31m", "\"a\\u{9b}31m\""),
        ] {
            assert_eq!(line(json!(text)), shown);
        }
        assert_eq!(line(json!(80)), "80");
    }

    #[test]
    fn secrets_are_masked_at_any_depth() {
        let secret = Value::Secret(Box::new(Value::from("hunter2")));
        let digest = Value::Digest("ab12".to_owned());
        let value: Value =
            [("a".to_owned(), [secret, digest, Value::Unknown].into_iter().collect())].into_iter().collect();
        assert_eq!(masked(&value), json!({"a": ["(secret)", "(secret)", "(known after apply)"]}));
    }

    #[test]
    fn tags_read_as_pairs() {
        let tags = json!([{"Key": "app", "Value": "x"}, {"Key": "n", "Value": "1"}, {"Key": "note", "Value": "a, b"}]);
        assert_eq!(line(tags), "[app=x, n=1, \"note\"=\"a, b\"]");
    }

    #[test]
    fn documents_are_opened() {
        let policy =
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sqs:SendMessage"],"Resource":"*"}]}"#;
        assert_eq!(inline(&Shown::Value(json!(policy))), None);
        let shown = Shown::Value(json!({"PolicyDocument": policy, "Script": "a\nb\n"}));
        insta::assert_snapshot!(block(&shown).join("\n"));
    }
}
