//! The three-sided diff: what the stack says, what was last applied, and what the cloud says now.
//!
//! A property that neither the stack nor the last apply mentions is not ours. One that was applied and is gone from the
//! stack is reset. What the cloud no longer tells as it was applied is drift.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::meaning::{equal, is_empty, same_document, same_scalars};
use super::shape::{Kind, Shape};
use super::show::{concealed_like, shown};
use super::{Cause, Change, Shown};
use crate::catalog::{Tagging, TypeInfo};
use crate::state::Seal;
use crate::value::Value;

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
        for (key, merge) in merges {
            match merge {
                Merge::Set(value) => new.insert(key, value),
                Merge::Same | Merge::Remove => new.remove(&key),
            };
        }
        Merge::Set(Value::Map(new))
    }

    fn list(
        &mut self,
        shape: &'a Shape,
        (desired, wanted): (&'a Value, &'a [Value]),
        applied: Side<'a>,
        (live, found): (&'a Value, &'a [Value]),
    ) -> Merge {
        let structured = wanted.iter().all(|value| matches!(value, Value::Map(_)));
        if wanted.len() != found.len() || !structured {
            let same = wanted.len() == found.len()
                && wanted.iter().zip(found).all(|(wanted, found)| self.probe(shape.element(), wanted, None, found));
            return if same { Merge::Same } else { self.set_to(shape, desired, applied, Some(live)) };
        }
        let applied = applied.and_then(Value::as_list).filter(|applied| applied.len() == wanted.len());
        let mut merges = Vec::new();
        for (index, (wanted, found)) in wanted.iter().zip(found).enumerate() {
            let applied = applied.map(|applied| &applied[index]);
            let merge =
                self.at(Segment::Index(index), |walk| walk.value(shape.element(), Some(wanted), applied, Some(found)));
            if let Merge::Set(value) = merge {
                merges.push((index, value));
            }
        }
        if merges.is_empty() {
            return Merge::Same;
        }
        let mut new = found.to_vec();
        for (index, value) in merges {
            new[index] = value;
        }
        Merge::Set(Value::List(new))
    }

    fn set(
        &mut self,
        shape: &'a Shape,
        element: &'a Shape,
        (desired, wanted): (&'a Value, &'a [Value]),
        applied: Side<'a>,
        (live, found): (&'a Value, &'a [Value]),
    ) -> Merge {
        let before = applied.and_then(Value::as_list).unwrap_or_default();
        let before: Vec<Side<'a>> = wanted.iter().map(|wanted| self.ancestor(element, wanted, before)).collect();
        let pairs = pair(wanted.len(), found.len(), |left, right| {
            self.probe(element, &wanted[left], before[left], &found[right])
        });
        let missing = pairs.iter().any(Option::is_none);
        if !missing && wanted.len() == found.len() {
            return Merge::Same;
        }
        let mut partner = vec![None; found.len()];
        for (left, right) in pairs.iter().enumerate() {
            if let Some(right) = right {
                partner[*right] = Some(left);
            }
        }
        // What stays is shown as the stack writes it, so that the plan shows the elements that differ and no others.
        let old: Vec<Value> = found
            .iter()
            .zip(&partner)
            .map(|(found, partner)| partner.map_or(found, |left| &wanted[left]).clone())
            .collect();
        let kept = found.iter().zip(&partner).filter(|(_, partner)| partner.is_some()).map(|(found, _)| found.clone());
        let added = wanted.iter().zip(&pairs).filter(|(_, pair)| pair.is_none()).map(|(wanted, _)| wanted.clone());
        let new = Value::List(kept.chain(added).collect());
        let old = Value::List(old);
        let replaces = self.replaces(Some(desired), Some(live));
        self.push(shape, Some(desired), applied, Some(&old), shown(Some(desired)), replaces);
        Merge::Set(new)
    }

    /// Elements by their key, those that neither the stack nor the last apply names left as they are.
    fn keyed(
        &mut self,
        shape: &'a Shape,
        (key, element): (&str, &'a Shape),
        (desired, wanted): (&'a Value, &'a [Value]),
        applied: Side<'a>,
        (live, found): (&'a Value, &'a [Value]),
    ) -> Merge {
        let before = applied.and_then(Value::as_list).unwrap_or_default();
        let (Some(wanted), Some(found)) = (elements_by(key, wanted), elements_by(key, found)) else {
            return self.set_to(shape, desired, applied, Some(live));
        };
        let before = elements_by(key, before).unwrap_or_default();
        let gone = before.keys().filter(|name| !wanted.contains_key(*name));
        let mut merges = Vec::new();
        for name in wanted.keys().chain(gone) {
            let of = |side: &BTreeMap<&'a str, &'a Value>| side.get(name).copied();
            let merge = self.at(Segment::Key(name), |walk| walk.value(element, of(&wanted), of(&before), of(&found)));
            if !matches!(merge, Merge::Same) {
                merges.push((*name, merge));
            }
        }
        if merges.is_empty() {
            return Merge::Same;
        }
        let mut new: BTreeMap<&str, Value> = found.into_iter().map(|(name, value)| (name, value.clone())).collect();
        for (name, merge) in merges {
            match merge {
                Merge::Set(value) => new.insert(name, value),
                Merge::Same | Merge::Remove => new.remove(name),
            };
        }
        Merge::Set(new.into_values().collect())
    }

    /// The applied element that `wanted` comes from: the same one, or one that had more in it.
    fn ancestor(&self, element: &'a Shape, wanted: &'a Value, applied: &'a [Value]) -> Side<'a> {
        let same = |applied: &&Value| self.same_as_applied(element, Some(wanted), Some(applied));
        applied.iter().find(same).or_else(|| {
            let within = |applied: &&Value| match (wanted.as_map(), applied.as_map()) {
                (Some(wanted), Some(_)) => wanted
                    .iter()
                    .all(|(key, value)| self.same_as_applied(element.field(key), Some(value), applied.get(key))),
                _ => false,
            };
            applied.iter().find(within)
        })
    }

    /// Whether `live` is as `desired`, as far as it is ours.
    fn probe(&self, shape: &'a Shape, desired: &'a Value, applied: Side<'a>, live: &'a Value) -> bool {
        let mut walk = Walk { path: self.path.clone(), changes: Vec::new(), probing: true, ..*self };
        matches!(walk.value(shape, Some(desired), applied, Some(live)), Merge::Same)
    }

    /// Tags are ours whether the stack mentions them or not.
    fn tags(
        &mut self,
        shape: &'a Shape,
        tagging: Tagging,
        desired: Side<'a>,
        applied: Side<'a>,
        live: Side<'a>,
    ) -> Merge {
        if self.ignored() {
            return Merge::Same;
        }
        static NONE: Value = Value::Null;
        let desired_or_none = present(desired).unwrap_or(&NONE);
        let Some(wanted) = by_key(tagging, desired_or_none) else {
            return self.set_to(shape, desired_or_none, applied, live);
        };
        let found = live.and_then(|live| by_key(tagging, live)).unwrap_or_default();
        let before = applied.and_then(|applied| by_key(tagging, applied)).unwrap_or_default();
        let mut same = true;
        for key in wanted.keys().chain(found.keys().filter(|key| !wanted.contains_key(*key))) {
            let (wanted, found, before) = (wanted.get(key), found.get(key), before.get(key));
            self.path.push(Segment::Key(key));
            let differs = match (wanted, found) {
                (Some(wanted), Some(found)) => !equal(wanted, found),
                (None, None) => false,
                _ => true,
            };
            if differs && !self.ignored() {
                same = false;
                let wanted = wanted.copied();
                self.change(shape.field(key), wanted, before.copied(), found.copied(), shown(wanted));
            }
            self.path.pop();
        }
        if same {
            return Merge::Same;
        }
        Merge::Set(match (present(desired), tagging) {
            (Some(desired), _) => desired.clone(),
            (None, Tagging::List) => Value::List(Vec::new()),
            (None, Tagging::Map) => Value::map(),
        })
    }

    fn set_to(&mut self, shape: &'a Shape, desired: &'a Value, applied: Side<'a>, live: Side<'a>) -> Merge {
        self.change(shape, Some(desired), applied, live, shown(Some(desired)));
        Merge::Set(desired.clone())
    }

    fn change(&mut self, shape: &Shape, desired: Side<'_>, applied: Side<'_>, live: Side<'_>, new: Shown) {
        if self.probing {
            return;
        }
        let replaces = self.replaces(desired, live);
        self.push(shape, desired, applied, live, new, replaces);
    }

    fn push(
        &mut self,
        shape: &Shape,
        desired: Side<'_>,
        applied: Side<'_>,
        live: Side<'_>,
        new: Shown,
        replaces: bool,
    ) {
        if self.probing {
            return;
        }
        let alike: Vec<&Value> = desired.into_iter().chain(applied).collect();
        let told = if shape.write_only { live.or(applied) } else { live };
        let old = shown(told.map(|told| concealed_like(told, &alike)).as_ref());
        let cause = if self.same_as_applied(shape, desired, applied) { Cause::Drift } else { Cause::Stack };
        self.changes.push(Change { path: self.shown_path(), old, new, cause, replaces });
    }

    /// Whether the stack says what was last applied.
    fn same_as_applied(&self, shape: &Shape, desired: Side<'_>, applied: Side<'_>) -> bool {
        let (Some(desired), Some(applied)) = (present(desired), present(applied)) else {
            return present(desired).is_none_or(is_empty) && present(applied).is_none_or(is_empty);
        };
        let sealed = match self.seal {
            Some(seal) if desired.has_secret() => seal.seal(desired).map(Cow::Owned).ok(),
            _ => Some(Cow::Borrowed(desired)),
        };
        let Some(sealed) = sealed.as_deref() else { return false };
        match (&shape.kind, sealed, applied) {
            (Kind::Json, ..) => same_document(sealed, applied),
            (Kind::Set(_) | Kind::Keyed(..), Value::List(left), Value::List(right)) => {
                left.len() == right.len() && left.iter().all(|left| right.iter().any(|right| equal(left, right)))
            }
            _ => equal(sealed, applied),
        }
    }

    fn ignored(&self) -> bool {
        !self.ignore.is_empty() && {
            let path = self.schema_path();
            self.ignore.contains(&path)
        }
    }

    fn replaces(&self, desired: Side<'_>, live: Side<'_>) -> bool {
        if self.create_only.is_empty() {
            return false;
        }
        let path = self.schema_path();
        let below = |outer: &str, inner: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'));
        self.create_only.iter().any(|fixed| {
            *fixed == path
                || below(fixed, &path)
                || below(&path, fixed) && {
                    let rest = &fixed[path.len() + 1..];
                    let (desired, live) = (project(desired, rest), project(live, rest));
                    desired.len() != live.len() || desired.iter().zip(&live).any(|(left, right)| !equal(left, right))
                }
        })
    }

    /// The path as schemas write it, without places in lists.
    fn schema_path(&self) -> String {
        let mut path = String::new();
        for segment in &self.path {
            if let Segment::Field(name) | Segment::Key(name) = segment {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(name);
            }
        }
        path
    }

    fn shown_path(&self) -> String {
        let mut path = String::new();
        for segment in &self.path {
            match segment {
                Segment::Field(name) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(name);
                }
                Segment::Index(index) => path.push_str(&format!("[{index}]")),
                Segment::Key(key) => path.push_str(&format!("[{}]", serde_json::Value::from(*key))),
            }
        }
        path
    }
}

