//! Everything that can be found wrong in one file without a cloud.

use std::collections::HashMap;
use std::sync::Arc;

use super::constant::constant;
use super::document::{Allow, Document, Entry, EntryKind};
use super::expression::{Part, Step, Template, Tree, references};
use super::names::Names;
use super::scope::{Unit, type_of};
use super::typing::{Foreseen, Schema};
use super::{parameters, suggest};
use crate::catalog::{Catalog, TypeInfo};
use crate::diagnostic::Diagnostic;

mod order;

/// Checks a document whose components are loaded, and makes the unit of it.
pub(super) fn check(
    document: Document,
    components: Vec<Option<Arc<Unit>>>,
    catalog: &Catalog,
    diagnostics: &mut Vec<Diagnostic>,
) -> Arc<Unit> {
    let types = document.entries.iter().map(|entry| type_of(catalog, &entry.kind).cloned()).collect();
    let entries: HashMap<String, usize> =
        document.entries.iter().enumerate().rev().map(|(index, entry)| (entry.name.clone(), index)).collect();
    let mut unit = Unit { document, types, components, order: Vec::new(), entries };
    let mut checker = Checker { unit: &unit, names: Names { unit: &unit }, catalog, diagnostics };
    checker.all();
    unit.order = order::order(&unit, diagnostics);
    Arc::new(unit)
}

