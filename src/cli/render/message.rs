//! Errors and diagnostics as text.

use std::fmt::Write as _;

use crate::cli::error::CommandError;
use crate::cli::style::{BOLD, CYAN, RED, harmless, paint};
use crate::diagnostic::{self, Diagnostic};

/// Why a command failed, and what to do about it.
pub(in crate::cli) fn error(error: &CommandError) -> String {
    let mut out = diagnostics(&error.diagnostics);
    if !error.message.is_empty() {
        let _ = writeln!(out, "{}{} {}", paint(RED.bold(), "error"), paint(BOLD, ":"), harmless(&error.message));
    }
    for hint in &error.hints {
        let _ = writeln!(out, "{} {}", paint(CYAN, "help:"), harmless(hint));
    }
    out
}

/// Diagnostics, each with its source line, styled.
pub(in crate::cli) fn diagnostics(diagnostics: &[Diagnostic]) -> String {
    if diagnostics.is_empty() { String::new() } else { diagnostic::render(diagnostics, true) }
}
