//! Where a stack says what a property becomes.

use serde_json::Value as Json;

use super::Graph;
use super::document::EntryKind;
use super::expression::{Template, Tree};
use crate::diagnostic::Span;

impl Graph {
    /// The path and the place of what in the property at `path` of a node makes `new` differ from `old`, as exactly as the
    /// stack's text tells it: of a list of containers, the one image.
    pub fn blame(&self, node: usize, path: &str, old: &Json, new: &Json) -> Option<(String, Span)> {
        let definition = &self.definitions[node];
        let EntryKind::Resource { properties, .. } = &definition.frame.unit.document.entries[definition.entry].kind
        else {
            return None;
        };
        let at = path.split('.').try_fold(properties, below)?;
        Some(narrowed(path.to_owned(), at, old, new))
    }
}

fn below<'t>(template: &'t Template, key: &str) -> Option<&'t Template> {
    match &template.tree {
        Tree::Map(entries) => entries.iter().find(|(name, ..)| name == key).map(|(_, _, value)| value),
        _ => None,
    }
}

/// Goes down as long as one place alone differs.
fn narrowed(path: String, template: &Template, old: &Json, new: &Json) -> (String, Span) {
    match (&template.tree, old, new) {
        (Tree::Map(entries), Json::Object(old), Json::Object(new)) => {
            let mut differ = entries.iter().filter(|(key, ..)| old.get(key) != new.get(key));
            if let (Some((key, _, value)), None) = (differ.next(), differ.next())
                && let (Some(old), Some(new)) = (old.get(key), new.get(key))
            {
                return narrowed(format!("{path}.{key}"), value, old, new);
            }
        }
        (Tree::List(items), Json::Array(old), Json::Array(new))
            if old.len() == new.len() && items.len() == new.len() =>
        {
            let mut differ = (0..items.len()).filter(|index| old[*index] != new[*index]);
            if let (Some(index), None) = (differ.next(), differ.next()) {
                return narrowed(format!("{path}[{index}]"), &items[index], &old[index], &new[index]);
            }
        }
        _ => {}
    }
    (path, template.span.clone())
}