/// Tags by their key; `None` where not even the keys are known.
fn by_key(tagging: Tagging, tags: &Value) -> Option<BTreeMap<&str, &Value>> {
    match (tagging, tags) {
        (_, Value::Null) => Some(BTreeMap::new()),
        (Tagging::Map, Value::Map(map)) => Some(map.iter().map(|(key, value)| (key.as_str(), value)).collect()),
        (Tagging::List, Value::List(list)) => {
            list.iter().map(|tag| Some((tag.get("Key")?.as_str()?, tag.get("Value")?))).collect()
        }
        _ => None,
    }
}

/// The elements of a list by their field `key`; `None` where not all keys are known.
fn elements_by<'v>(key: &str, list: &'v [Value]) -> Option<BTreeMap<&'v str, &'v Value>> {
    list.iter().map(|element| Some((element.get(key)?.as_str()?, element))).collect()
}

/// What stands at `path` below a value, in every element of the lists on the way.
fn project<'v>(value: Side<'v>, path: &str) -> Vec<&'v Value> {
    let Some(value) = present(value) else { return Vec::new() };
    match value {
        Value::List(list) => list.iter().flat_map(|element| project(Some(element), path)).collect(),
        value if path.is_empty() => vec![value],
        value => {
            let (name, rest) = path.split_once('.').unwrap_or((path, ""));
            project(value.get(name), rest)
        }
    }
}

