//! What a stack comes down to: resources in dependency order, with expressions that can be evaluated at any time.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::address::Address;
use crate::catalog::TypeInfo;
use crate::cloud::Patience;
use crate::diagnostic::{Diagnostic, Span};
use crate::value::Value;

use super::deploy;
use super::document::{Entry, EntryKind};
use super::expression::{Template, Tree};
use super::pin::{Pinned, open_part};
use super::probe::Probe;
use super::scope::{Each, Frame, Here, Session, World, merge_tags};
use super::typing::Schema;

/// A stack, checked and expanded; only `check` makes one.
#[derive(Debug)]
pub struct Graph {
    pub(super) stack: Arc<str>,
    pub(super) environment: Arc<str>,
    pub(super) environment_file: super::EnvironmentFile,
    pub(super) region: String,
    /// In dependency order: what a node depends on stands before it.
    pub(super) nodes: Vec<Node>,
    pub(super) by_address: HashMap<Address, usize>,
    pub(super) outputs: Vec<OutputNode>,
    pub(super) moved: Vec<(Address, Address)>,
    pub(super) forget: Vec<Address>,
    pub(super) warnings: Vec<Diagnostic>,
    /// Lints that are allowed somewhere.
    pub(super) allowed: Vec<Allowed>,
    /// Of each node, what evaluates it.
    pub(super) definitions: Vec<Definition>,
    /// Nodes that are as they are given, whatever evaluates them.
    pub(super) pinned: HashMap<usize, Pinned>,
    pub(super) root: Arc<Frame>,
    pub(super) world: Arc<World>,
}

/// What evaluates a node: its entry in its file, and the instance.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) frame: Arc<Frame>,
    pub(super) entry: usize,
    pub(super) each: Option<Arc<Each>>,
}

impl Definition {
    /// What its file says of it.
    pub(super) fn entry(&self) -> &Entry {
        &self.frame.unit.document.entries[self.entry]
    }
}

/// What the resources are known to be, while a plan is made or applied.
pub trait Attributes {
    /// Properties and outputs of the resource at `address` in one map. Of a missing key, or where there is `None`, what the
    /// stack says is taken, as far as it says it; [`Value::Unknown`] is a resource of which not even that is to be taken.
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
    /// The lints that are allowed here: indices into the graph's, the nearest first.
    pub allowed: Vec<usize>,
    /// How long an apply waits for it.
    pub patience: Patience,
    /// The place of the resource's name.
    pub span: Span,
}

/// A lint that the stack allows somewhere.
#[derive(Clone, Debug)]
pub struct Allowed {
    /// Its name.
    pub lint: String,
    /// Why, in the author's words.
    pub reason: String,
    /// Where it is allowed.
    pub span: Span,
}

