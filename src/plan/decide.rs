//! What happens to one resource, and why.

use super::diff::{Sides, TAGS, diff};
use super::meaning::equal;
use super::show::shown;
use super::{Action, Cause, Change, Shown};
use crate::address::{Address, Id, OpId};
use crate::cloud::Live;
use crate::stack::Node;
use crate::state::{Begun, BegunAction, Deposed, Record, Seal};
use crate::value::Value;

/// Everything that is known of one resource of the stack.
pub(super) struct Case<'a> {
    pub(super) node: &'a Node,
    pub(super) shape: &'a super::shape::Shape,
    pub(super) desired: &'a Value,
    pub(super) record: Option<&'a Record>,
    pub(super) live: Option<&'a Live>,
    pub(super) deposed: &'a [&'a Deposed],
    pub(super) begun: &'a [(&'a OpId, &'a Begun)],
    pub(super) seal: Option<&'a Seal>,
    /// Dependencies that are made anew.
    pub(super) renewed: Vec<&'a Address>,
    /// Those that `replace_on` names and that change.
    pub(super) replaced_on: Vec<&'a Address>,
    /// Whether something that it depends on is deleted before its successor is made.
    pub(super) loses_dependency: bool,
    /// Whether another run is at work on the stack.
    pub(super) at_work: bool,
}

/// Whose work it is that is not done: what follows says what.
pub(super) fn undone(at_work: bool) -> &'static str {
    if at_work { "a run under way has yet to" } else { "an earlier run did not" }
}

/// What happens.
#[derive(Debug)]
pub(super) struct Decision {
    pub(super) action: Action,
    pub(super) id: Option<Id>,
    pub(super) changes: Vec<Change>,
    pub(super) reason: Option<String>,
    pub(super) deleted_outside: bool,
}

impl Case<'_> {
    pub(super) fn decide(&self) -> Decision {
        let Some(record) = self.record else {
            let cut_off = self.begun.iter().any(|(_, begun)| begun.action == BegunAction::Create);
            return Decision {
                action: if cut_off { Action::Recover } else { Action::Create },
                id: None,
                changes: self.creation(Cause::Stack),
                reason: cut_off.then(|| format!("{} finish making it", undone(self.at_work))),
                deleted_outside: false,
            };
        };
        let id = Some(record.id.clone());
        if record.type_name != self.node.kind.name {
            return Decision {
                action: Action::Replace,
                id,
                changes: self.creation(Cause::Stack),
                reason: Some(format!("its type changes from {} to {}", record.type_name, self.node.kind.name)),
                deleted_outside: false,
            };
        }
        let Some(live) = self.live else {
            return Decision {
                action: Action::Create,
                id: None,
                changes: self.creation(Cause::Drift),
                reason: Some("was deleted outside infra".to_owned()),
                deleted_outside: true,
            };
        };
        let mut changes = diff(Sides {
            kind: &self.node.kind,
            shape: self.shape,
            desired: self.desired,
            applied: &record.properties,
            live: &live.properties,
            ignore: &self.node.lifecycle.ignore,
            seal: self.seal,
        })
        .changes;
        for change in changes.iter_mut().filter(|change| self.is_begun(record, change)) {
            change.cause = Cause::Stack;
        }
        if let Some(reason) = self.replacement(&changes) {
            let first = self.loses_dependency || self.clashes(&live.properties);
            let action = if first { Action::ReplaceDeleteFirst } else { Action::Replace };
            return Decision { action, id, changes, reason: Some(reason), deleted_outside: false };
        }
        let left_over = self.left_over(record);
        let action = match (&left_over, changes.is_empty()) {
            (Some(_), _) => Action::Recover,
            (None, false) => Action::Update,
            (None, true) => Action::Keep,
        };
        Decision { action, id, changes, reason: left_over, deleted_outside: false }
    }

    /// Whether a change that was begun and never ended may have made the difference that this one mends.
    fn is_begun(&self, record: &Record, change: &Change) -> bool {
        let name = change.path.split(['.', '[']).next().unwrap_or_default();
        let gives = |begun: &Begun| {
            begun.action == BegunAction::Update && begun.properties.get(name) != record.properties.get(name)
        };
        self.begun.iter().any(|(_, begun)| gives(begun))
    }

    /// Everything the stack gives, as the changes of a creation.
    fn creation(&self, cause: Cause) -> Vec<Change> {
        let properties = self.desired.as_map().into_iter().flatten();
        let given = properties.filter(|(name, value)| match value {
            Value::Null => false,
            Value::List(list) => name.as_str() != TAGS || !list.is_empty(),
            Value::Map(map) => name.as_str() != TAGS || !map.is_empty(),
            _ => true,
        });
        given
            .map(|(name, value)| Change {
                path: name.clone(),
                old: Shown::Absent,
                new: shown(Some(value)),
                cause,
                replaces: false,
            })
            .collect()
    }

    /// Why it is replaced, if it is.
    fn replacement(&self, changes: &[Change]) -> Option<String> {
        if !self.replaced_on.is_empty() {
            return Some(format!(
                "{} {}, and `replace_on` names it",
                listed(&self.replaced_on),
                change(self.replaced_on.len())
            ));
        }
        let fixed: Vec<&Change> = changes.iter().filter(|change| change.replaces).collect();
        if fixed.is_empty() {
            return None;
        }
        let follows = fixed.iter().all(|change| change.new == Shown::Unknown) && !self.renewed.is_empty();
        if follows {
            let verb = if self.renewed.len() == 1 { "is" } else { "are" };
            return Some(format!("{} {verb} replaced", listed(&self.renewed)));
        }
        let paths: Vec<&str> = fixed.iter().map(|change| change.path.as_str()).collect();
        Some(format!("{} can't change in place", listed(&paths)))
    }

    /// Whether old and new can't stand side by side.
    fn clashes(&self, live: &Value) -> bool {
        self.node.kind.unique.iter().any(|set| {
            set.iter().all(|property| match (self.desired.at(property), live.at(property)) {
                (Some(desired), Some(live)) => !matches!(desired, Value::Null) && equal(desired, live),
                _ => false,
            })
        })
    }

    /// What an earlier run left undone.
    fn left_over(&self, record: &Record) -> Option<String> {
        let undone = undone(self.at_work);
        if let Some((_, begun)) = self.begun.first() {
            let doing = match begun.action {
                BegunAction::Create => "replacing",
                BegunAction::Update => "changing",
                BegunAction::Delete(_) => "deleting",
            };
            return Some(format!("{undone} finish {doing} it"));
        }
        if !record.settled {
            return Some(format!("{undone} see it ready"));
        }
        let old = self.deposed.first()?;
        Some(format!("{undone} delete its predecessor {}", old.id))
    }
}

fn change(count: usize) -> &'static str {
    if count == 1 { "changes" } else { "change" }
}

/// `A`, `A and B`, `A, B and C`.
fn listed<T: std::fmt::Display>(names: &[T]) -> String {
    match names {
        [] => String::new(),
        [one] => one.to_string(),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(ToString::to_string).collect();
            format!("{} and {last}", first.join(", "))
        }
    }
}
