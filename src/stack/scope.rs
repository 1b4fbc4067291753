//! Where expressions are evaluated: the names that mean something in one file, and the session that one evaluation
//! shares.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use super::document::{Document, EntryKind};
use super::expression::{Evaluator, Part, Problem, Template, Tree, article, as_text};
use super::{Answers, Attributes, files};
use crate::address::Address;
use crate::catalog::{Catalog, TypeInfo};
use crate::cloud::Lookup;
use crate::diagnostic::Diagnostic;
use crate::value::Value;

mod objects;

/// How many steps one evaluation may take.
const MAX_STEPS: usize = 4_000_000;
/// How deep evaluation may nest: expressions in locals in inputs in outputs.
const MAX_NESTING: usize = 256;
/// Text longer than this, in bytes, is refused.
const MAX_TEXT: usize = 4 << 20;

/// A file of a stack with what its entries refer to.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) document: Document,
    /// Of each entry, its type, where it is a known one.
    pub(super) types: Vec<Option<Arc<TypeInfo>>>,
    /// Of each entry that is a component, its file.
    pub(super) components: Vec<Option<Arc<Unit>>>,
    /// The entries, those that others refer to first.
    pub(super) order: Vec<usize>,
    pub(super) entries: HashMap<String, usize>,
}

/// What is the same everywhere in a stack.
#[derive(Debug)]
pub(super) struct World {
    pub(super) region: String,
    pub(super) answers: Answers,
    pub(super) variables: BTreeMap<String, String>,
    /// The variables that `env(…)` asked for.
    pub(super) asked: Mutex<BTreeSet<String>>,
    /// What `file(…)` has read: a file that changes between plan and apply changes nothing.
    pub(super) files: Mutex<HashMap<(PathBuf, String), Result<String, Problem>>>,
}

/// One file as it stands in a stack: a component that is used twice has two.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) unit: Arc<Unit>,
    /// The component's address; `None` at the top.
    pub(super) address: Option<Address>,
    pub(super) inputs: Inputs,
    /// What each entry came to.
    pub(super) members: Vec<OnceLock<Member>>,
    locals: Vec<OnceLock<Value>>,
    parameters: Vec<OnceLock<Value>>,
}

/// Where the values of parameters come from.
#[derive(Debug)]
pub(super) enum Inputs {
    /// From outside, checked.
    Root(Arc<BTreeMap<String, Value>>),
    /// From `with`. The parent holds this one among its members, and lives as long as the graph.
    Component { parent: Weak<Frame>, entry: usize, each: Option<Arc<Each>> },
}

/// What an entry came to.
#[derive(Debug)]
pub(super) enum Member {
    /// Its `when` is false.
    Off,
    /// One instance.
    One(Instance),
    /// One for each key, in order.
    Many(Vec<(String, Instance)>, HashMap<String, usize>),
}

/// One resource or component.
#[derive(Debug)]
pub(super) enum Instance {
    /// A resource of ours.
    Resource { address: Address, each: Option<Arc<Each>> },
    /// A component.
    Component(Arc<Frame>),
    /// Something that exists, as looked up.
    Existing(Value),
}

/// What `each` means in an instance of a `for_each`.
#[derive(Debug)]
pub(super) struct Each {
    /// The entry of the document whose `for_each` it comes from.
    pub(super) entry: usize,
    pub(super) key: Value,
    pub(super) value: Value,
    pub(super) index: Value,
}

impl Frame {
    pub(super) fn new(unit: &Arc<Unit>, address: Option<Address>, inputs: Inputs) -> Self {
        let slots = |count: usize| (0..count).map(|_| OnceLock::new()).collect();
        Self {
            unit: Arc::clone(unit),
            address,
            inputs,
            members: (0..unit.document.entries.len()).map(|_| OnceLock::new()).collect(),
            locals: slots(unit.document.locals.len()),
            parameters: slots(unit.document.parameters.len()),
        }
    }

    /// The address of the entry `name` in this file.
    pub(super) fn address_of(&self, name: &str) -> Address {
        match &self.address {
            None => Address::root(name),
            Some(parent) => parent.child(name),
        }
    }

    /// What an entry came to, once expanded.
    pub(super) fn member(&self, entry: usize) -> Option<&Member> {
        self.members.get(entry).and_then(OnceLock::get)
    }
}

/// What one evaluation shares.
pub(super) struct Session<'s> {
    world: &'s World,
    known: &'s dyn Attributes,
    missing: RefCell<BTreeSet<Lookup>>,
    steps: Cell<usize>,
    depth: Cell<usize>,
    /// Whether what is being evaluated depends on attributes or on a lookup without answer.
    volatile: Cell<bool>,
    locals: RefCell<HashMap<(usize, bool, usize), Value>>,
}

