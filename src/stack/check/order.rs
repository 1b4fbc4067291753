//! The order of a file's entries, those that others refer to first; cycles.

use crate::diagnostic::{Diagnostic, Span};
use crate::stack::document::{Document, EntryKind};
use crate::stack::expression::{Part, Template, references};
use crate::stack::scope::Unit;

/// The entries of `unit` in an order that respects what they refer to. Each cycle is reported once, as its path.
pub(super) fn order(unit: &Unit, diagnostics: &mut Vec<Diagnostic>) -> Vec<usize> {
    let document = &unit.document;
    let entries = document.entries.len();
    let edges = edges(unit);
    let mut walk = Walk {
        document,
        edges: &edges,
        marks: vec![Mark::New; entries + document.locals.len()],
        path: Vec::new(),
        order: Vec::with_capacity(entries),
        diagnostics,
    };
    for node in 0..edges.len() {
        walk.visit(node);
    }
    walk.order
}

/// For each entry and then each local: what it refers to, and where.
fn edges(unit: &Unit) -> Vec<Vec<(usize, Span)>> {
    let document = &unit.document;
    let entries = document.entries.iter().map(|entry| {
        let mut edges = Edges { unit, found: Vec::new() };
        let lifecycle = &entry.lifecycle;
        for template in [&entry.for_each, &entry.when, &lifecycle.prevent_destroy].into_iter().flatten() {
            edges.template(template);
        }
        for part in entry.depends_on.iter().chain(&lifecycle.replace_on) {
            edges.part(part);
        }
        match &entry.kind {
            EntryKind::Resource { properties: body, .. } | EntryKind::Component { with: body, .. } => {
                edges.template(body)
            }
            EntryKind::Existing { id, tags, .. } => id.iter().chain(tags).for_each(|template| edges.template(template)),
            EntryKind::Broken => {}
        }
        edges.found
    });
    let locals = document.locals.iter().map(|(_, template)| {
        let mut edges = Edges { unit, found: Vec::new() };
        edges.template(template);
        edges.found
    });
    entries.chain(locals).collect()
}

struct Edges<'a> {
    unit: &'a Unit,
    found: Vec<(usize, Span)>,
}

impl Edges<'_> {
    fn template(&mut self, template: &Template) {
        template.each_part(&mut Vec::new(), &mut |_, part| self.part(part));
    }

    fn part(&mut self, part: &Part) {
        use crate::stack::expression::{Index, Step};
        let document = &self.unit.document;
        for reference in references(&part.code) {
            let target = match (reference.name, reference.steps.first()) {
                ("local", Some(Step::Field(name, _) | Step::Index(Index::Text(name), _))) => {
                    let local = document.locals.iter().position(|(local, _)| local.value == *name);
                    local.map(|local| document.entries.len() + local)
                }
                (name, _) => self.unit.entries.get(name).copied(),
            };
            if let Some(target) = target {
                self.found.push((target, part.span(&reference.range)));
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    New,
    Open,
    Done,
}

struct Walk<'a> {
    document: &'a Document,
    edges: &'a [Vec<(usize, Span)>],
    marks: Vec<Mark>,
    /// The nodes under way, each with the place of the reference that led on from it.
    path: Vec<(usize, Option<Span>)>,
    order: Vec<usize>,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Walk<'_> {
    fn visit(&mut self, node: usize) {
        if self.marks[node] != Mark::New {
            return;
        }
        self.marks[node] = Mark::Open;
        self.path.push((node, None));
        let edges = self.edges;
        for (target, span) in &edges[node] {
            if let Some(last) = self.path.last_mut() {
                last.1 = Some(span.clone());
            }
            match self.marks[*target] {
                Mark::New => self.visit(*target),
                Mark::Open => self.cycle(*target),
                Mark::Done => {}
            }
        }
        self.path.pop();
        self.marks[node] = Mark::Done;
        if node < self.document.entries.len() {
            self.order.push(node);
        }
    }

    fn cycle(&mut self, target: usize) {
        let start = self.path.iter().position(|(node, _)| *node == target).unwrap_or(0);
        let cycle = &self.path[start..];
        let mut names: Vec<String> = cycle.iter().map(|(node, _)| self.name(*node)).collect();
        names.push(self.name(target));
        let Some((_, Some(span))) = cycle.first() else { return };
        let message = match cycle {
            [_] => format!("`{}` refers to itself", names[0]),
            _ => format!("these refer to each other in a circle: {}", names.join(" → ")),
        };
        let mut error = Diagnostic::error(span, message);
        for ((_, span), name) in cycle.iter().zip(&names[1..]).skip(1) {
            if let Some(span) = span {
                error = error.related(span, format!("refers to {name}"));
            }
        }
        if cycle.len() > 1 {
            error = error.label(format!("refers to {}", names[1]));
        }
        self.diagnostics.push(error);
    }

    fn name(&self, node: usize) -> String {
        match self.document.entries.get(node) {
            Some(entry) => entry.name.clone(),
            None => format!("local.{}", self.document.locals[node - self.document.entries.len()].0.value),
        }
    }
}
