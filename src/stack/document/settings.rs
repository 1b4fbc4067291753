//! Reading maps of settings: `deploy`, `probe`, `allow`.

use super::{Allow, Reader, Spanned};
use crate::lint::LINTS;
use crate::stack::expression::{Template, Tree};
use crate::stack::suggest;
use crate::stack::yaml::{Data, Node};

/// A map of these keys, whose values may be expressions.
pub(super) fn settings(reader: &mut Reader<'_>, node: Node, what: &str, keys: &[&str]) -> Option<Template> {
    let span = reader.span(&node.range);
    if !matches!(node.data, Data::Map(_) | Data::Null) {
        reader.map(node, what);
        return None;
    }
    let fields = reader.fields(node, what, keys).into_iter();
    let entries = fields.map(|(key, node)| (key.text, reader.span(&key.range), reader.template(node))).collect();
    Some(Template { span, tree: Tree::Map(entries) })
}

/// Lints that are allowed, each with its reason.
pub(super) fn allow(reader: &mut Reader<'_>, node: Node) -> Vec<Allow> {
    let names = || LINTS.iter().map(|lint| lint.name);
    let mut allowed = Vec::new();
    for (key, node) in reader.map(node, "`allow`") {
        let span = reader.span(&key.range);
        let reason = reader.template(node);
        if !names().any(|name| name == key.text) {
            let help = suggest::help(&key.text, names(), || Some(format!("there is {}", suggest::list(names()))));
            reader.error_help(&key.range, format!("there is no lint `{}`", key.text), help);
            continue;
        }
        allowed.push(Allow { lint: Spanned { value: key.text, span }, reason });
    }
    allowed
}