/// The properties of a resource, and what infra says of them where the stack says nothing.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// The properties.
    pub properties: Value,
    /// The paths of those that infra sets by itself.
    pub defaults: Vec<&'static str>,
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
    /// [`Value::Unknown`].
    ///
    /// # Errors
    ///
    /// What is wrong with them now that they are evaluated, with its place in the expression that failed.
    pub fn properties(&self, node: usize, known: &dyn Attributes) -> Result<Value, Diagnostic> {
        Ok(self.evaluated(node, known)?.properties)
    }

    /// As [`Graph::properties`], with what infra adds by itself told apart.
    ///
    /// # Errors
    ///
    /// As [`Graph::properties`].
    pub fn evaluated(&self, node: usize, known: &dyn Attributes) -> Result<Evaluated, Diagnostic> {
        let mut errors = Vec::new();
        let evaluated = self.properties_in(node, &Session::new(&self.world, known), &mut errors);
        match errors.into_iter().next() {
            Some(error) => Err(error),
            None => Ok(evaluated),
        }
    }

    /// Lints that are allowed somewhere.
    pub fn allowed(&self) -> &[Allowed] {
        &self.allowed
    }

    /// What is watched while the stack is applied, with what is known now.
    ///
    /// # Errors
    ///
    /// What is wrong with it now that it is evaluated.
    pub fn probe(&self, known: &dyn Attributes) -> Result<Option<Probe>, Diagnostic> {
        let mut errors = Vec::new();
        let probe = self.probe_in(&Session::new(&self.world, known), &mut errors);
        match errors.into_iter().next() {
            Some(error) => Err(error),
            None => Ok(probe),
        }
    }

    pub(super) fn probe_in(&self, session: &Session<'_>, errors: &mut Vec<Diagnostic>) -> Option<Probe> {
        let probe = self.root.unit.document.probe.as_ref()?;
        let here = Here::new(session, &self.root, None);
        Some(super::probe::read(probe, |template| here.evaluate(template), errors))
    }

    /// The value of an output with what is known now; secret where the output is.
    ///
    /// # Errors
    ///
    /// What is wrong with it now that it is evaluated.
    pub fn output(&self, output: usize, known: &dyn Attributes) -> Result<Value, Diagnostic> {
        self.output_in(output, &Session::new(&self.world, known))
    }

    /// The properties of a node; what is wrong with them is added to `errors`.
    pub(super) fn properties_in(&self, node: usize, session: &Session<'_>, errors: &mut Vec<Diagnostic>) -> Evaluated {
        let (definition, kind) = (&self.definitions[node], &self.nodes[node].kind);
        let here = Here::new(session, &definition.frame, definition.each.as_deref());
        let entry = definition.entry();
        let nothing = Evaluated { properties: Value::map(), defaults: Vec::new() };
        let EntryKind::Resource { properties, .. } = &entry.kind else { return nothing };
        let schema = Schema::new(&kind.properties);
        if let Some(pinned) = self.pinned.get(&node) {
            let mut values = pinned.properties.as_map().cloned().unwrap_or_default();
            let open = open_part(properties, &pinned.open);
            if let Value::Map(open) = typed(here, &open, Some(schema), kind.name, errors) {
                values.extend(open);
            }
            return Evaluated { properties: Value::Map(values), defaults: Vec::new() };
        }
        let Value::Map(mut values) = typed(here, properties, Some(schema), kind.name, errors) else {
            return nothing;
        };
        let defaults = match deploy::applies(kind.name) {
            true => deploy::fold(entry, |template| here.evaluate(template), &mut values, errors),
            false => Vec::new(),
        };
        if let (Some(_), Some(tags)) = (kind.tags, &self.root.unit.document.tags) {
            match Here::new(session, &self.root, None).evaluate(tags) {
                Ok(tags) => merge_tags(kind, &mut values, &tags),
                Err(error) => errors.push(error),
            }
        }
        Evaluated { properties: Value::Map(values), defaults }
    }

    pub(super) fn output_in(&self, output: usize, session: &Session<'_>) -> Result<Value, Diagnostic> {
        let output = &self.root.unit.document.outputs[output];
        let value = Here::new(session, &self.root, None).evaluate(&output.value)?;
        if output.secret {
            let bare = !matches!(value, Value::Secret(_) | Value::Unknown);
            return Ok(if bare { Value::Secret(Box::new(value.revealed())) } else { value });
        }
        if value.has_secret() {
            let error = Diagnostic::error(&output.value.span, format!("the output `{}` holds a secret", output.name));
            return Err(error.help("write it as `{ value: …, secret: true }`"));
        }
        Ok(value)
    }
}

/// Evaluates a template and checks what its expressions give; secret properties become secrets. What is wrong is added
/// to `errors`, and unknown in the value.
fn typed(
    here: Here<'_>,
    template: &Template,
    schema: Option<Schema<'_>>,
    owner: &str,
    errors: &mut Vec<Diagnostic>,
) -> Value {
    let value = match &template.tree {
        Tree::Map(entries) => {
            let mut map = BTreeMap::new();
            for (key, _, value) in entries {
                let value = typed(here, value, schema.and_then(|schema| schema.property(key)), key, errors);
                if !matches!(value, Value::Null) {
                    map.insert(key.clone(), value);
                }
            }
            Value::Map(map)
        }
        Tree::List(items) => {
            let schema = schema.and_then(Schema::items);
            items.iter().map(|item| typed(here, item, schema, owner, errors)).collect()
        }
        // Checked when the stack was read.
        Tree::Literal(value) => value.clone(),
        _ => {
            let evaluated = here.evaluate(template).and_then(|value| {
                let checked = schema.map_or(Ok(()), |schema| schema.check(&value, &format!("`{owner}`")));
                checked.map(|()| value).map_err(|problem| problem.into_diagnostic(&template.span))
            });
            evaluated.unwrap_or_else(|error| {
                errors.push(error);
                Value::Unknown
            })
        }
    };
    let bare =
        schema.is_some_and(Schema::is_secret) && !matches!(value, Value::Secret(_) | Value::Unknown | Value::Null);
    if bare { Value::Secret(Box::new(value.revealed())) } else { value }
}
