//! What the stack wants of a resource, now that what it depends on is known.

use std::sync::Arc;

use super::perform::Wanted;
use crate::cloud::{CloudError, ErrorKind};
use crate::diagnostic::{Diagnostic, Place, Span};
use crate::plan::known::Known;
use crate::plan::shape::Shapes;
use crate::stack::Graph;
use crate::value::Value;

/// A node's properties with what is known now.
pub(super) fn evaluate(graph: &Graph, shapes: &Shapes, known: &Known<'_>, index: usize) -> Result<Wanted, Unready> {
    let node = &graph.nodes()[index];
    let shape = shapes.of(&node.kind);
    let properties = graph.properties(index, known).map_err(|error| Unready::Invalid(Box::new(error)))?;
    if let Some(path) = unknown(&properties) {
        return Err(Unready::Unknown(path));
    }
    let dependencies = node.dependencies.iter().map(|dependency| graph.nodes()[*dependency].address.clone());
    Ok(Wanted {
        address: node.address.clone(),
        logical_name: node.logical_name.clone(),
        kind: Arc::clone(&node.kind),
        properties: shape.conceal_properties(node.kind.normalized(properties)),
        shape,
        dependencies: dependencies.collect(),
        prevent_destroy: node.lifecycle.prevent_destroy,
        ignore: node.lifecycle.ignore.clone(),
        patience: node.patience,
    })
}

/// Why an operation can't start though its turn has come.
pub(super) enum Unready {
    /// An expression in the stack fails.
    Invalid(Box<Diagnostic>),
    /// The property at this path is still not known.
    Unknown(String),
}

impl Unready {
    pub(super) fn place(&self) -> Option<Place> {
        match self {
            Self::Invalid(diagnostic) => diagnostic.span.as_ref().map(Span::place),
            Self::Unknown(_) => None,
        }
    }

    pub(super) fn into_error(self) -> CloudError {
        let message = match self {
            Self::Invalid(diagnostic) => diagnostic.message,
            Self::Unknown(path) => {
                format!("`{}` is still not known, though all that it depends on is done", path.trim_start_matches('.'))
            }
        };
        CloudError::new(ErrorKind::Invalid, "evaluate", message)
    }
}

/// The path of the first unknown in a value.
fn unknown(value: &Value) -> Option<String> {
    let below = |step: &dyn Fn() -> String, value: &Value| unknown(value).map(|path| format!("{}{path}", step()));
    match value {
        Value::Unknown => Some(String::new()),
        Value::Secret(inner) => unknown(inner),
        Value::List(list) => list.iter().enumerate().find_map(|(index, value)| below(&|| format!("[{index}]"), value)),
        Value::Map(map) => map.iter().find_map(|(key, value)| below(&|| format!(".{key}"), value)),
        _ => None,
    }
}
