//! What is on record, as text and JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use console::measure_text_width;
use serde_json::{Value as Json, json};

use super::value::{block, inline, masked};
use crate::address::Address;
use crate::cli::style::{BOLD, DIM, YELLOW, harmless, paint};
use crate::plan::Shown;
use crate::state::{BegunAction, LogKey, Record, State};
use crate::value::Value;

/// Address, type and id of each resource, in columns.
pub(in crate::cli) fn state_list(state: &State) -> String {
    let rows = || state.resources.iter();
    let addresses = rows().map(|(address, _)| measure_text_width(address.as_str())).max().unwrap_or(0);
    let types = rows().map(|(_, record)| record.type_name.len()).max().unwrap_or(0);
    rows().fold(String::new(), |mut out, (address, record)| {
        let pad = addresses - measure_text_width(address.as_str());
        let id = harmless(record.id.as_str());
        let _ = writeln!(out, "{address}{:pad$}  {:types$}  {id}", "", record.type_name);
        out
    })
}

/// All that is on record.
pub(in crate::cli) fn state_text(log: &LogKey, state: &State) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{} {}  {}\n",
        paint(BOLD, &log.stack),
        paint(BOLD, &log.environment),
        paint(DIM, format!("as of entry {}", state.serial))
    );
    for (address, record) in &state.resources {
        let _ = writeln!(out, "{}", resource_text(address, record));
    }
    for begun in state.begun.values() {
        let what = match begun.action {
            BegunAction::Create => "making it",
            BegunAction::Update => "changing it",
            BegunAction::Delete(_) => "deleting it",
        };
        let note = format!("{what} was begun and cut off; the next apply recovers it");
        let _ = writeln!(out, "{}  {}\n  {}\n", paint(BOLD, &begun.address), begun.type_name, paint(YELLOW, note));
    }
    for (address, deposed) in &state.deposed {
        for one in deposed {
            let note = format!("{} was replaced and is still to be deleted", harmless(one.id.as_str()));
            let _ = writeln!(out, "{}  {}\n  {}\n", paint(BOLD, address), one.type_name, paint(YELLOW, note));
        }
    }
    if !state.outputs.is_empty() {
        let _ = write!(out, "{}\n{}", paint(BOLD, "Outputs:"), indented(&outputs(&state.outputs)));
    }
    out
}

/// One resource on record.
pub(in crate::cli) fn resource_text(address: &Address, record: &Record) -> String {
    let mut out = String::new();
    let id = harmless(record.id.as_str());
    let _ = writeln!(out, "{}  {}  {id}", paint(BOLD, address), paint(DIM, &record.type_name));
    if !record.settled {
        let _ = writeln!(out, "  {}", paint(YELLOW, "not seen usable yet; the next apply waits for it"));
    }
    if record.prevent_destroy {
        let _ = writeln!(out, "  {}", paint(DIM, "the stack forbids its deletion"));
    }
    for (heading, value) in [("Properties", &record.properties), ("Outputs", &record.outputs)] {
        if value.as_map().is_some_and(|map| !map.is_empty()) {
            let _ = writeln!(out, "  {}", paint(DIM, heading));
            for line in block(&Shown::Value(masked(value))) {
                let _ = writeln!(out, "    {line}");
            }
        }
    }
    if !record.dependencies.is_empty() {
        let names: Vec<_> = record.dependencies.iter().map(Address::as_str).collect();
        let _ = writeln!(out, "  {} {}", paint(DIM, "Depends on"), names.join(", "));
    }
    out
}

