//! What a difference is called, why it is there, and whether it replaces.

use std::borrow::Cow;

use super::{Merge, Segment, Side, Walk, present};
use crate::plan::meaning::{equal, is_empty, same_document};
use crate::plan::shape::{Kind, Shape};
use crate::plan::show::{concealed_like, shown};
use crate::plan::{Cause, Change, Shown};
use crate::value::Value;

impl<'a> Walk<'a> {
    pub(super) fn set_to(&mut self, shape: &'a Shape, desired: &'a Value, applied: Side<'a>, live: Side<'a>) -> Merge {
        self.change(shape, Some(desired), applied, live, shown(Some(desired)));
        Merge::Set(desired.clone())
    }

    pub(super) fn change(&mut self, shape: &Shape, desired: Side<'_>, applied: Side<'_>, live: Side<'_>, new: Shown) {
        if self.probing {
            return;
        }
        let replaces = self.replaces(desired, live);
        self.push(shape, desired, applied, live, new, replaces);
    }

    pub(super) fn push(
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
        let applied_value = applied.filter(|applied| !matches!(applied, Value::Unknown));
        let told = if shape.write_only { live.or(applied_value) } else { live };
        let old = shown(told.map(|told| concealed_like(told, &alike)).as_ref());
        let cause = if self.same_as_applied(shape, desired, applied) { Cause::Drift } else { Cause::Stack };
        self.changes.push(Change { path: self.shown_path(), old, new, cause, replaces });
    }

    /// Whether the stack says what was last applied.
    pub(super) fn same_as_applied(&self, shape: &Shape, desired: Side<'_>, applied: Side<'_>) -> bool {
        let (Some(desired), Some(applied)) = (present(desired), present(applied)) else {
            let is_nothing = |value: &Value| is_empty(value) && !(value.as_map().is_some() && shape.is_structure());
            return present(desired).is_none_or(is_nothing) && present(applied).is_none_or(is_nothing);
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

    pub(super) fn ignored(&self) -> bool {
        !self.ignore.is_empty() && {
            let path = self.schema_path();
            self.ignore.contains(&path)
        }
    }

    pub(super) fn replaces(&self, desired: Side<'_>, live: Side<'_>) -> bool {
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
    pub(super) fn schema_path(&self) -> String {
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

    pub(super) fn shown_path(&self) -> String {
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
