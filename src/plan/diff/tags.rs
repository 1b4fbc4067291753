//! Tags, which are ours whether the stack mentions them or not.

use std::collections::BTreeMap;

use super::{Merge, Segment, Side, Walk, present};
use crate::catalog::Tagging;
use crate::plan::meaning::equal;
use crate::plan::shape::Shape;
use crate::plan::show::shown;
use crate::value::Value;

impl<'a> Walk<'a> {
    /// Tags are ours whether the stack mentions them or not.
    pub(super) fn tags(
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