/// Outputs, one a line where they fit.
pub(in crate::cli) fn outputs(outputs: &BTreeMap<String, Value>) -> String {
    outputs.iter().fold(String::new(), |mut out, (name, value)| {
        let shown = Shown::Value(masked(value));
        let _ = match inline(&shown) {
            Some(text) => writeln!(out, "{}: {text}", paint(BOLD, name)),
            None => writeln!(out, "{}:\n{}", paint(BOLD, name), indented(&block(&shown).join("\n")).trim_end()),
        };
        out
    })
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// All that is on record, for a program.
pub(in crate::cli) fn state_json(log: &LogKey, state: &State) -> Json {
    let resources: Vec<_> = state.resources.iter().map(|(address, record)| resource_json(address, record)).collect();
    let begun: Vec<_> = state
        .begun
        .iter()
        .map(|(op, begun)| {
            let action = match begun.action {
                BegunAction::Create => "create",
                BegunAction::Update => "update",
                BegunAction::Delete(_) => "delete",
            };
            json!({ "op": op, "address": begun.address, "type": begun.type_name, "action": action })
        })
        .collect();
    let deposed: Vec<_> = state
        .deposed
        .iter()
        .flat_map(|(address, all)| all.iter().map(move |one| (address, one)))
        .map(|(address, one)| json!({ "address": address, "type": one.type_name, "id": one.id }))
        .collect();
    let outputs: serde_json::Map<_, _> =
        state.outputs.iter().map(|(name, value)| (name.clone(), masked(value))).collect();
    json!({
        "version": 1,
        "stack": *log.stack,
        "environment": *log.environment,
        "serial": state.serial,
        "resources": resources,
        "begun": begun,
        "deposed": deposed,
        "outputs": outputs,
    })
}

/// One resource on record, for a program.
pub(in crate::cli) fn resource_json(address: &Address, record: &Record) -> Json {
    json!({
        "address": address,
        "type": record.type_name,
        "id": record.id,
        "properties": masked(&record.properties),
        "outputs": masked(&record.outputs),
        "dependencies": record.dependencies,
        "settled": record.settled,
        "prevent_destroy": record.prevent_destroy,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::address::{Id, OpId};
    use crate::state::{Begun, Deposed};

    fn sample() -> (LogKey, State) {
        let record = |id: &str| Record {
            type_name: "AWS::SQS::Queue".to_owned(),
            id: Id::new(id),
            op: OpId::from("01OP"),
            properties: Value::from(json!({ "QueueName": "mail", "RedrivePolicy": "{\"maxReceiveCount\":5}" })),
            outputs: Value::from(json!({ "Arn": "arn:aws:sqs:us-east-1:1:mail" })),
            dependencies: vec!["Dead".into()],
            settled: false,
            prevent_destroy: true,
        };
        let begun = Begun {
            address: "Next".into(),
            type_name: "AWS::SQS::Queue".to_owned(),
            action: BegunAction::Create,
            properties: Value::map(),
            generated: Vec::new(),
            dependencies: Vec::new(),
            prevent_destroy: false,
        };
        let deposed = Deposed {
            type_name: "AWS::SQS::Queue".to_owned(),
            id: Id::new("old"),
            op: OpId::from("00OP"),
            properties: Value::map(),
            dependencies: Vec::new(),
        };
        let mut secret = record("https://sqs/keys");
        secret.properties = [("Password".to_owned(), Value::Digest("abcdef".to_owned()))].into_iter().collect();
        secret.settled = true;
        let state = State {
            serial: 12,
            resources: BTreeMap::from([("Mail".into(), record("https://sqs/mail")), (r#"Keys["a"]"#.into(), secret)]),
            deposed: BTreeMap::from([("Mail".into(), vec![deposed])]),
            begun: BTreeMap::from([(OpId::from("02OP"), begun)]),
            outputs: BTreeMap::from([
                ("list".to_owned(), Value::from(json!(["a", "b"]))),
                ("token".to_owned(), Value::Digest("123456".to_owned())),
            ]),
            seal: None,
            warnings: Vec::new(),
        };
        (LogKey::new(Arc::from("mail"), "dev"), state)
    }

    #[test]
    fn text() {
        let (log, state) = sample();
        let shown = format!("{}---\n{}", state_text(&log, &state), state_list(&state));
        insta::assert_snapshot!(anstream::adapter::strip_str(&shown).to_string());
    }

    #[test]
    fn json() {
        let (log, state) = sample();
        insta::assert_snapshot!(format!("{:#}", state_json(&log, &state)));
    }
}
