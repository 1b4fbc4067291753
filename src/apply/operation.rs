//! From the steps of a plan to operations and what each waits for.

use std::collections::{BTreeSet, HashMap};

use super::event::Activity;
use super::schedule::{Edge, Level, Schedule};
use crate::address::{Address, Id};
use crate::diagnostic::Place;
use crate::plan::ledger::Ledger;
use crate::plan::{Action, Plan, Step};
use crate::stack::Graph;

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Operation {
    pub(super) address: Address,
    pub(super) type_name: String,
    pub(super) work: Work,
    pub(super) place: Option<Place>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// Nothing in the cloud; its record may follow the stack.
    Keep { node: usize },
    /// Make it; what stands at its address becomes deposed.
    Create {
        node: usize,
        /// Why it is made, which decides whether it may turn out to be unnecessary.
        cause: CreateCause,
    },
    /// Change it in place.
    Update { node: usize },
    /// Finish what an interrupted run began.
    Recover { node: usize },
    /// Delete an incarnation of it.
    Delete {
        id: Id,
        /// Why.
        cause: DeleteCause,
    },
    /// Find and delete what an interrupted run made and nobody wants any more.
    CleanUp,
    /// Strike it off the record.
    Forget,
}

/// Why something is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CreateCause {
    /// It does not exist.
    New,
    /// It replaces one that still stands.
    Replaces {
        /// Whether it does so even if, now that all is known, nothing would change.
        forced: bool,
    },
    /// It replaces one that was deleted for it.
    Follows,
}

/// Why something is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DeleteCause {
    /// Nobody wants it.
    Unwanted,
    /// This operation makes its successor. Where that turns out to be unnecessary, so is this.
    ReplacedBy(usize),
    /// Its successor can't be made while it stands.
    InTheWay,
}

impl Work {
    /// What it is called; `None` for what is not told.
    pub(super) fn activity(&self) -> Option<Activity> {
        match self {
            Self::Keep { .. } | Self::Forget => None,
            Self::Create { .. } => Some(Activity::Create),
            Self::Update { .. } => Some(Activity::Update),
            Self::Recover { .. } | Self::CleanUp => Some(Activity::Recover),
            Self::Delete { .. } => Some(Activity::Delete),
        }
    }

    /// The node of the graph that it is about.
    pub(super) fn node(&self) -> Option<usize> {
        match self {
            Self::Keep { node } | Self::Create { node, .. } | Self::Update { node } | Self::Recover { node } => {
                Some(*node)
            }
            Self::Delete { .. } | Self::CleanUp | Self::Forget => None,
        }
    }
}

/// The operations of a plan.
#[derive(Debug)]
pub(super) struct Operations {
    pub(super) list: Vec<Operation>,
    /// The operation that makes, changes or keeps each node.
    pub(super) of_node: HashMap<usize, usize>,
    /// By the operation that makes a successor, the one that deletes what it replaces.
    pub(super) replaced: HashMap<usize, usize>,
    /// Those that delete something, or what may be there, at an address.
    deletes: HashMap<Address, Vec<usize>>,
    edges: Vec<Edge>,
}

impl Operations {
    /// Generates the operations of `plan`.
    pub(super) fn new(plan: &Plan, graph: &Graph, ledger: &Ledger<'_>) -> Self {
        let mut operations = Self {
            list: Vec::with_capacity(plan.steps.len()),
            of_node: HashMap::new(),
            replaced: HashMap::new(),
            deletes: HashMap::new(),
            edges: Vec::new(),
        };
        for step in &plan.steps {
            let node = if plan.destroy { None } else { graph.index(&step.address) };
            operations.step(step, node, graph, ledger);
        }
        operations.order_nodes(graph);
        operations.order_around_deletes(plan, graph, ledger);
        operations
    }

    /// What deletes that incarnation of a resource.
    pub(super) fn deletes_of(&self, address: &Address, id: &Id) -> impl Iterator<Item = usize> {
        let deletes = self.deletes.get(address).into_iter().flatten().copied();
        deletes.filter(move |delete| matches!(&self.list[*delete].work, Work::Delete { id: other, .. } if other == id))
    }

    /// What may start when.
    pub(super) fn schedule(&mut self) -> Schedule {
        Schedule::new(self.list.len(), std::mem::take(&mut self.edges))
    }

