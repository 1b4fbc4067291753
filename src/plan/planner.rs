//! Makes the plan: walks the graph in order, feeding what is known of each resource to those after it.

use std::collections::{BTreeSet, HashMap};

use super::decide::{Case, Decision};
use super::known::{Known, before_creation, of_live, on_record};
use super::ledger::Ledger;
use super::removal::{self, Uniques};
use super::select::Selection;
use super::shape::Shapes;
use super::uncertain::possibly_applied;
use super::{Action, Change, Lint, LiveResources, Options, OutputChange, PLAN_VERSION, Plan, Shown, Step, show};
use crate::address::Address;
use crate::diagnostic::{Diagnostic, Severity};
use crate::lint::{self, Finding};
use crate::stack::{Evaluated, Graph};
use crate::state::{Record, State};
use crate::value::Value;

/// Makes a plan: the same one, to the byte, for the same input.
///
/// `live` has what [`to_read`](super::to_read) asks for.
///
/// # Errors
/// All that stands against it: expressions that fail, what `prevent_destroy` forbids, moves that can't be.
pub fn plan(graph: &Graph, state: &State, live: &LiveResources, options: &Options) -> Result<Plan, Vec<Diagnostic>> {
    let ledger = Ledger::new(graph, state)?;
    let selection = Selection::new(graph, &ledger, options)?;
    let mut planner = Planner {
        graph,
        state,
        live,
        ledger: &ledger,
        selection: &selection,
        shapes: Shapes::new(graph.nodes().iter().map(|node| &node.kind)),
        known: Known::new(graph),
        actions: vec![None; graph.nodes().len()],
        at_work: options.at_work,
        errors: Vec::new(),
    };
    let (steps, outputs) = if options.destroy { planner.destroy(options) } else { planner.apply(options) };
    // What takes a service back is not held up by what is wrong with it.
    let silent = options.destroy || !planner.errors.is_empty() || graph.pinned().is_some();
    let lints = if silent { Vec::new() } else { planner.lints() };
    if !planner.errors.is_empty() {
        return Err(planner.errors);
    }
    Ok(Plan {
        version: PLAN_VERSION,
        stack: graph.stack().to_string(),
        environment: graph.environment().to_string(),
        region: graph.region().to_owned(),
        serial: state.serial,
        destroy: options.destroy,
        steps,
        outputs,
        lints,
    })
}

struct Planner<'a> {
    graph: &'a Graph,
    state: &'a State,
    live: &'a LiveResources,
    ledger: &'a Ledger<'a>,
    selection: &'a Selection,
    shapes: Shapes,
    known: Known<'a>,
    /// What happens to each node; `None` where the run is not about it, or it could not be told.
    actions: Vec<Option<Action>>,
    at_work: bool,
    errors: Vec<Diagnostic>,
}

impl<'a> Planner<'a> {
    fn apply(&mut self, options: &Options) -> (Vec<Step>, Vec<OutputChange>) {
        let graph = self.graph;
        let forgotten = |address: &Address| graph.forget().iter().any(|outer| address.is_within(outer));
        let absent = self.ledger.addresses().into_iter().filter(|address| graph.index(address).is_none());
        let (forget, gone): (BTreeSet<&Address>, BTreeSet<&Address>) =
            absent.filter(|address| self.selection.has_recorded(address)).partition(|address| forgotten(address));
        self.errors.extend(removal::protected(&gone, graph, self.ledger));
        let dependents = if gone.is_empty() { HashMap::new() } else { self.ledger.dependents() };
        let uniques = Uniques::new(graph, &gone, self.ledger);

        let mut steps = Vec::with_capacity(graph.nodes().len());
        for node in 0..graph.nodes().len() {
            if self.selection.has_node(node) {
                steps.extend(self.node(node, &uniques));
            } else if let Some(managed) = self.ledger.records.get(&graph.nodes()[node].address) {
                self.known.set(node, on_record(managed.record));
            }
        }
        let changing = |address: &Address| {
            let action = graph.index(address).and_then(|node| self.actions[node]);
            action.is_some_and(|action| action != Action::Keep)
        };
        let removed = Some("removed from the stack");
        steps.extend(removal::steps(&gone, self.ledger, &dependents, removed, self.at_work, changing));
        steps.extend(forget.into_iter().map(|address| self.forget(address)));
        let outputs = self.outputs(options);
        (steps, outputs)
    }

