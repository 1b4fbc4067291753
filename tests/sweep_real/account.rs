//! What a stack comes to: what stands in the account and what is on record, without what no two runs have alike.

use std::collections::BTreeMap;

use local_aws::LocalAws;
use serde_json::Value as Json;

use crate::process::Infra;

/// Ids and outputs shorter than this are no names that AWS made up.
const TELLING: usize = 6;

/// All that stands and all that is on record, a line each.
pub(crate) async fn account(local: &LocalAws, infra: &Infra) -> Vec<String> {
    let shown = infra.run(&["show"], &["--format", "json"]).await.expect(0);
    let shown: Json = serde_json::from_str(&shown.out).unwrap();
    let records = shown["resources"].as_array().unwrap();
    assert_eq!(
        (&shown["begun"], &shown["deposed"]),
        (&Json::Array(vec![]), &Json::Array(vec![])),
        "nothing is left over"
    );

    let mut names = BTreeMap::new();
    for record in records {
        let address = record["address"].as_str().unwrap();
        let outputs = record["outputs"].as_object().unwrap().iter();
        let given = record["properties"].to_string();
        let told = outputs.filter_map(|(key, value)| Some((value.as_str()?, format!("<{address}.{key}>"))));
        for (text, name) in told.chain([(record["id"].as_str().unwrap(), format!("<{address}>"))]) {
            if text.len() >= TELLING && !given.contains(&format!("\"{text}\"")) {
                names.insert(text.to_owned(), name);
            }
        }
    }
    // The longest first: one may be a part of another.
    let mut names: Vec<_> = names.into_iter().collect();
    names.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
    let named = |text: String| names.iter().fold(text, |text, (id, name)| text.replace(id, name));

    let mut lines: Vec<String> = Vec::new();
    for record in records {
        let told = &record["outputs"];
        let keys: Vec<&String> = told.as_object().unwrap().keys().collect();
        let rest = [&record["type"], &record["properties"], &record["dependencies"], &record["settled"]];
        lines.push(named(format!("on record: {} {rest:?} {keys:?}", record["address"])));
    }
    for item in local.control().inventory().await.unwrap() {
        let id = named(item.id.clone());
        // What comes along with another resource has an id that nobody knows beforehand.
        let id = if id.contains('<') || !is_made_up(&id) { id } else { "(its own)".to_owned() };
        lines.push(format!("stands: {} {id}", item.kind));
    }
    lines.sort();
    lines
}

/// Whether AWS made the id up: `rtb-0a1b2c…`.
fn is_made_up(id: &str) -> bool {
    id.rsplit(['-', '/']).next().is_some_and(|end| end.len() >= 8 && end.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Says in which lines two accounts differ.
pub(crate) fn difference(calm: &[String], swept: &[String]) -> String {
    let only = |one: &[String], other: &[String], sign: &str| -> String {
        let mut other: Vec<&String> = other.iter().collect();
        let mut lines = String::new();
        for line in one {
            match other.iter().position(|it| *it == line) {
                Some(at) => drop(other.swap_remove(at)),
                None => lines.push_str(&format!("{sign} {line}\n")),
            }
        }
        lines
    };
    only(calm, swept, "-") + &only(swept, calm, "+")
}