impl<'s> Session<'s> {
    pub(super) fn new(world: &'s World, known: &'s dyn Attributes) -> Self {
        Self {
            world,
            known,
            missing: RefCell::default(),
            steps: Cell::new(0),
            depth: Cell::new(0),
            volatile: Cell::new(false),
            locals: RefCell::default(),
        }
    }

    /// Begins another evaluation in the same session.
    pub(super) fn reset(&self) {
        self.steps.set(0);
    }

    /// Lookups that had no answer.
    pub(super) fn missing(&self) -> BTreeSet<Lookup> {
        self.missing.borrow().clone()
    }

    /// The text of a file beside the file `from`, read once.
    fn file(&self, from: &Path, path: &str) -> Result<String, Problem> {
        let mut files = self.world.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.entry((from.to_owned(), path.to_owned())).or_insert_with(|| files::beside(from, path)).clone()
    }

    /// A variable of the process environment.
    fn variable(&self, name: &str) -> Option<String> {
        self.world.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        self.world.variables.get(name).cloned()
    }

    /// The answer to a lookup; unknown, and noted, where there is none.
    pub(super) fn answer(&self, lookup: Lookup) -> Value {
        match self.world.answers.get(&lookup) {
            Some(answer) => answer.clone(),
            None => {
                self.volatile.set(true);
                self.missing.borrow_mut().insert(lookup);
                Value::Unknown
            }
        }
    }
}

/// A place where expressions are evaluated: a file as it stands in the stack, and the instance.
#[derive(Clone, Copy)]
pub(super) struct Here<'s> {
    pub(super) session: &'s Session<'s>,
    pub(super) frame: &'s Frame,
    pub(super) each: Option<&'s Each>,
}

impl<'s> Here<'s> {
    pub(super) fn new(session: &'s Session<'s>, frame: &'s Frame, each: Option<&'s Each>) -> Self {
        Self { session, frame, each }
    }

    /// The value of a template. In maps below the top, an entry that comes to null is left out.
    pub(super) fn evaluate(self, template: &Template) -> Result<Value, Diagnostic> {
        match &template.tree {
            Tree::Literal(value) => Ok(value.clone()),
            Tree::Expression(part) => self.part(part),
            Tree::Text(parts) => self.text(parts),
            Tree::List(items) => items.iter().map(|item| self.evaluate(item)).collect(),
            Tree::Map(entries) => {
                let mut map = BTreeMap::new();
                for (key, _, value) in entries {
                    let value = self.evaluate(value)?;
                    if !matches!(value, Value::Null) {
                        map.insert(key.clone(), value);
                    }
                }
                Ok(Value::Map(map))
            }
            Tree::Broken => Err(Diagnostic::error(&template.span, "this value is broken")),
        }
    }

    /// The value of one expression.
    pub(super) fn part(self, part: &Part) -> Result<Value, Diagnostic> {
        Evaluator::new(&part.code, &self).run().map_err(|failure| {
            let span = part.span(&failure.range);
            failure.problem.into_diagnostic(&span)
        })
    }

    fn text(self, parts: &[Result<String, Part>]) -> Result<Value, Diagnostic> {
        let (mut text, mut unknown, mut secret) = (String::new(), false, false);
        for part in parts {
            let part = match part {
                Ok(literal) => {
                    text.push_str(literal);
                    continue;
                }
                Err(part) => part,
            };
            let value = self.part(part)?;
            secret |= value.has_secret();
            let whole = part.span(&(0..part.code.text().len()));
            match value.revealed() {
                Value::Unknown => unknown = true,
                value => match as_text(&value) {
                    Some(piece) => text.push_str(&piece),
                    None => {
                        let message = format!("{} can't stand inside text", article(value.kind()));
                        let help = "make text of it with `join(…)` or `json(…)`";
                        return Err(Diagnostic::error(&whole, message).help(help));
                    }
                },
            }
            if text.len() > MAX_TEXT {
                return Err(Diagnostic::error(&whole, format!("the text grows longer than {MAX_TEXT} bytes")));
            }
        }
        Ok(match (unknown, secret) {
            (true, _) => Value::Unknown,
            (false, true) => Value::Secret(Box::new(Value::String(text))),
            (false, false) => Value::String(text),
        })
    }

    /// The value of a local.
    fn local(self, index: usize) -> Result<Value, Problem> {
        let (_, template) = &self.frame.unit.document.locals[index];
        let here = Here { each: None, ..self };
        self.remembered((true, index), &self.frame.locals[index], || here.evaluate(template))
    }

