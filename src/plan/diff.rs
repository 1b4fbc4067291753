//! The three-sided diff: what the stack says, what was last applied, and what the cloud says now.
//!
//! A property that neither the stack nor the last apply mentions is not ours. One that was applied and is gone from the
//! stack is reset. What the cloud no longer tells as it was applied is drift.

use std::collections::BTreeMap;

use super::meaning::{equal, is_empty, same_document, same_scalars};
use super::shape::{Kind, Shape};
use super::{Change, Shown};
use crate::catalog::{Tagging, TypeInfo};
use crate::state::Seal;
use crate::value::Value;

mod change;
mod lists;
mod tags;

/// The property that holds tags, of every type that takes them.
pub(crate) const TAGS: &str = "Tags";

/// The three sides, and the rules by which they are compared.
#[derive(Clone, Copy)]
pub(crate) struct Sides<'a> {
    /// The type.
    pub(crate) kind: &'a TypeInfo,
    /// The shape of its properties.
    pub(crate) shape: &'a Shape,
    /// What the stack says.
    pub(crate) desired: &'a Value,
    /// What was last applied, sealed.
    pub(crate) applied: &'a Value,
    /// What the cloud says.
    pub(crate) live: &'a Value,
    /// Paths whose changes are ignored.
    pub(crate) ignore: &'a [String],
    /// What seals secrets, to compare them with those that were applied; absent where nothing was applied yet.
    pub(crate) seal: Option<&'a Seal>,
}

/// What differs.
#[derive(Debug, Default)]
pub(crate) struct Diff {
    /// Properties that change, sorted by path.
    pub(crate) changes: Vec<Change>,
    /// The live properties with what changes laid over them; absent where nothing does.
    pub(crate) new: Option<Value>,
}

/// Compares the three sides.
pub(crate) fn diff(sides: Sides<'_>) -> Diff {
    let mut walk = Walk {
        seal: sides.seal,
        create_only: sides.kind.create_only,
        ignore: sides.ignore,
        path: Vec::new(),
        changes: Vec::new(),
        probing: false,
    };
    let merge = walk.map(sides.shape, sides.desired, Some(sides.applied), Some(sides.live), sides.kind.tags);
    walk.changes.sort_by(|left, right| left.path.cmp(&right.path));
    let new = match merge {
        Merge::Set(new) => Some(new),
        Merge::Same | Merge::Remove => None,
    };
    Diff { changes: walk.changes, new }
}

/// What becomes of a live value.
enum Merge {
    /// It stays.
    Same,
    /// It becomes this.
    Set(Value),
    /// It is left to the cloud's default.
    Remove,
}

#[derive(Clone, Copy)]
enum Segment<'a> {
    Field(&'a str),
    Index(usize),
    Key(&'a str),
}

struct Walk<'a> {
    seal: Option<&'a Seal>,
    create_only: &'static [&'static str],
    ignore: &'a [String],
    path: Vec<Segment<'a>>,
    changes: Vec<Change>,
    /// Whether it is only asked if there is a difference.
    probing: bool,
}

static NO_ELEMENTS: Value = Value::List(Vec::new());

type Side<'a> = Option<&'a Value>;

