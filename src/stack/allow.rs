//! `allow`: lints that a stack accepts, each with the reason.

use super::document::Spanned;
use super::expression::{Template, article};
use crate::diagnostic::Diagnostic;
use crate::value::Value;

/// The reason that `value` gives for allowing a lint; none where it comes to nothing, and the lint is not allowed.
pub(super) fn reason(lint: &Spanned<String>, written: &Template, value: Value) -> Result<Option<String>, Diagnostic> {
    let message = match value {
        Value::Null => return Ok(None),
        Value::String(text) if !text.trim().is_empty() => return Ok(Some(text)),
        Value::String(_) => format!("`{}` is allowed without a reason", lint.value),
        other => format!("a reason is a string, not {}", article(other.kind())),
    };
    let error = Diagnostic::error(&written.span, message);
    Err(error.help(format!("say why, as in `{}: one task is enough in dev`", lint.value)))
}
