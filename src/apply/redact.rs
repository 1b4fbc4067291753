//! Secrets that the run knows, taken out of what others wrote: a container may have logged its own password.

use std::collections::BTreeSet;

use crate::cloud::Detail;
use crate::stack::{Attributes, Graph};
use crate::value::Value;

/// What stands for a secret.
const MASK: &str = "(secret)";
/// The fewest bytes of a text that is looked for: a shorter one stands in many by chance.
const TELLING: usize = 4;

/// Takes the values of the stack's secrets out of `texts`, as far as they are known now.
pub(super) fn redact<'t>(texts: impl IntoIterator<Item = &'t mut String>, graph: &Graph, known: &dyn Attributes) {
    let mut secrets = BTreeSet::new();
    for node in 0..graph.nodes().len() {
        // What can't be evaluated yet was not sent anywhere either.
        if let Ok(properties) = graph.properties(node, known) {
            collect(&properties, false, &mut secrets);
        }
    }
    graph.origin().parameters.values().for_each(|value| collect(value, false, &mut secrets));
    // The longest first: one may be a part of another.
    let mut secrets: Vec<&String> = secrets.iter().collect();
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    for text in texts {
        for secret in &secrets {
            if text.contains(secret.as_str()) {
                *text = text.replace(secret.as_str(), MASK);
            }
        }
    }
}

/// All that a detail says.
pub(super) fn texts(detail: &mut Detail) -> impl Iterator<Item = &mut String> {
    std::iter::once(&mut detail.about).chain(&mut detail.lines)
}

/// Adds the texts of all secrets in `value`.
fn collect(value: &Value, secret: bool, texts: &mut BTreeSet<String>) {
    match value {
        Value::Secret(inner) => collect(inner, true, texts),
        Value::List(list) => list.iter().for_each(|value| collect(value, secret, texts)),
        Value::Map(map) => map.values().for_each(|value| collect(value, secret, texts)),
        Value::String(text) if secret => add(text, texts),
        _ => {}
    }
}

fn add(text: &str, texts: &mut BTreeSet<String>) {
    // A log has a line at a time, and a document in pieces.
    let lines = text.lines().map(str::trim).filter(|line| line.len() >= TELLING).map(str::to_owned);
    texts.extend(lines);
    if let Ok(document @ (serde_json::Value::Object(_) | serde_json::Value::Array(_))) = serde_json::from_str(text) {
        collect(&Value::from(document), true, texts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_looked_for_whole_by_line_and_by_what_it_holds() {
        let mut texts = BTreeSet::new();
        let secret = |text: &str| Value::Secret(Box::new(Value::from(text)));
        collect(&secret("{\"user\":\"me\",\"password\":\"hunter22\"}"), false, &mut texts);
        collect(&secret("first line\nsecond line\nend"), false, &mut texts);
        collect(&Value::from("plain text"), false, &mut texts);
        for text in ["hunter22", "first line", "second line"] {
            assert!(texts.contains(text), "{text} is not looked for");
        }
        for text in ["me", "end", "plain text"] {
            assert!(!texts.contains(text), "{text} is looked for");
        }
    }
}
