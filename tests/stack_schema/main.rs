//! The JSON Schema that editors check stacks with takes every good stack and refuses every bad one that it can.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

mod bad;
mod good;
mod unseen;
mod yaml;

use std::collections::BTreeSet;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use serde_json::Value as Json;

/// What an editor does with the schema.
fn validator(schema: &Json) -> Validator {
    jsonschema::draft7::new(schema).unwrap()
}

/// The lines of `file` that an editor marks, each with what it says.
fn marked(validator: &Validator, file: &yaml::Read) -> BTreeSet<(usize, String)> {
    let mut marked = BTreeSet::new();
    for error in validator.iter_errors(&file.json) {
        mark(&error, file, &mut marked);
    }
    marked
}

fn mark(error: &ValidationError<'_>, file: &yaml::Read, marked: &mut BTreeSet<(usize, String)>) {
    let path = error.instance_path().to_string();
    let mut at = |pointer: &str| {
        let lines = file.lines.get(pointer).cloned().unwrap_or_else(|| BTreeSet::from([1]));
        marked.extend(lines.into_iter().map(|line| (line, error.to_string())));
    };
    match error.kind() {
        // A value, or an expression in its place.
        ValidationErrorKind::AnyOf { context } => {
            at(&path);
            context.iter().flatten().for_each(|inner| mark(inner, file, marked));
        }
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            unexpected.iter().for_each(|name| at(&format!("{path}/{name}")));
        }
        ValidationErrorKind::PropertyNames { error: inner } => {
            at(&format!("{path}/{}", inner.instance().as_str().unwrap_or_default()));
        }
        // infra says at the resource itself what its properties lack.
        ValidationErrorKind::Required { .. } => {
            at(&path);
            at(path.strip_suffix("/properties").unwrap_or(&path));
        }
        _ => at(&path),
    }
}
