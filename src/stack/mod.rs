//! The stack language: text → `Document` → [`Checked`] → [`Graph`], with no I/O but reading files.
//!
//! [`load`] reads a stack and everything it includes and finds every mistake that can be found without a cloud.
//! [`Checked::graph`] then expands it; where that needs to know something of the world it says what, the caller has it
//! answered, and asks again.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::cloud::Lookup;
use crate::diagnostic::{Diagnostic, Source};
use crate::value::Value;

mod allow;
mod blame;
mod check;
mod constant;
mod dependencies;
mod deploy;
mod document;
mod expand;
mod expression;
mod files;
mod graph;
mod head;
mod intrinsics;
mod keeping;
mod load;
mod names;
mod origin;
mod parameters;
mod pattern;
mod pin;
mod place;
mod probe;
mod schema;
mod scope;
mod secret_parameters;
mod suggest;
mod traffic;
mod typing;
mod units;
mod yaml;

pub(crate) use check::type_help;
pub use graph::{Allowed, Attributes, Evaluated, Graph, Lifecycle, NoAttributes, Node, OutputNode};
pub use head::{Head, head};
pub use keeping::{Encryption, Keeping};
pub(crate) use keeping::{PLACES, refused_place};
pub use load::load;
pub use origin::Origin;
pub use pin::Pinned;
pub use place::References;
pub use probe::Probe;
pub use schema::{component_schema, schema};

/// The functions of expressions: how each is called, and what it gives.
pub fn functions() -> impl Iterator<Item = (&'static str, &'static str)> {
    expression::FUNCTIONS.iter().map(|function| (function.signature, function.about))
}

/// Whether a resource can stand at this address in a stack.
pub fn is_address(address: &crate::address::Address) -> bool {
    document::parse_address(address.as_str()).is_some()
}

/// Answers to lookups.
pub type Answers = BTreeMap<Lookup, Value>;

/// How a stack is read: what the user says beside its files.
#[derive(Clone, Debug)]
pub struct Options {
    /// The environment; its values are in `<environment>.yaml` beside the stack file. `default` where none is named.
    pub environment: Option<String>,
    /// Values of parameters, as text: `--set key=value`.
    pub set: Vec<(String, String)>,
    /// Files that hold values of parameters: `--set-file key=path`.
    pub set_file: Vec<(String, PathBuf)>,
    /// Values of parameters as a saved plan keeps them; stronger than all others.
    pub values: BTreeMap<String, Value>,
    /// Whether a parameter without a value is unknown, not a mistake: what is on record can be deleted without it.
    pub absent_is_unknown: bool,
    /// The process environment, which `env(…)` reads.
    pub variables: BTreeMap<String, String>,
}

impl Default for Options {
    /// No environment, no values, and the variables of this process that are text.
    fn default() -> Self {
        let variables =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self {
            environment: None,
            set: Vec::new(),
            set_file: Vec::new(),
            values: BTreeMap::new(),
            absent_is_unknown: false,
            variables: variables.collect(),
        }
    }
}

/// A stack in which nothing is wrong, as far as can be told without a cloud.
#[derive(Debug)]
pub struct Checked {
    unit: Arc<scope::Unit>,
    inputs: Arc<BTreeMap<String, Value>>,
    region: String,
    environment: Arc<str>,
    environment_file: EnvironmentFile,
    variables: BTreeMap<String, String>,
}

/// The file of an environment's values: its path, and its text where there is one.
type EnvironmentFile = Option<(PathBuf, Option<Arc<Source>>)>;

/// Why there is no graph yet.
#[derive(Debug)]
pub enum Needs {
    /// The world must be asked first.
    Lookups(Vec<Lookup>),
    /// The stack is wrong, in a way that only shows once it is evaluated.
    Errors(Vec<Diagnostic>),
}

impl Checked {
    /// The stack's name.
    pub fn stack(&self) -> &str {
        &self.unit.document.name
    }

    /// The environment's name.
    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// Where its state is kept.
    pub fn keeping(&self) -> &Keeping {
        &self.unit.document.keeping
    }

    /// The region, known before anything is looked up.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Expands the stack to its resources, with the answers there are.
    ///
    /// # Errors
    ///
    /// [`Needs::Lookups`] with lookups that `answers` lacks: the caller adds their answers and calls again.
    /// [`Needs::Errors`] with mistakes that show only now.
    pub fn graph(&self, answers: &Answers) -> Result<Graph, Needs> {
        expand::expand(self, answers)
    }
}
