//! Which parameters of a stack are secret, told by what refers to them: values don't tell, because they may be unknown
//! yet, and because a secret may hold them transformed.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::document::EntryKind;
use super::expression::{Index, Reference, Step, Template, Tree, references};
use super::scope::Unit;
use super::typing::Schema;

/// The names of the parameters of `root` that a secret may follow from, in it or in a component: those that are declared
/// secret, and those that an expression refers to, directly or not, in a secret property, in one with secrets below it,
/// in a secret output, or in a component's secret parameter.
pub(super) fn secret_parameters(root: &Arc<Unit>) -> BTreeSet<String> {
    let mut search = Search::default();
    search.add(root);
    for unit in 0..search.units.len() {
        search.begin(unit);
    }
    while let Some((unit, place)) = search.open.pop() {
        search.follow(unit, place);
    }
    let parameters = root.document.parameters.iter().enumerate();
    let secret = parameters.filter(|(index, _)| search.seen.contains(&(0, Place::Parameter(*index))));
    secret.map(|(_, parameter)| parameter.name.clone()).collect()
}

/// Something in a file that a secret follows from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Place<'u> {
    Local(usize),
    Parameter(usize),
    Output(usize),
    ForEach(usize),
    /// A property of a resource; all of them where none is named.
    Property(usize, Option<&'u str>),
}

