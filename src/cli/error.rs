//! Every failure of a command, turned once into what the user reads and the exit code.

use std::process::ExitCode;

use super::elsewhere::Elsewhere;
use crate::diagnostic::Diagnostic;

/// What an interruption has done before the first change.
pub(super) const NOTHING_CHANGED: &str = "interrupted: nothing was changed";

/// What kind of failure ended a command; it decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The arguments are wrong, or don't fit where the command runs.
    Usage,
    /// The stack has mistakes.
    Stack,
    /// The work failed, in whole or in part.
    Failed,
    /// The user interrupted it.
    Interrupted,
}

impl Kind {
    /// The exit code: 64 is `EX_USAGE` of sysexits.h, 130 is 128 + SIGINT as shells have it.
    pub(super) fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Failed => 1,
            Self::Usage | Self::Stack => 64,
            Self::Interrupted => 130,
        })
    }
}

/// Why a command failed.
#[derive(Debug)]
pub(super) struct CommandError {
    /// What kind of failure it is.
    pub(super) kind: Kind,
    /// What happened; empty where the diagnostics, or what was printed before, say it all.
    pub(super) message: String,
    /// What the user can do about it.
    pub(super) hints: Vec<String>,
    /// Mistakes in the stack.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Where the record is that was not, or not yet, where it was looked for.
    pub(super) elsewhere: Option<Elsewhere>,
}

impl CommandError {
    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hints: Vec::new(), diagnostics: Vec::new(), elsewhere: None }
    }

    /// Wrong arguments, or arguments that don't fit here.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// Work that failed.
    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, message)
    }

    /// Work that the user interrupted.
    pub(super) fn interrupted(message: impl Into<String>) -> Self {
        Self::new(Kind::Interrupted, message)
    }

    /// Work that failed, and was told of already.
    pub(super) fn told(kind: Kind) -> Self {
        Self::new(kind, "")
    }

    /// Mistakes in the stack.
    pub(super) fn stack(diagnostics: Vec<Diagnostic>) -> Self {
        Self { diagnostics, ..Self::new(Kind::Stack, "") }
    }

    /// Adds what the user can do about it.
    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl CommandError {
    /// Adds what the user can do about it, unless it was said already.
    #[must_use]
    pub(super) fn hint_once(self, hint: String) -> Self {
        if self.hints.contains(&hint) { self } else { self.hint(hint) }
    }
}

impl From<std::io::Error> for CommandError {
    fn from(error: std::io::Error) -> Self {
        Self::failed(error.to_string())
    }
}

impl From<serde_json::Error> for CommandError {
    fn from(error: serde_json::Error) -> Self {
        Self::failed(error.to_string())
    }
}
