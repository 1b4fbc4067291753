//! What is on record and no longer in the stack: deleted in reverse order of what refers to what, or forgotten.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::decide::undone;
use super::ledger::Ledger;
use super::{Action, Step};
use crate::address::{Address, Id};
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::stack::Graph;
use crate::value::Value;

/// The steps for the addresses `gone`, those that use others first.
pub(super) fn steps(
    gone: &BTreeSet<&Address>,
    ledger: &Ledger<'_>,
    dependents: &HashMap<&Address, BTreeSet<&Address>>,
    reason: Option<&str>,
    at_work: bool,
    changing: impl Fn(&Address) -> bool,
) -> Vec<Step> {
    let using = |address: &Address| dependents.get(address).into_iter().flatten().copied();
    let order = users_first(gone, using);
    let step = |address: &Address| {
        let after = using(address).filter(|user| gone.contains(user) || changing(user)).cloned().collect();
        step(address, ledger, reason, undone(at_work), after)
    };
    order.into_iter().map(step).collect()
}

fn step(address: &Address, ledger: &Ledger<'_>, reason: Option<&str>, undone: &str, after: Vec<Address>) -> Step {
    let deposed = ledger.deposed(address);
    let begun = ledger.begun.get(address).and_then(|begun| begun.first());
    let (action, type_name, id, reason): (_, &str, Option<Id>, Option<String>) =
        match (ledger.records.get(address), deposed.first(), begun) {
            (Some(managed), ..) => {
                let record = managed.record;
                (Action::Delete, &record.type_name, Some(record.id.clone()), reason.map(str::to_owned))
            }
            (None, Some(old), _) => {
                let reason = format!("{undone} delete it after it was replaced");
                (Action::Delete, &old.type_name, Some(old.id.clone()), Some(reason))
            }
            (None, None, begun) => {
                let type_name = begun.map_or("", |(_, begun)| begun.type_name.as_str());
                let reason = format!("{undone} finish making it, and it is no longer wanted");
                (Action::Recover, type_name, None, Some(reason))
            }
        };
    Step {
        address: address.clone(),
        type_name: type_name.to_owned(),
        action,
        id,
        changes: Vec::new(),
        defaults: Vec::new(),
        reason,
        deleted_outside: false,
        moved_from: None,
        after,
        place: None,
    }
}

/// Orders `gone` so that what uses another stands before it. What the log says can't go round in a circle unless it was
/// written by several stacks' worth of changes; then the circle is opened where it is met first.
fn users_first<'a, I: Iterator<Item = &'a Address>>(
    gone: &BTreeSet<&'a Address>,
    using: impl Fn(&Address) -> I,
) -> Vec<&'a Address> {
    let mut order = Vec::with_capacity(gone.len());
    let mut met = BTreeSet::new();
    for start in gone {
        let mut stack = vec![(*start, false)];
        while let Some((address, expanded)) = stack.pop() {
            if expanded {
                order.push(address);
            } else if met.insert(address) {
                stack.push((address, true));
                let users: Vec<&Address> = using(address).filter(|user| gone.contains(user)).collect();
                stack.extend(users.into_iter().rev().map(|user| (user, false)));
            }
        }
    }
    order
}

/// What the stack says may not be deleted, and would be.
pub(super) fn protected(gone: &BTreeSet<&Address>, graph: &Graph, ledger: &Ledger<'_>) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    for address in gone {
        let Some(managed) = ledger.records.get(*address) else { continue };
        match graph.index(address).map(|node| &graph.nodes()[node]) {
            Some(node) if node.lifecycle.prevent_destroy => errors.push(refusal(address, "deleted", Some(&node.span))),
            None if managed.record.prevent_destroy => errors.push(refusal(address, "deleted", None)),
            _ => {}
        }
    }
    errors
}

/// That `prevent_destroy` stands against what would happen.
pub(super) fn refusal(address: &Address, verb: &str, span: Option<&Span>) -> Diagnostic {
    let message = format!("`{address}` would be {verb}, which its `prevent_destroy` forbids");
    let (help, label) = match span {
        Some(_) => ("set `prevent_destroy: false` in its `lifecycle` to allow it", Some("protected here")),
        None => ("put it back into the stack, or list it under `forget` to leave it as it is", None),
    };
    Diagnostic {
        severity: Severity::Error,
        message,
        span: span.cloned(),
        label: label.map(str::to_owned),
        related: Vec::new(),
        notes: Vec::new(),
        help: Some(help.to_owned()),
        file: None,
    }
}

/// Values that only one resource of a type may have, of what is deleted: (type, which set, its values) → address.
pub(super) struct Uniques<'a>(BTreeMap<(&'a str, usize, String), &'a Address>);

impl<'a> Uniques<'a> {
    /// Those of the addresses `gone`.
    pub(super) fn new(graph: &'a Graph, gone: &BTreeSet<&'a Address>, ledger: &'a Ledger<'_>) -> Self {
        let kinds: HashMap<&str, _> = graph.nodes().iter().map(|node| (node.kind.name, &node.kind)).collect();
        let mut uniques = BTreeMap::new();
        for address in gone {
            let recorded = ledger.records.get(*address).map(|managed| managed.record);
            let recorded = recorded.map(|record| (record.type_name.as_str(), &record.properties));
            let deposed = ledger.deposed(address).iter().map(|old| (old.type_name.as_str(), &old.properties));
            let begun = ledger.begun.get(*address).into_iter().flatten();
            let begun = begun.map(|(_, begun)| (begun.type_name.as_str(), &begun.properties));
            for (type_name, properties) in recorded.into_iter().chain(deposed).chain(begun) {
                let Some(kind) = kinds.get(type_name) else { continue };
                for (index, set) in kind.unique.iter().enumerate() {
                    if let Some(values) = values(set, properties) {
                        uniques.insert((kind.name, index, values), *address);
                    }
                }
            }
        }
        Self(uniques)
    }

    /// What must be deleted before a resource with these properties can be made.
    pub(super) fn in_the_way(&self, kind: &'a crate::catalog::TypeInfo, desired: &Value) -> BTreeSet<&'a Address> {
        if self.0.is_empty() {
            return BTreeSet::new();
        }
        let sets = kind.unique.iter().enumerate();
        sets.filter_map(|(index, set)| self.0.get(&(kind.name, index, values(set, desired)?)).copied()).collect()
    }
}

/// The values of all of a set's properties as text; `None` where one is not given or not known.
fn values(set: &[&str], properties: &Value) -> Option<String> {
    let mut text = String::new();
    for property in set {
        let value = properties.at(property).filter(|value| !matches!(value, Value::Null))?;
        if !value.is_known() || value.has_secret() {
            return None;
        }
        text.push_str(&value.reveal().to_string());
        text.push('\n');
    }
    Some(text)
}