#[derive(Default)]
struct Search<'u> {
    /// Every file once, however often it is used: what is secret in one use of it is so in all.
    units: Vec<&'u Unit>,
    indices: HashMap<*const Unit, usize>,
    /// Of each file, the entries that use it as a component.
    users: Vec<Vec<(usize, usize)>>,
    seen: HashSet<(usize, Place<'u>)>,
    open: Vec<(usize, Place<'u>)>,
}

impl<'u> Search<'u> {
    fn add(&mut self, unit: &'u Arc<Unit>) -> usize {
        if let Some(index) = self.indices.get(&Arc::as_ptr(unit)) {
            return *index;
        }
        let index = self.units.len();
        self.indices.insert(Arc::as_ptr(unit), index);
        self.units.push(unit);
        self.users.push(Vec::new());
        for (entry, component) in unit.components.iter().enumerate() {
            if let Some(component) = component {
                let component = self.add(component);
                self.users[component].push((index, entry));
            }
        }
        index
    }

    /// Notes what is secret in a file by declaration.
    fn begin(&mut self, unit: usize) {
        let Unit { document, types, .. } = self.units[unit];
        for (index, _) in document.parameters.iter().enumerate().filter(|(_, parameter)| parameter.secret) {
            self.note(unit, Place::Parameter(index));
        }
        for (index, _) in document.outputs.iter().enumerate().filter(|(_, output)| output.secret) {
            self.note(unit, Place::Output(index));
        }
        for (index, (entry, kind)) in document.entries.iter().zip(types).enumerate() {
            if let (EntryKind::Resource { properties, .. }, Some(kind)) = (&entry.kind, kind) {
                self.properties(unit, index, properties, Schema::new(&kind.properties));
            }
        }
    }

    fn properties(&mut self, unit: usize, entry: usize, template: &'u Template, schema: Schema<'_>) {
        match &template.tree {
            _ if schema.is_secret() => self.template(unit, Some(entry), template),
            Tree::Map(entries) => {
                for (name, _, value) in entries {
                    if let Some(schema) = schema.property(name) {
                        self.properties(unit, entry, value, schema);
                    }
                }
            }
            Tree::List(items) => {
                if let Some(schema) = schema.items() {
                    items.iter().for_each(|item| self.properties(unit, entry, item, schema));
                }
            }
            Tree::Expression(_) | Tree::Text(_) if schema.holds_secret() => self.template(unit, Some(entry), template),
            Tree::Expression(_) | Tree::Text(_) | Tree::Literal(_) | Tree::Broken => {}
        }
    }

    fn note(&mut self, unit: usize, place: Place<'u>) {
        if self.seen.insert((unit, place.clone())) {
            self.open.push((unit, place));
        }
    }

    fn follow(&mut self, unit: usize, place: Place<'u>) {
        let document = &self.units[unit].document;
        match place {
            Place::Local(index) => self.template(unit, None, &document.locals[index].1),
            Place::Output(index) => self.template(unit, None, &document.outputs[index].value),
            Place::ForEach(entry) => {
                document.entries[entry].for_each.iter().for_each(|for_each| self.template(unit, None, for_each));
            }
            Place::Parameter(index) => {
                for (user, entry) in self.users[unit].clone() {
                    let EntryKind::Component { with, .. } = &self.units[user].document.entries[entry].kind else {
                        continue;
                    };
                    let given = if matches!(with.tree, Tree::Map(_)) {
                        with.entry(&document.parameters[index].name)
                    } else {
                        Some(with)
                    };
                    given.into_iter().for_each(|given| self.template(user, Some(entry), given));
                }
            }
            Place::Property(entry, name) => {
                let EntryKind::Resource { properties, .. } = &document.entries[entry].kind else { return };
                let value = name.and_then(|name| properties.entry(name)).unwrap_or(properties);
                self.template(unit, Some(entry), value);
            }
        }
    }

    /// Notes what a template refers to; `entry` is whose `each` it may use.
    fn template(&mut self, unit: usize, entry: Option<usize>, template: &'u Template) {
        template.each_part(&mut Vec::new(), &mut |_, part| {
            for reference in references(&part.code) {
                self.reference(unit, entry, &reference);
            }
        });
    }

    fn reference(&mut self, unit: usize, entry: Option<usize>, reference: &Reference<'u>) {
        // The macro's variable is referred to apart.
        if reference.iterated {
            return;
        }
        let Unit { document, components, entries, .. } = self.units[unit];
        let named = |step: &Step<'u>| match step {
            Step::Field(name, _) | Step::Index(Index::Text(name), _) => Some(*name),
            Step::Index(Index::Expression(_) | Index::Dynamic, _) => None,
        };
        let first = reference.steps.first().and_then(named);
        let is_first = |name: &str| first.is_none_or(|first| first == name);
        match reference.name {
            "local" => {
                let locals = document.locals.iter().enumerate().filter(|(_, (name, _))| is_first(&name.value));
                locals.for_each(|(index, _)| self.note(unit, Place::Local(index)));
            }
            "params" => {
                let parameters = document.parameters.iter().enumerate().filter(|(_, one)| is_first(&one.name));
                parameters.for_each(|(index, _)| self.note(unit, Place::Parameter(index)));
            }
            "each" => entry.into_iter().for_each(|entry| self.note(unit, Place::ForEach(entry))),
            name => {
                let Some(entry) = entries.get(name).copied() else { return };
                // The first step may be the key of one of many.
                let names: Vec<&'u str> = reference.steps.iter().take(2).filter_map(named).collect();
                if let Some(component) =
                    components[entry].as_ref().and_then(|unit| self.indices.get(&Arc::as_ptr(unit)))
                {
                    self.outputs(*component, &names);
                } else if let EntryKind::Resource { properties, .. } = &document.entries[entry].kind {
                    let mut given = names.iter().filter(|name| properties.entry(name).is_some()).peekable();
                    if names.is_empty() || !matches!(properties.tree, Tree::Map(_)) {
                        self.note(unit, Place::Property(entry, None));
                    } else if given.peek().is_some() {
                        given.for_each(|name| self.note(unit, Place::Property(entry, Some(name))));
                    }
                }
            }
        }
    }

    /// Notes the outputs of a component that are named; all where none is.
    fn outputs(&mut self, component: usize, names: &[&str]) {
        let outputs = &self.units[component].document.outputs;
        let is_named = |name: &String| names.contains(&name.as_str());
        let all = !outputs.iter().any(|output| is_named(&output.name));
        for (index, _) in outputs.iter().enumerate().filter(|(_, output)| all || is_named(&output.name)) {
            self.note(component, Place::Output(index));
        }
    }
}
