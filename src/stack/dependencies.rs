//! Which resources a resource refers to, directly or through locals, inputs and outputs.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::document::EntryKind;
use super::expression::{Evaluator, Index, Part, Reference, Step, Template, references};
use super::scope::{Each, Frame, Here, Inputs, Instance, Member, Session};
use crate::address::Address;
use crate::value::Value;

/// Indices of nodes.
pub(super) type Nodes = BTreeSet<usize>;

/// Follows references to the nodes behind them.
#[derive(Default)]
pub(super) struct Follower {
    /// Of each resource, its node.
    pub(super) nodes: HashMap<Address, usize>,
    /// What locals, inputs, outputs and `for_each`es of a file come to, by file, kind and index.
    known: HashMap<(usize, u8, usize), Arc<Nodes>>,
    /// How deep references are followed now.
    depth: usize,
}

/// How deep references are followed through locals, inputs and outputs.
const MAX_DEPTH: usize = 512;

impl Follower {
    /// Adds the nodes that a template refers to.
    pub(super) fn template(
        &mut self,
        session: &Session<'_>,
        frame: &Frame,
        each: Option<&Each>,
        template: &Template,
        out: &mut Nodes,
    ) {
        template.each_part(&mut Vec::new(), &mut |_, part| self.part(session, frame, each, part, out));
    }

    /// Adds the nodes that an expression refers to.
    pub(super) fn part(
        &mut self,
        session: &Session<'_>,
        frame: &Frame,
        each: Option<&Each>,
        part: &Part,
        out: &mut Nodes,
    ) {
        for reference in references(&part.code) {
            self.reference(session, frame, each, part, &reference, out);
        }
    }

    /// Adds the nodes that one reference leads to.
    pub(super) fn reference(
        &mut self,
        session: &Session<'_>,
        frame: &Frame,
        each: Option<&Each>,
        part: &Part,
        reference: &Reference<'_>,
        out: &mut Nodes,
    ) {
        if reference.iterated {
            return;
        }
        let document = &frame.unit.document;
        let first = match reference.steps.first() {
            Some(Step::Field(name, _) | Step::Index(Index::Text(name), _)) => Some(*name),
            _ => None,
        };
        match (reference.name, first) {
            ("local", Some(name)) => {
                let Some(index) = document.locals.iter().position(|(local, _)| local.value == name) else { return };
                self.once(frame, 0, index, out, |this, out| {
                    this.template(session, frame, None, &document.locals[index].1, out);
                });
            }
            ("params", Some(name)) => {
                let Inputs::Component { parent, entry, each } = &frame.inputs else { return };
                let Some(parent) = parent.upgrade() else { return };
                let Some(index) = document.parameters.iter().position(|parameter| parameter.name == name) else {
                    return;
                };
                let EntryKind::Component { with, .. } = &parent.unit.document.entries[*entry].kind else { return };
                let Some(input) = with.entry(name) else { return };
                self.once(frame, 1, index, out, |this, out| {
                    this.template(session, &parent, each.as_deref(), input, out)
                });
            }
            ("each", Some("key" | "value")) => {
                let Some(index) = each.map(|each| each.entry) else { return };
                let Some(for_each) = &document.entries[index].for_each else { return };
                self.once(frame, 3, index, out, |this, out| this.template(session, frame, None, for_each, out));
            }
            (name, _) => {
                let Some(entry) = frame.unit.entries.get(name).copied() else { return };
                let here = Here { session, frame, each };
                match frame.member(entry) {
                    Some(Member::One(instance)) => self.instance(session, instance, &reference.steps, out),
                    Some(Member::Many(instances, by_key)) => {
                        let index = match reference.steps.first() {
                            Some(Step::Index(index, _)) => key(here, part, *index),
                            _ => None,
                        };
                        let one = index.and_then(|key| by_key.get(&key)).and_then(|at| instances.get(*at));
                        let rest = reference.steps.get(1..).unwrap_or_default();
                        match one {
                            Some((_, instance)) => self.instance(session, instance, rest, out),
                            None => {
                                let rest = if reference.each_value { &reference.steps } else { rest };
                                instances.iter().for_each(|(_, instance)| self.instance(session, instance, rest, out));
                            }
                        }
                    }
                    Some(Member::Off) | None => {}
                }
            }
        }
    }

    /// Adds the nodes of an instance; of a component's output, those that it refers to.
    fn instance(&mut self, session: &Session<'_>, instance: &Instance, steps: &[Step<'_>], out: &mut Nodes) {
        match instance {
            Instance::Existing(_) => {}
            Instance::Resource { address, .. } => out.extend(self.nodes.get(address)),
            Instance::Component(frame) => {
                let output = match steps.first() {
                    Some(Step::Field(name, _) | Step::Index(Index::Text(name), _)) => {
                        frame.unit.document.outputs.iter().position(|output| output.name == *name)
                    }
                    _ => None,
                };
                match output {
                    Some(index) => self.once(frame, 2, index, out, |this, out| {
                        this.template(session, frame, None, &frame.unit.document.outputs[index].value, out);
                    }),
                    None => self.inside(frame, out),
                }
            }
        }
    }

    /// Adds all nodes of a component.
    fn inside(&self, frame: &Frame, out: &mut Nodes) {
        let add = |instance: &Instance, out: &mut Nodes| match instance {
            Instance::Existing(_) => {}
            Instance::Resource { address, .. } => out.extend(self.nodes.get(address)),
            Instance::Component(frame) => self.inside(frame, out),
        };
        for entry in 0..frame.members.len() {
            match frame.member(entry) {
                Some(Member::One(instance)) => add(instance, out),
                Some(Member::Many(instances, _)) => instances.iter().for_each(|(_, instance)| add(instance, out)),
                Some(Member::Off) | None => {}
            }
        }
    }

    fn once(
        &mut self,
        frame: &Frame,
        kind: u8,
        index: usize,
        out: &mut Nodes,
        find: impl FnOnce(&mut Self, &mut Nodes),
    ) {
        let slot = (std::ptr::from_ref(frame) as usize, kind, index);
        if let Some(known) = self.known.get(&slot) {
            out.extend(known.iter());
            return;
        }
        if self.depth >= MAX_DEPTH {
            return;
        }
        self.depth += 1;
        let mut found = Nodes::new();
        find(self, &mut found);
        self.depth -= 1;
        out.extend(&found);
        self.known.insert(slot, Arc::new(found));
    }
}

/// The key that an index names, where it can be told.
fn key(here: Here<'_>, part: &Part, index: Index<'_>) -> Option<String> {
    match index {
        Index::Text(text) => Some(text.to_owned()),
        Index::Dynamic => None,
        Index::Expression(node) => match Evaluator::new(&part.code, &here).run_node(node) {
            Ok(Value::String(key)) => Some(key),
            _ => None,
        },
    }
}