struct Checker<'a> {
    unit: &'a Unit,
    names: Names<'a>,
    catalog: &'a Catalog,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Checker<'_> {
    fn all(&mut self) {
        let document = &self.unit.document;
        for (index, entry) in document.entries.iter().enumerate() {
            self.entry(index, entry);
        }
        for (_, template) in &document.locals {
            self.references(template, false);
        }
        for output in &document.outputs {
            self.references(&output.value, false);
        }
        if let Some(region) = &document.region {
            self.only_parameters(region, "`region`");
        }
        if let Some(tags) = &document.tags {
            self.references(tags, false);
            self.tags(tags);
        }
        self.allow(&document.allow, false);
        if let Some(probe) = &document.probe {
            self.references(&probe.settings, false);
            super::probe::check(probe, self.diagnostics);
        }
    }

    fn tags(&mut self, tags: &Template) {
        match &tags.tree {
            Tree::Map(entries) => {
                for (_, _, value) in entries {
                    if let Tree::Literal(literal) = &value.tree
                        && literal.kind() != "string"
                    {
                        let message =
                            format!("a tag's value is a string, not {}", super::expression::article(literal.kind()));
                        self.diagnostics.push(Diagnostic::error(&value.span, message).help("put it in quotes"));
                    }
                }
            }
            Tree::Expression(_) | Tree::Broken => {}
            _ => self.diagnostics.push(Diagnostic::error(&tags.span, "`tags` is a map")),
        }
    }

    fn allow(&mut self, allowed: &[Allow], in_each: bool) {
        for Allow { lint, reason } in allowed {
            self.references(reason, in_each);
            if let Some(Err(error)) = reason.constant().map(|value| super::allow::reason(lint, reason, value)) {
                self.diagnostics.push(error);
            }
        }
    }

    fn entry(&mut self, index: usize, entry: &Entry) {
        let in_each = entry.for_each.is_some();
        self.allow(&entry.allow, in_each);
        if let Some(deploy) = &entry.deploy {
            self.references(&deploy.settings, in_each);
        }
        if let Some(for_each) = &entry.for_each {
            self.references(for_each, false);
            let wrong = match &for_each.tree {
                Tree::Literal(value) => Some(value.kind()),
                Tree::Text(_) => Some("string"),
                _ => None,
            };
            let kind = wrong.or_else(|| self.names.kind(for_each));
            if let Some(kind) = kind.filter(|kind| !matches!(*kind, "list" | "map")) {
                let message = format!("`for_each` is a list or a map, not {}", super::expression::article(kind));
                self.diagnostics.push(Diagnostic::error(&for_each.span, message));
            }
        }
        if let Some(when) = &entry.when {
            self.references(when, in_each);
            let kind = match &when.tree {
                Tree::Literal(value) => Some(value.kind()),
                _ => self.names.kind(when),
            };
            if let Some(kind) = kind.filter(|kind| *kind != "boolean") {
                let message = format!("`when` is a boolean, not {}", super::expression::article(kind));
                self.diagnostics.push(Diagnostic::error(&when.span, message));
            }
        }
        for part in &entry.depends_on {
            self.names_entry(part, in_each, "`depends_on`");
        }
        for part in &entry.lifecycle.replace_on {
            self.names_entry(part, in_each, "`replace_on`");
        }
        if let Some(prevent) = &entry.lifecycle.prevent_destroy {
            self.references(prevent, in_each);
            if let Tree::Literal(value) = &prevent.tree
                && value.kind() != "boolean"
            {
                self.diagnostics.push(Diagnostic::error(&prevent.span, "`prevent_destroy` is a boolean"));
            }
        }
        let info = self.unit.types[index].clone();
        match &entry.kind {
            EntryKind::Resource { type_name, properties } => {
                match &info {
                    None => self.unknown_type(&type_name.value, &type_name.span),
                    Some(info) => {
                        self.properties(entry, info, properties);
                        super::deploy::check(entry, info.name, properties, self.diagnostics);
                    }
                }
                self.references(properties, in_each);
            }
            EntryKind::Component { with, .. } => {
                if let Some(component) = self.unit.components[index].clone() {
                    self.inputs(entry, &component, with);
                }
                self.references(with, in_each);
            }
            EntryKind::Existing { type_name, id, tags } => {
                if info.is_none() {
                    self.unknown_type(&type_name.value, &type_name.span);
                }
                for template in id.iter().chain(tags) {
                    self.references(template, false);
                }
                if let Some(tags) = tags {
                    self.tags(tags);
                }
            }
            EntryKind::Broken => {}
        }
    }

    fn unknown_type(&mut self, name: &str, span: &crate::diagnostic::Span) {
        let mut error = Diagnostic::error(span, format!("there is no resource type `{name}`"));
        error.help = type_help(self.catalog, name);
        self.diagnostics.push(error);
    }

    fn properties(&mut self, entry: &Entry, info: &TypeInfo, properties: &Template) {
        let schema = Schema::new(&info.properties);
        let names = self.names;
        let foreseen = |template: &Template| names.foresee(template);
        // What is missing has its place at the resource's name: its properties may not be there at all.
        let mut anchored = properties.clone();
        anchored.span = entry.span.clone();
        let owner = format!("`{}`", info.name);
        schema.check_template(&anchored, &owner, &foreseen, self.diagnostics);
        for name in &entry.lifecycle.ignore {
            let first = name.value.split('.').next().unwrap_or_default();
            if schema.property(first).is_none() {
                let mut error = Diagnostic::error(&name.span, format!("{owner} has no property `{first}`"));
                error.help = suggest::help(first, schema.names(), || None);
                self.diagnostics.push(error);
            }
        }
    }

    fn inputs(&mut self, entry: &Entry, component: &Unit, with: &Template) {
        let Tree::Map(inputs) = &with.tree else { return };
        let declared = &component.document.parameters;
        for (key, span, value) in inputs {
            let Some(parameter) = declared.iter().find(|parameter| parameter.name == *key) else {
                let mut error = Diagnostic::error(span, format!("the component has no parameter `{key}`"));
                let names = declared.iter().map(|parameter| parameter.name.as_str());
                error.help = suggest::help(key, names.clone(), || match declared.len() {
                    0 => Some("it has none".to_owned()),
                    _ => Some(format!("it has {}", suggest::list(names))),
                });
                self.diagnostics.push(error);
                continue;
            };
            let problem = match (value.constant(), &value.tree) {
                (Some(value), _) => parameters::check(parameter, &value).err(),
                (None, Tree::Expression(_)) => match self.names.foresee(value) {
                    Some(Foreseen::Value(value)) => parameters::check(parameter, &value).err(),
                    Some(Foreseen::Kind(kind)) => parameters::kind_problem(parameter, kind),
                    None => None,
                },
                (None, Tree::Text(_)) => parameters::kind_problem(parameter, "string"),
                (None, Tree::List(_)) => parameters::kind_problem(parameter, "list"),
                (None, Tree::Map(_)) => parameters::kind_problem(parameter, "map"),
                (None, Tree::Literal(_) | Tree::Broken) => None,
            };
            if let Some(problem) = problem {
                self.diagnostics.push(problem.into_diagnostic(&value.span).related(&parameter.span, "declared here"));
            }
        }
        for parameter in declared {
            if parameter.default.is_some() || inputs.iter().any(|(key, ..)| *key == parameter.name) {
                continue;
            }
            // A misspelt input is reported as such; that the right one is missing follows from it.
            let misspelt = inputs.iter().any(|(key, ..)| {
                let names = || declared.iter().map(|parameter| parameter.name.as_str());
                !names().any(|name| name == key) && suggest::closest(key, names()) == Some(parameter.name.as_str())
            });
            if !misspelt {
                let message = format!("the component needs `{}` in `with`", parameter.name);
                self.diagnostics
                    .push(Diagnostic::error(&entry.span, message).related(&parameter.span, "declared here"));
            }
        }
    }

    /// Checks that every reference in a template means something.
    fn references(&mut self, template: &Template, in_each: bool) {
        let (names, diagnostics) = (self.names, &mut *self.diagnostics);
        let file = &self.unit.document.source.path;
        template.each_part(&mut Vec::new(), &mut |_, part| {
            if let Some(Err(error)) = constant(part, file) {
                diagnostics.push(error);
            }
            for reference in references(&part.code) {
                if let Err(failure) = names.resolve(&reference, in_each) {
                    diagnostics.push(failure.problem.into_diagnostic(&part.span(&failure.range)));
                }
            }
        });
    }

    fn only_parameters(&mut self, template: &Template, what: &str) {
        let (names, diagnostics) = (self.names, &mut *self.diagnostics);
        template.each_part(&mut Vec::new(), &mut |_, part| {
            for reference in references(&part.code) {
                let result = names.resolve(&reference, false);
                let failure = match result {
                    Err(failure) => failure,
                    Ok(()) if reference.name == "params" => continue,
                    Ok(()) => {
                        super::expression::Problem::new(format!("{what} can only use `params`")).at(reference.range)
                    }
                };
                diagnostics.push(failure.problem.into_diagnostic(&part.span(&failure.range)));
            }
        });
    }

    /// Checks an element of `depends_on` or `replace_on`.
    fn names_entry(&mut self, part: &Part, in_each: bool, what: &str) {
        let found = references(&part.code);
        let whole = part.span(&(0..part.code.text().len()));
        let [reference, ..] = found.as_slice() else {
            self.diagnostics.push(Diagnostic::error(&whole, format!("{what} names resources and components")));
            return;
        };
        if !self.unit.entries.contains_key(reference.name) {
            let span = part.span(&reference.range);
            let mut error = Diagnostic::error(&span, format!("there is no resource or component `{}`", reference.name));
            error.help = suggest::help(reference.name, self.unit.entries.keys().map(String::as_str), || None);
            self.diagnostics.push(error);
            return;
        }
        if let Some(Step::Field(_, range)) = reference.steps.iter().find(|step| matches!(step, Step::Field(..))) {
            let error = Diagnostic::error(&part.span(range), format!("{what} names a whole resource or component"));
            self.diagnostics.push(error.help(format!("write `{}`", reference.name)));
            return;
        }
        for reference in &found[1..] {
            if let Err(failure) = self.names.resolve(reference, in_each) {
                self.diagnostics.push(failure.problem.into_diagnostic(&part.span(&failure.range)));
            }
        }
    }
}

/// What was meant by the name of a type that there is not.
pub(crate) fn type_help(catalog: &Catalog, name: &str) -> Option<String> {
    let names = || catalog.iter().map(|info| info.name);
    let same_end = || {
        let last = name.rsplit("::").next().unwrap_or_default();
        names().find(|known| known.rsplit("::").next() == Some(last))
    };
    suggest::help(name, names(), || {
        Some(match same_end() {
            Some(known) => format!("did you mean `{known}`?"),
            None => "`infra schema --types` lists the types".to_owned(),
        })
    })
}