fn present(side: Side<'_>) -> Side<'_> {
    side.filter(|value| !matches!(value, Value::Null))
}

impl<'a> Walk<'a> {
    fn at<T>(&mut self, segment: Segment<'a>, walk: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(segment);
        let result = walk(self);
        self.path.pop();
        result
    }

    fn value(&mut self, shape: &'a Shape, desired: Side<'a>, applied: Side<'a>, live: Side<'a>) -> Merge {
        if self.ignored() {
            return Merge::Same;
        }
        let (applied, live) = (present(applied), present(live));
        let Some(desired) = present(desired) else {
            return match (applied, &shape.kind, live) {
                (Some(_), Kind::Keyed(key, element), Some(live @ Value::List(found))) => {
                    self.keyed(shape, (key, element), (&NO_ELEMENTS, &[]), applied, (live, found))
                }
                (Some(applied), ..) => self.reset(shape, applied, live),
                (None, ..) => Merge::Same,
            };
        };
        if matches!(desired, Value::Unknown) {
            return self.set_to(shape, desired, applied, live);
        }
        let Some(live) = live else { return self.untold(shape, desired, applied) };
        let same = match (&shape.kind, desired, live) {
            (Kind::Json, ..) => same_document(desired, live),
            (Kind::Set(element), Value::List(wanted), Value::List(found)) => match same_scalars(wanted, found) {
                Some(same) => same,
                None => return self.set(shape, element, (desired, wanted), applied, (live, found)),
            },
            (Kind::Keyed(key, element), Value::List(wanted), Value::List(found)) => {
                return self.keyed(shape, (key, element), (desired, wanted), applied, (live, found));
            }
            (_, Value::List(wanted), Value::List(found)) => {
                return self.list(shape, (desired, wanted), applied, (live, found));
            }
            (_, Value::Map(_), Value::Map(_)) => return self.map(shape, desired, applied, Some(live), None),
            _ => equal(desired, live),
        };
        if same { Merge::Same } else { self.set_to(shape, desired, applied, Some(live)) }
    }

    /// The stack gives what the cloud does not tell.
    fn untold(&mut self, shape: &'a Shape, desired: &'a Value, applied: Side<'a>) -> Merge {
        let same = match (&shape.kind, desired) {
            _ if shape.write_only => self.same_as_applied(shape, Some(desired), applied),
            (Kind::Json, _) => false,
            // The cloud may tell it as none: only where it was applied before is that no change.
            (_, Value::Map(wanted)) if wanted.is_empty() && shape.is_structure() => {
                applied.is_some_and(|applied| !matches!(applied, Value::Unknown))
            }
            (_, Value::Map(_)) => return self.map(shape, desired, applied, None, None),
            _ => is_empty(desired),
        };
        if same { Merge::Same } else { self.set_to(shape, desired, applied, None) }
    }

    /// What was applied is gone from the stack.
    fn reset(&mut self, shape: &'a Shape, applied: &'a Value, live: Side<'a>) -> Merge {
        let already = match live {
            _ if shape.write_only => false,
            None => true,
            Some(live) => is_empty(live) || shape.default.as_ref().is_some_and(|default| equal(default, live)),
        };
        if already {
            return Merge::Same;
        }
        self.change(shape, None, Some(applied), live, Shown::Default);
        Merge::Remove
    }

    fn map(
        &mut self,
        shape: &'a Shape,
        desired: &'a Value,
        applied: Side<'a>,
        live: Side<'a>,
        tags: Option<Tagging>,
    ) -> Merge {
        let none = BTreeMap::new;
        let mut merges = Vec::new();
        let wanted = desired.as_map();
        let gone = applied.and_then(Value::as_map).into_iter().flatten();
        let gone = gone.map(|(key, _)| key).filter(|key| wanted.is_none_or(|wanted| !wanted.contains_key(*key)));
        for key in wanted.into_iter().flatten().map(|(key, _)| key).chain(gone) {
            if tags.is_some() && key == TAGS {
                continue;
            }
            let field = |side: &'a Value| side.get(key);
            let (applied, live) = (applied.and_then(field), live.and_then(field));
            let merge =
                self.at(Segment::Field(key), |walk| walk.value(shape.field(key), desired.get(key), applied, live));
            if !matches!(merge, Merge::Same) {
                merges.push((key.clone(), merge));
            }
        }
        if let Some(tagging) = tags {
            let field = |side: &'a Value| side.get(TAGS);
            let (applied, live) = (applied.and_then(field), live.and_then(field));
            let merge = self.at(Segment::Field(TAGS), |walk| {
                walk.tags(shape.field(TAGS), tagging, desired.get(TAGS), applied, live)
            });
            if !matches!(merge, Merge::Same) {
                merges.push((TAGS.to_owned(), merge));
            }
        }
        if merges.is_empty() {
            return Merge::Same;
        }
        let mut new = live.and_then(Value::as_map).cloned().unwrap_or_else(none);
        let given = |name: &String| wanted.is_some_and(|wanted| wanted.contains_key(name));
        if shape.one_of.iter().any(given) {
            new.retain(|name, _| given(name) || !shape.one_of.contains(name));
        }
        for (key, merge) in merges {
            match merge {
                Merge::Set(value) => new.insert(key, value),
                Merge::Same | Merge::Remove => new.remove(&key),
            };
        }
        Merge::Set(Value::Map(new))
    }
}

#[cfg(test)]
mod tests;