    fn step(&mut self, step: &Step, node: Option<usize>, graph: &Graph, ledger: &Ledger<'_>) {
        let record = ledger.records.get(&step.address).map(|managed| managed.record);
        match (step.action, node, record) {
            (Action::Keep, Some(node), _) => {
                self.push_node(step, node, Work::Keep { node });
            }
            (Action::Update, Some(node), _) => {
                self.push_node(step, node, Work::Update { node });
            }
            (Action::Recover, Some(node), Some(_)) => {
                self.push_node(step, node, Work::Recover { node });
            }
            (Action::Create, Some(node), _) | (Action::Recover, Some(node), None) => {
                self.push_node(step, node, Work::Create { node, cause: CreateCause::New });
            }
            (Action::Replace, Some(node), Some(record)) => {
                let forced = record.type_name != step.type_name
                    || !graph.nodes()[node].lifecycle.replace_on.is_empty()
                    || !step.changes.iter().any(|change| change.replaces);
                let cause = CreateCause::Replaces { forced };
                let new = self.push_node(step, node, Work::Create { node, cause });
                let old = self.push_delete(step, &record.type_name, record.id.clone(), DeleteCause::ReplacedBy(new));
                self.replaced.insert(new, old);
                self.edge(new, old, Level::Done, false);
            }
            (Action::ReplaceDeleteFirst, Some(node), Some(record)) => {
                let old = self.push_delete(step, &record.type_name, record.id.clone(), DeleteCause::InTheWay);
                let new = self.push_node(step, node, Work::Create { node, cause: CreateCause::Follows });
                self.edge(old, new, Level::Done, false);
            }
            (Action::Delete, _, Some(record)) => {
                self.push_delete(step, &record.type_name, record.id.clone(), DeleteCause::Unwanted);
            }
            (Action::Recover, None, None) => {
                let index = self.push(step, &step.type_name, Work::CleanUp);
                self.deletes.entry(step.address.clone()).or_default().push(index);
            }
            (Action::Forget, ..) => {
                self.push(step, &step.type_name, Work::Forget);
            }
            // A delete of what only has earlier incarnations, which follow; nothing else comes without its node.
            _ => {}
        }
        if step.action != Action::Forget {
            for old in ledger.deposed(&step.address) {
                let left_over = self.push_delete(step, &old.type_name, old.id.clone(), DeleteCause::Unwanted);
                if let Some(current) = node.and_then(|node| self.of_node.get(&node)).copied() {
                    self.edge(current, left_over, Level::Done, false);
                }
            }
        }
    }

    fn push(&mut self, step: &Step, type_name: &str, work: Work) -> usize {
        let place = step.place.clone();
        self.list.push(Operation { address: step.address.clone(), type_name: type_name.to_owned(), work, place });
        self.list.len() - 1
    }

    fn push_node(&mut self, step: &Step, node: usize, work: Work) -> usize {
        let index = self.push(step, &step.type_name, work);
        self.of_node.insert(node, index);
        index
    }

    fn push_delete(&mut self, step: &Step, type_name: &str, id: Id, cause: DeleteCause) -> usize {
        let index = self.push(step, type_name, Work::Delete { id, cause });
        self.deletes.entry(step.address.clone()).or_default().push(index);
        index
    }

    fn edge(&mut self, before: usize, after: usize, level: Level, soft: bool) {
        self.edges.push(Edge { before, after, level, soft });
    }

    /// Each node after what it depends on.
    fn order_nodes(&mut self, graph: &Graph) {
        for index in 0..self.list.len() {
            let Some(node) = self.list[index].work.node() else { continue };
            let node = &graph.nodes()[node];
            let creates = matches!(self.list[index].work, Work::Create { .. });
            for dependency in &node.dependencies {
                if let Some(before) = self.of_node.get(dependency).copied() {
                    let early = creates && node.early.binary_search(dependency).is_ok();
                    self.edge(before, index, if early { Level::Made } else { Level::Done }, false);
                }
            }
        }
    }

    /// Each delete after what used the thing, and before what can't be made while it is there.
    fn order_around_deletes(&mut self, plan: &Plan, graph: &Graph, ledger: &Ledger<'_>) {
        if self.deletes.is_empty() {
            return;
        }
        let recorded = ledger.dependents();
        let in_graph = dependents_in(graph, &self.deletes);
        let none = BTreeSet::new();
        let mut edges = Vec::new();
        for (address, deletes) in &self.deletes {
            let node = graph.index(address);
            let users = recorded.get(address).unwrap_or(&none);
            for delete in deletes {
                let first = matches!(self.list[*delete].work, Work::Delete { cause: DeleteCause::InTheWay, .. });
                for user in users {
                    edges.extend(self.deletes.get(*user).into_iter().flatten().map(|other| (*other, *delete, true)));
                    let using = graph.index(user);
                    // Where the old one goes before the new one is made, what will use the new one can't go first.
                    let waits_for_new = first
                        && node.is_some_and(|node| {
                            using.is_some_and(|using| graph.nodes()[using].dependencies.binary_search(&node).is_ok())
                        });
                    if let Some(user) = using.and_then(|using| self.of_node.get(&using))
                        && !waits_for_new
                    {
                        edges.push((*user, *delete, true));
                    }
                }
                if !first {
                    let users = node.and_then(|node| in_graph.get(&node)).into_iter().flatten();
                    edges.extend(users.filter_map(|user| self.of_node.get(user)).map(|user| (*user, *delete, true)));
                }
            }
        }
        for step in &plan.steps {
            if !matches!(step.action, Action::Create | Action::Replace | Action::ReplaceDeleteFirst) {
                continue;
            }
            let Some(create) = graph.index(&step.address).and_then(|node| self.of_node.get(&node)) else { continue };
            for blocker in step.after.iter().filter(|blocker| graph.index(blocker).is_none()) {
                let deletes = self.deletes.get(blocker).into_iter().flatten();
                edges.extend(deletes.map(|delete| (*delete, *create, false)));
            }
        }
        // The deletes come out of a hash map; the order in which things are started should not.
        edges.sort_unstable();
        for (before, after, soft) in edges {
            self.edge(before, after, Level::Done, soft);
        }
    }
}

/// What in the graph depends on each node at whose address something is deleted.
fn dependents_in(graph: &Graph, deletes: &HashMap<Address, Vec<usize>>) -> HashMap<usize, Vec<usize>> {
    let mut dependents: HashMap<usize, Vec<usize>> =
        deletes.keys().filter_map(|address| graph.index(address)).map(|node| (node, Vec::new())).collect();
    for (index, node) in graph.nodes().iter().enumerate() {
        for dependency in &node.dependencies {
            if let Some(users) = dependents.get_mut(dependency) {
                users.push(index);
            }
        }
    }
    dependents
}