    fn destroy(&mut self, options: &Options) -> (Vec<Step>, Vec<OutputChange>) {
        let gone = self.ledger.addresses();
        let gone = gone.into_iter().filter(|address| self.selection.has_recorded(address)).collect();
        self.errors.extend(removal::protected(&gone, self.graph, self.ledger));
        let mut steps = removal::steps(&gone, self.ledger, &self.ledger.dependents(), None, self.at_work, |_| false);
        for step in &mut steps {
            step.place = self.graph.index(&step.address).map(|node| self.graph.nodes()[node].span.place());
        }
        let mut outputs = Vec::new();
        if options.targets.is_empty() && options.excludes.is_empty() {
            for (name, old) in &self.state.outputs {
                outputs.push(OutputChange { name: name.clone(), old: show::shown(Some(old)), new: Shown::Absent });
            }
        }
        (steps, outputs)
    }

    fn node(&mut self, index: usize, uniques: &Uniques<'a>) -> Option<Step> {
        let graph = self.graph;
        let node = &graph.nodes()[index];
        let shape = self.shapes.of(&node.kind);
        let Evaluated { properties, defaults } = match graph.evaluated(index, &self.known) {
            Ok(evaluated) => evaluated,
            Err(error) => {
                self.errors.push(error);
                return None;
            }
        };
        let desired = shape.conceal_properties(node.kind.normalized(properties));
        let managed = self.ledger.records.get(&node.address);
        let live = managed.and_then(|managed| self.live.get(managed.recorded_at)).and_then(Option::as_ref);
        let begun = self.ledger.begun.get(&node.address).map(Vec::as_slice).unwrap_or_default();
        let changes = || begun.iter().map(|(_, begun)| *begun);
        let record = managed.map(|managed| possibly_applied(&node.kind, &shape.properties, managed.record, changes()));
        let record = record.as_deref();
        let concealed = live.map(|live| shape.conceal_live(live));
        let live = concealed.as_deref();
        let case = Case {
            node,
            shape: &shape.properties,
            desired: &desired,
            record,
            live,
            deposed: self.ledger.deposed(&node.address),
            begun,
            seal: self.state.seal.as_ref(),
            renewed: self.dependencies(index, |action| {
                matches!(action, Action::Create | Action::Replace | Action::ReplaceDeleteFirst)
            }),
            replaced_on: self.replaced_on(index),
            loses_dependency: self.loses_dependency(index, record),
            at_work: self.at_work,
        };
        let Decision { action, id, changes, reason, deleted_outside } = case.decide();
        let replaced = matches!(action, Action::Replace | Action::ReplaceDeleteFirst);
        if replaced && node.lifecycle.prevent_destroy {
            let mut refusal = removal::refusal(&node.address, "replaced", Some(&node.span));
            refusal.label = reason.clone();
            self.errors.push(refusal);
        }
        let mut after: Vec<Address> =
            self.dependencies(index, |action| action != Action::Keep).into_iter().cloned().collect();
        if replaced || action == Action::Create {
            after.extend(uniques.in_the_way(&node.kind, &desired).into_iter().cloned());
        }
        let attributes = match live {
            Some(live) if !replaced => of_live(&node.kind, &shape, desired, live, true),
            _ => before_creation(&node.kind, desired),
        };
        self.known.set(index, attributes);
        self.actions[index] = Some(action);
        let moved_from = managed.map(|managed| managed.recorded_at).filter(|from| **from != node.address).cloned();
        Some(Step {
            address: node.address.clone(),
            type_name: node.kind.name.to_owned(),
            action,
            id,
            defaults: touched(&defaults, &changes),
            changes,
            reason,
            deleted_outside,
            moved_from,
            after,
            place: Some(node.span.place()),
        })
    }

