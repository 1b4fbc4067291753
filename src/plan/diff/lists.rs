//! Lists: in order, as sets, and by the key of their elements.

use std::collections::BTreeMap;

use super::{Merge, Segment, Side, Walk};
use crate::plan::shape::Shape;
use crate::plan::show::shown;
use crate::value::Value;

impl<'a> Walk<'a> {
    pub(super) fn list(
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
        let applied = applied.and_then(Value::as_list);
        let mut merges = Vec::new();
        for (index, (wanted, found)) in wanted.iter().zip(found).enumerate() {
            let applied = applied.and_then(|applied| applied.get(index));
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

    pub(super) fn set(
        &mut self,
        shape: &'a Shape,
        element: &'a Shape,
        (desired, wanted): (&'a Value, &'a [Value]),
        applied: Side<'a>,
        (live, found): (&'a Value, &'a [Value]),
    ) -> Merge {
        let last = applied.and_then(Value::as_list).unwrap_or_default();
        let before: Vec<Side<'a>> = wanted.iter().map(|wanted| self.ancestor(element, wanted, last)).collect();
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
        // What stays is shown as the stack writes it, and what goes as it was applied, so that the plan shows the
        // elements that differ and no others, without the cloud's own defaults in them.
        let as_applied =
            |found: &'a Value| last.iter().find(|applied| self.probe(element, applied, Some(applied), found));
        let old: Vec<Value> = found
            .iter()
            .zip(&partner)
            .map(|(found, partner)| match partner {
                Some(left) => wanted[*left].clone(),
                None => as_applied(found).unwrap_or(found).clone(),
            })
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
    pub(super) fn keyed(
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
    pub(super) fn ancestor(&self, element: &'a Shape, wanted: &'a Value, applied: &'a [Value]) -> Side<'a> {
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
    pub(super) fn probe(&self, shape: &'a Shape, desired: &'a Value, applied: Side<'a>, live: &'a Value) -> bool {
        let mut walk = Walk { path: self.path.clone(), changes: Vec::new(), probing: true, ..*self };
        matches!(walk.value(shape, Some(desired), applied, Some(live)), Merge::Same)
    }
}

/// The elements of a list by their field `key`; `None` where not all keys are known.
fn elements_by<'v>(key: &str, list: &'v [Value]) -> Option<BTreeMap<&'v str, &'v Value>> {
    list.iter().map(|element| Some((element.get(key)?.as_str()?, element))).collect()
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