    /// The value of a parameter.
    fn parameter(self, index: usize) -> Result<Value, Problem> {
        let parameter = &self.frame.unit.document.parameters[index];
        let (parent, entry, each) = match &self.frame.inputs {
            Inputs::Root(values) => return Ok(values.get(&parameter.name).cloned().unwrap_or(Value::Unknown)),
            Inputs::Component { parent, entry, each } => (parent.upgrade(), *entry, each),
        };
        let Some(parent) = parent else { return Ok(Value::Unknown) };
        let input = match &parent.unit.document.entries[entry].kind {
            EntryKind::Component { with, .. } => with.entry(&parameter.name),
            _ => None,
        };
        let there = Here { session: self.session, frame: &parent, each: each.as_deref() };
        self.remembered((false, index), &self.frame.parameters[index], || {
            let value = match input {
                Some(template) => {
                    let value = there.evaluate(template)?;
                    super::parameters::check(parameter, &value)
                        .map_err(|problem| problem.into_diagnostic(&template.span))?;
                    value
                }
                None => parameter.default.as_ref().map_or(Value::Null, |default| default.value.clone()),
            };
            let bare = parameter.secret && !matches!(value, Value::Secret(_) | Value::Unknown | Value::Null);
            Ok(if bare { Value::Secret(Box::new(value.revealed())) } else { value })
        })
    }

    /// Evaluates something of the frame once: for good where it can't change, else once a session.
    fn remembered(
        self,
        slot: (bool, usize),
        cell: &OnceLock<Value>,
        evaluate: impl FnOnce() -> Result<Value, Diagnostic>,
    ) -> Result<Value, Problem> {
        if let Some(value) = cell.get() {
            return Ok(value.clone());
        }
        let session = self.session;
        let key = (std::ptr::from_ref(self.frame) as usize, slot.0, slot.1);
        if let Some(value) = session.locals.borrow().get(&key) {
            session.volatile.set(true);
            return Ok(value.clone());
        }
        let outer = session.volatile.replace(false);
        let result = evaluate();
        let volatile = session.volatile.replace(outer);
        let value = result.map_err(Problem::from_diagnostic)?;
        if volatile {
            session.volatile.set(true);
            session.locals.borrow_mut().insert(key, value.clone());
        } else {
            let _ = cell.set(value.clone());
        }
        Ok(value)
    }
}

/// Adds the stack-wide tags to a resource's own, which win.
pub(super) fn merge_tags(kind: &TypeInfo, properties: &mut BTreeMap<String, Value>, tags: &Value) {
    use crate::catalog::Tagging;
    let (Some(tagging), Value::Map(tags)) = (kind.tags, tags) else { return };
    if tags.is_empty() {
        return;
    }
    match tagging {
        Tagging::Map => {
            if let Value::Map(own) = properties.entry("Tags".to_owned()).or_insert_with(Value::map) {
                for (key, value) in tags {
                    own.entry(key.clone()).or_insert_with(|| value.clone());
                }
            }
        }
        Tagging::List => {
            if let Value::List(own) = properties.entry("Tags".to_owned()).or_insert_with(|| Value::List(Vec::new())) {
                let given: BTreeSet<String> =
                    own.iter().filter_map(|tag| tag.get("Key")?.as_str().map(str::to_owned)).collect();
                for (key, value) in tags.iter().filter(|(key, _)| !given.contains(*key)) {
                    let pair = [("Key".to_owned(), Value::String(key.clone())), ("Value".to_owned(), value.clone())];
                    own.push(pair.into_iter().collect());
                }
            }
        }
    }
}

/// The type of an entry, ours or existing.
pub(super) fn type_of<'c>(catalog: &'c Catalog, kind: &EntryKind) -> Option<&'c Arc<TypeInfo>> {
    match kind {
        EntryKind::Resource { type_name, .. } | EntryKind::Existing { type_name, .. } => catalog.get(&type_name.value),
        EntryKind::Component { .. } | EntryKind::Broken => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::fake::catalog::catalog;
    use crate::stack::{Options, load};

    #[test]
    fn a_graph_is_freed_with_its_components() {
        let folder = tempfile::tempdir().expect("folder");
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("write");
        let stack =
            "stack: shop\nregion: us-east-1\nresources:\n  Part: { component: part.yaml, with: { delay: 3 } }\n";
        write("stack.yaml", stack);
        let queue = "Queue: { type: Test::App::Queue, properties: { DelaySeconds: \"${params.delay}\" } }";
        write("part.yaml", &format!("parameters: {{ delay: {{ type: integer }} }}\nresources:\n  {queue}\n"));
        let checked = load(&folder.path().join("stack.yaml"), &Options::default(), &catalog()).expect("a stack");
        let graph = checked.graph(&Answers::new()).unwrap_or_else(|_| panic!("it needs nothing"));
        assert_eq!(graph.nodes()[0].address.as_str(), "Part.Queue");
        let root = Arc::downgrade(&graph.root);
        drop(graph);
        assert!(root.upgrade().is_none());
    }
}