    /// What would cause downtime; what makes a deployment impossible stands against the plan.
    fn lints(&mut self) -> Vec<Lint> {
        let selected = |node: usize| self.selection.has_node(node);
        let (errors, warnings): (Vec<_>, Vec<_>) = lint::lint(self.graph, &self.known, &selected)
            .into_iter()
            .partition(|finding| finding.severity == Severity::Error);
        self.errors.extend(errors.iter().map(Finding::diagnostic));
        let lint = |Finding { lint, address, span, message, help, .. }: Finding| {
            let place = span.place();
            Lint { lint: lint.to_owned(), address, place, message, help }
        };
        warnings.into_iter().map(lint).collect()
    }

    fn forget(&self, address: &Address) -> Step {
        let record = self.ledger.records.get(address).map(|managed| managed.record);
        Step {
            address: address.clone(),
            type_name: record.map_or_else(String::new, |record| record.type_name.clone()),
            action: Action::Forget,
            id: record.map(|record| record.id.clone()),
            changes: Vec::new(),
            defaults: Vec::new(),
            reason: Some("listed under `forget`".to_owned()),
            deleted_outside: false,
            moved_from: None,
            after: Vec::new(),
            place: None,
        }
    }

    /// The dependencies of a node to which something of the kind happens.
    fn dependencies(&self, node: usize, happens: impl Fn(Action) -> bool) -> Vec<&'a Address> {
        let nodes = self.graph.nodes();
        let dependencies = nodes[node].dependencies.iter();
        dependencies
            .filter(|dependency| self.actions[**dependency].is_some_and(&happens))
            .map(|dependency| &nodes[*dependency].address)
            .collect()
    }

    fn replaced_on(&self, node: usize) -> Vec<&'a Address> {
        let named = &self.graph.nodes()[node].lifecycle.replace_on;
        if named.is_empty() {
            return Vec::new();
        }
        let changes = |action| !matches!(action, Action::Keep | Action::Recover);
        let changing = self.dependencies(node, changes).into_iter();
        changing.filter(|address| named.iter().any(|outer| address.is_within(outer))).collect()
    }

    fn loses_dependency(&self, node: usize, record: Option<&Record>) -> bool {
        let first = |index: usize| self.actions[index] == Some(Action::ReplaceDeleteFirst);
        let recorded = record.into_iter().flat_map(|record| &record.dependencies);
        self.graph.nodes()[node].dependencies.iter().any(|dependency| first(*dependency))
            || recorded
                .map(|address| self.ledger.now(address))
                .filter_map(|address| self.graph.index(address))
                .any(first)
    }

    fn outputs(&mut self, options: &Options) -> Vec<OutputChange> {
        let partial = !options.targets.is_empty() || !options.excludes.is_empty();
        let mut changes = Vec::new();
        let mut names = BTreeSet::new();
        for (index, output) in self.graph.outputs().iter().enumerate() {
            names.insert(output.name.as_str());
            let value = match self.graph.output(index, &self.known) {
                Ok(value) => value,
                Err(error) => {
                    if self.errors.is_empty() {
                        self.errors.push(error);
                    }
                    continue;
                }
            };
            let old = self.state.outputs.get(&output.name);
            let same = match (&self.state.seal, old) {
                _ if !value.is_known() => partial,
                (Some(seal), Some(old)) => {
                    seal.matches(old, &value) || seal.seal(&value).is_ok_and(|sealed| sealed == *old)
                }
                _ => old.is_none() && matches!(value, Value::Null),
            };
            if !same {
                let (old, new) = (show::shown(old), show::shown(Some(&value)));
                changes.push(OutputChange { name: output.name.clone(), old, new });
            }
        }
        for (name, old) in &self.state.outputs {
            if !names.contains(name.as_str()) {
                changes.push(OutputChange { name: name.clone(), old: show::shown(Some(old)), new: Shown::Absent });
            }
        }
        changes
    }
}

/// Those of the properties that infra sets by itself that a change is about.
fn touched(defaults: &[&'static str], changes: &[Change]) -> Vec<String> {
    let about = |default: &str, path: &str| {
        let (outer, inner) = if path.len() < default.len() { (path, default) } else { (default, path) };
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    let touched = defaults.iter().filter(|default| changes.iter().any(|change| about(default, &change.path)));
    touched.map(|default| (*default).to_owned()).collect()
}
