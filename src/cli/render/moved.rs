//! Why a saved plan is not applied: what moved on since.

use std::fmt::Write as _;
use std::path::Path;

use super::value::inline;
use crate::plan::{Action, Shown};
use crate::saved::{Edit, Moved, SavedPlan};
use crate::state::Run;

/// So many lines are told.
const LINES: usize = 20;
/// Characters of a value that are told.
const VALUE: usize = 80;

/// What moved on since a plan was saved in `file`, and where: `state` is where the record is, `by` who changed it.
pub(in crate::cli) fn moved(file: &Path, saved: &SavedPlan, state: &str, found: &[Moved], by: &[Run]) -> String {
    let mut what: Vec<&str> = Vec::new();
    let mut lines = Vec::new();
    // What only follows from something else, such as the order of steps, comes last.
    let (follows, causes): (Vec<_>, Vec<_>) = found.iter().partition(|moved| matches!(moved, Moved::Detail(_)));
    for moved in causes.into_iter().chain(follows) {
        let (label, text) = line(moved, state, by);
        if !what.contains(&label) {
            what.push(label);
        }
        lines.push(format!("  {text}"));
    }
    let mut out = format!(
        "{} is not applied, and nothing was changed: {} moved on since it was made ({:.0})",
        file.display(),
        listed(&what),
        saved.made
    );
    let more = lines.len().saturating_sub(LINES);
    for line in lines.into_iter().take(LINES) {
        let _ = write!(out, "\n{line}");
    }
    if more > 0 {
        let _ = write!(out, "\n  … and {more} more");
    }
    let current = env!("CARGO_PKG_VERSION");
    if saved.infra != current && found.iter().any(Moved::is_in_plan) {
        let _ = write!(out, "\n  (it was made by infra {}, this is {current})", saved.infra);
    }
    out
}

fn line(moved: &Moved, state: &str, by: &[Run]) -> (&'static str, String) {
    match moved {
        Moved::File(path, edit) => {
            let edit = match edit {
                Edit::Edited => "was edited",
                Edit::Added => "was added",
                Edit::Gone => "is gone",
            };
            ("the stack", format!("stack: {path} {edit}"))
        }
        Moved::Secret(name) => ("a value", format!("value: the secret parameter `{name}` is another")),
        Moved::Variable(name) => ("a value", format!("value: the environment variable `{name}` is another")),
        Moved::Lookup(name) => ("what the stack looks up", format!("lookup: {name} changed")),
        Moved::Account { planned, now } => {
            ("the account", format!("account: {planned} was planned for, this is {now}"))
        }
        Moved::Region { planned, now } => ("the region", format!("region: {planned} was planned for, this is {now}")),
        Moved::OtherRecord => {
            ("the record", format!("record: the one in {state} is not the one that it was made from"))
        }
        Moved::Record { planned, now } => {
            let by: Vec<_> = by.iter().map(ToString::to_string).collect();
            let by = if by.is_empty() { String::new() } else { format!(", by {}", by.join(", then ")) };
            ("the record", format!("record: entry {planned} → {now}{by}"))
        }
        Moved::Action { address, deleted_outside: true, .. } => {
            ("AWS", format!("AWS: {address} was deleted outside infra"))
        }
        Moved::Action { address, planned, now, .. } => {
            ("AWS", format!("AWS: {address}: {} was planned, now it is {}", action(*planned), action(*now)))
        }
        Moved::Property { address, path, planned, now } => {
            let text = match (planned, now) {
                (Some(planned), Some(now)) => format!("{} was planned, now it is {}", change(planned), change(now)),
                (Some(planned), None) => format!("{} was planned, now it needs no change", change(planned)),
                (None, Some(now)) => format!("no change was planned, now it is {}", change(now)),
                (None, None) => "changed".to_owned(),
            };
            ("AWS", format!("AWS: {address}: {path}: {text}"))
        }
        Moved::Detail(address) => ("AWS", format!("AWS: {address} is not what it was")),
        Moved::Output(name) => ("AWS", format!("AWS: the output `{name}` becomes another")),
        Moved::Order => ("AWS", "AWS: the steps have another order".to_owned()),
    }
}

fn action(action: Option<Action>) -> &'static str {
    match action {
        None | Some(Action::Keep) => "no change",
        Some(Action::Create) => "create",
        Some(Action::Update) => "update",
        Some(Action::Replace | Action::ReplaceDeleteFirst) => "replace",
        Some(Action::Delete) => "delete",
        Some(Action::Forget) => "forget",
        Some(Action::Recover) => "recover",
    }
}

fn change((old, new): &(Shown, Shown)) -> String {
    format!("{} → {}", short(old), short(new))
}

fn short(shown: &Shown) -> String {
    match inline(shown) {
        Some(text) if text.chars().count() <= VALUE => text,
        _ => "(a long value)".to_owned(),
    }
}

/// `a`, `a and b`, `a, b and c`.
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
