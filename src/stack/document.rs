//! The typed form of a stack file or component file.

use std::path::PathBuf;
use std::sync::Arc;

use super::expression::{Part, Template};
use super::keeping::Keeping;
use crate::address::Address;
use crate::diagnostic::{Source, Span};
use crate::value::Value;

mod read;
mod reader;
mod settings;

pub(super) use read::{parse_address, read, taken_names};
pub(super) use reader::Reader;

/// Something and its place.
#[derive(Clone, Debug)]
pub(super) struct Spanned<T> {
    pub(super) value: T,
    pub(super) span: Span,
}

/// Which kind of file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    /// A stack.
    Stack,
    /// A component.
    Component,
}

/// A stack file or a component file.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) source: Arc<Source>,
    /// The stack's name; empty in a component.
    pub(super) name: String,
    pub(super) region: Option<Template>,
    pub(super) keeping: Keeping,
    pub(super) parameters: Vec<Parameter>,
    pub(super) locals: Vec<(Spanned<String>, Template)>,
    pub(super) tags: Option<Template>,
    pub(super) entries: Vec<Entry>,
    pub(super) outputs: Vec<Output>,
    pub(super) moved: Vec<(Spanned<Address>, Spanned<Address>)>,
    pub(super) forget: Vec<Spanned<Address>>,
    /// Lints that are allowed everywhere in the stack.
    pub(super) allow: Vec<Allow>,
    pub(super) probe: Option<Probe>,
}

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ParameterType {
    String,
    Integer,
    Number,
    Boolean,
    List,
    Map,
}

impl ParameterType {
    pub(super) const NAMES: [&str; 6] = ["string", "integer", "number", "boolean", "list", "map"];

    pub(super) fn parse(name: &str) -> Option<Self> {
        use ParameterType::{Boolean, Integer, List, Map, Number, String};
        let types = [String, Integer, Number, Boolean, List, Map];
        Self::NAMES.iter().position(|known| *known == name).map(|at| types[at])
    }

    pub(super) fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// A parameter of a stack or component.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) span: Span,
    pub(super) kind: ParameterType,
    pub(super) default: Option<Spanned<Value>>,
    pub(super) allowed: Option<Vec<Value>>,
    pub(super) minimum: Option<f64>,
    pub(super) maximum: Option<f64>,
    pub(super) pattern: Option<regex::Regex>,
    pub(super) secret: bool,
    /// Whether its declaration is wrong, so that what follows from it is not reported.
    pub(super) broken: bool,
}

/// What stands under `resources` or `existing`.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) span: Span,
    pub(super) kind: EntryKind,
    pub(super) for_each: Option<Template>,
    pub(super) when: Option<Template>,
    pub(super) depends_on: Vec<Part>,
    pub(super) lifecycle: LifecycleRules,
    pub(super) deploy: Option<Deploy>,
    /// Lints that are allowed here, and in a component everywhere inside.
    pub(super) allow: Vec<Allow>,
}

/// `deploy`: a map whose keys are known.
#[derive(Debug)]
pub(super) struct Deploy {
    /// The place of the word.
    pub(super) span: Span,
    pub(super) settings: Template,
}

/// `probe`: a map whose keys are known.
#[derive(Debug)]
pub(super) struct Probe {
    /// The place of the word.
    pub(super) span: Span,
    pub(super) settings: Template,
}

/// A lint that is allowed, and why.
#[derive(Debug)]
pub(super) struct Allow {
    pub(super) lint: Spanned<String>,
    pub(super) reason: Template,
}

/// What an entry is.
#[derive(Debug)]
pub(super) enum EntryKind {
    /// A resource of ours.
    Resource { type_name: Spanned<String>, properties: Template },
    /// A component.
    Component { path: Spanned<PathBuf>, with: Template },
    /// Something that exists and is not ours.
    Existing { type_name: Spanned<String>, id: Option<Template>, tags: Option<Template> },
    /// Something wrong, already reported.
    Broken,
}

/// `lifecycle`.
#[derive(Debug, Default)]
pub(super) struct LifecycleRules {
    pub(super) prevent_destroy: Option<Template>,
    pub(super) ignore: Vec<Spanned<String>>,
    pub(super) replace_on: Vec<Part>,
}

/// An output of a stack or component.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) name: String,
    pub(super) span: Span,
    pub(super) value: Template,
    pub(super) secret: bool,
    pub(super) description: Option<String>,
}