/// Pairs as many of `left` with one of `right` each as `fits` allows, trying the same place first.
fn pair(left: usize, right: usize, fits: impl Fn(usize, usize) -> bool) -> Vec<Option<usize>> {
    let mut pairs = vec![None; left];
    let mut taken: Vec<Option<usize>> = vec![None; right];
    for index in 0..left.min(right) {
        if fits(index, index) {
            pairs[index] = Some(index);
            taken[index] = Some(index);
        }
    }
    for index in 0..left {
        if pairs[index].is_none() {
            let mut seen = vec![false; right];
            augment(index, &fits, &mut seen, &mut pairs, &mut taken);
        }
    }
    pairs
}

/// Finds a partner for `left`, moving others to another of theirs where it must (Kuhn's algorithm).
fn augment(
    left: usize,
    fits: &impl Fn(usize, usize) -> bool,
    seen: &mut [bool],
    pairs: &mut [Option<usize>],
    taken: &mut [Option<usize>],
) -> bool {
    for right in 0..taken.len() {
        if seen[right] || !fits(left, right) {
            continue;
        }
        seen[right] = true;
        let free = match taken[right] {
            Some(other) => augment(other, fits, seen, pairs, taken),
            None => true,
        };
        if free {
            pairs[left] = Some(right);
            taken[right] = Some(left);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests;
