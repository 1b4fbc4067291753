//! Messages about a stack, each with its place in a file.

use std::borrow::Cow;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

mod render;

pub use render::render;

/// A file of a stack: its path as the user would write it, and its text.
#[derive(Debug)]
pub struct Source {
    /// The path, relative to the working directory where it can be.
    pub path: PathBuf,
    /// The whole text.
    pub text: String,
    line_starts: Vec<usize>,
    concealed: Mutex<Vec<Range<usize>>>,
}

impl Source {
    /// A source whose lines can be found by offset.
    pub fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Arc<Self> {
        let text = text.into();
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Arc::new(Self { path: path.into(), text, line_starts, concealed: Mutex::default() })
    }

    /// Has no message show these bytes: a secret that stands where none should.
    pub(crate) fn conceal(&self, range: Range<usize>) {
        self.concealed.lock().unwrap_or_else(PoisonError::into_inner).push(range);
    }

    /// The text as messages may show it: every byte where it is in `text`.
    fn shown(&self) -> Cow<'_, str> {
        let concealed = self.concealed.lock().unwrap_or_else(PoisonError::into_inner);
        if concealed.is_empty() {
            return Cow::Borrowed(&self.text);
        }
        let star = |(at, c): (usize, char)| match concealed.iter().any(|range| range.contains(&at)) {
            true if c != '\n' => "*".repeat(c.len_utf8()),
            _ => c.to_string(),
        };
        Cow::Owned(self.text.char_indices().map(star).collect())
    }

    /// Line and column of a byte offset, both counted from 1, columns in characters.
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let offset = offset.min(self.text.len());
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let start = self.line_starts[line - 1];
        let column = self.text.get(start..offset).map_or(1, |before| before.chars().count() + 1);
        (line, column)
    }

    /// Byte offset of a line and column, both counted from 1, columns in characters.
    pub fn offset(&self, line: usize, column: usize) -> usize {
        let Some(start) = self.line_starts.get(line.saturating_sub(1)) else { return self.text.len() };
        let rest = &self.text[*start..];
        rest.char_indices().nth(column.saturating_sub(1)).map_or(self.text.len(), |(at, _)| start + at)
    }
}

/// A stretch of a source.
#[derive(Clone, Debug)]
pub struct Span {
    /// The file.
    pub source: Arc<Source>,
    /// The bytes.
    pub range: Range<usize>,
}

impl Span {
    /// The span of `range` in `source`.
    pub fn new(source: &Arc<Source>, range: Range<usize>) -> Self {
        Self { source: Arc::clone(source), range }
    }

    /// Where the span begins, as a place that can be stored and printed.
    pub fn place(&self) -> Place {
        let (line, column) = self.source.line_column(self.range.start);
        Place { file: self.source.path.clone(), line, column }
    }
}

/// A point in a file: what plans and events carry of a [`Span`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing can go on.
    Error,
    /// It works, but the user should know.
    Warning,
}

/// One message to the user about their stack.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one lower-case sentence without a full stop.
    pub message: String,
    /// Where; absent only where there is no text to point at (a file that can't be read).
    pub span: Option<Span>,
    /// A few words under the caret.
    pub label: Option<String>,
    /// Other places that matter: "first defined here".
    pub related: Vec<(Span, String)>,
    /// What explains it, each a line or a few.
    pub notes: Vec<String>,
    /// What to do about it.
    pub help: Option<String>,
    /// The file, where there is no span.
    pub file: Option<PathBuf>,
}

impl Diagnostic {
    /// An error at `span`.
    pub fn error(span: &Span, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            message: message.into(),
            span: Some(span.clone()),
            label: None,
            related: Vec::new(),
            notes: Vec::new(),
            help: None,
            file: None,
        }
    }

    /// A warning at `span`.
    pub fn warning(span: &Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(span, message) }
    }

    /// An error about a file whose text can't be shown.
    pub fn file_error(file: &Path, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            message: message.into(),
            span: None,
            label: None,
            related: Vec::new(),
            notes: Vec::new(),
            help: None,
            file: Some(file.to_owned()),
        }
    }

    /// Adds a few words under the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds another place that matters.
    #[must_use]
    pub fn related(mut self, span: &Span, note: impl Into<String>) -> Self {
        self.related.push((span.clone(), note.into()));
        self
    }
}
