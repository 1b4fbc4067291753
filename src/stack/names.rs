//! What the names in an expression mean in one file, known without evaluating anything.

use super::constant::constant;
use super::document::EntryKind;
use super::expression::{Failure, Index, Problem, Reference, Step, Template, Tree, references};
use super::scope::Unit;
use super::suggest;
use super::typing::{Foreseen, Schema};

/// The names of a file.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    pub(super) unit: &'a Unit,
}

impl<'a> Names<'a> {
    /// Checks that a reference means something.
    pub(super) fn resolve(self, reference: &Reference<'_>, in_each: bool) -> Result<(), Failure> {
        let document = &self.unit.document;
        match reference.name {
            "params" => {
                let names = document.parameters.iter().map(|parameter| parameter.name.as_str());
                self.member(reference, names, "there is no parameter")
            }
            "local" => {
                self.member(reference, document.locals.iter().map(|(name, _)| name.value.as_str()), "there is no local")
            }
            "aws" => self.member(reference, ["account_id", "partition", "region"].into_iter(), "`aws` has no member"),
            "each" if in_each => self.member(reference, ["key", "value", "index"].into_iter(), "`each` has no member"),
            "each" => Err(Problem::new("`each` means something in a `for_each` only").at(reference.range.clone())),
            name => match self.unit.entries.get(name) {
                Some(entry) => self.entry(*entry, reference),
                None => Err(self.unknown(name).at(reference.range.clone())),
            },
        }
    }

    fn unknown(self, name: &str) -> Problem {
        let document = &self.unit.document;
        let problem = Problem::new(format!("there is no `{name}` here"));
        if document.parameters.iter().any(|parameter| parameter.name == name) {
            return problem.help(format!("a parameter is written `params.{name}`"));
        }
        if document.locals.iter().any(|(local, _)| local.value == name) {
            return problem.help(format!("a local is written `local.{name}`"));
        }
        let roots = ["params", "local", "each", "aws"];
        let names = document.entries.iter().map(|entry| entry.name.as_str()).chain(roots);
        let help = match name {
            "var" | "parameters" | "param" => Some("a parameter is written `params.name`".to_owned()),
            "locals" => Some("a local is written `local.name`".to_owned()),
            "data" | "module" => Some("a resource or component is written by its name alone".to_owned()),
            _ => suggest::help(name, names, || None),
        };
        Problem { help, ..problem }
    }

    /// A reference whose first step is one of `names`.
    fn member<'n>(
        self,
        reference: &Reference<'_>,
        names: impl Iterator<Item = &'n str> + Clone,
        what: &str,
    ) -> Result<(), Failure> {
        match reference.steps.first() {
            Some(Step::Field(name, range) | Step::Index(Index::Text(name), range)) => {
                if names.clone().any(|known| known == *name) {
                    return Ok(());
                }
                let mut problem = Problem::new(format!("{what} `{name}`"));
                problem.help = suggest::help(name, names.clone(), || {
                    names.clone().next().map(|_| format!("there is {}", suggest::list(names)))
                });
                Err(problem.at(range.clone()))
            }
            Some(Step::Index(..)) => Ok(()),
            None if reference.tested => Ok(()),
            None => Err(Problem::new(format!("`{}` is no value", reference.name))
                .help(format!("name one of its members, as in `{}.name`", reference.name))
                .at(reference.range.clone())),
        }
    }

    fn entry(self, index: usize, reference: &Reference<'_>) -> Result<(), Failure> {
        let entry = &self.unit.document.entries[index];
        let name = &entry.name;
        let mut steps = reference.steps.as_slice();
        if entry.for_each.is_some() && !reference.each_value {
            match steps.first() {
                None => return Ok(()),
                Some(Step::Index(..)) => steps = &steps[1..],
                Some(Step::Field(field, range)) => {
                    let help = format!("one is `{name}[key].{field}`, all are `values({name}).map(x, x.{field})`");
                    return Err(Problem::new(format!("`{name}` is a `for_each`: there are several"))
                        .help(help)
                        .at(range.clone()));
                }
            }
        } else if let Some(Step::Index(Index::Expression(_) | Index::Dynamic, range)) = steps.first()
            && !matches!(entry.kind, EntryKind::Broken)
        {
            return Err(Problem::new(format!("`{name}` has no `for_each`: there is only one")).at(range.clone()));
        }
        let Some(Step::Field(field, range) | Step::Index(Index::Text(field), range)) = steps.first() else {
            return Ok(());
        };
        self.field(index, field).map_err(|problem| problem.at(range.clone()))
    }

    /// Checks that the entry has a property, output or component output of that name.
    fn field(self, index: usize, field: &str) -> Result<(), Problem> {
        let entry = &self.unit.document.entries[index];
        let name = &entry.name;
        if let Some(component) = &self.unit.components[index] {
            let outputs = component.document.outputs.iter().map(|output| output.name.as_str());
            if outputs.clone().any(|output| output == field) {
                return Ok(());
            }
            let mut problem = Problem::new(format!("the component `{name}` has no output `{field}`"));
            problem.help = suggest::help(field, outputs.clone(), || {
                Some(match outputs.clone().next() {
                    Some(_) => format!("it has {}", suggest::list(outputs)),
                    None => "it has none".to_owned(),
                })
            });
            return Err(problem);
        }
        let Some(info) = &self.unit.types[index] else { return Ok(()) };
        let (outputs, properties) = (Schema::new(&info.outputs), Schema::new(&info.properties));
        if outputs.has(field) {
            return Ok(());
        }
        if properties.property(field).is_none() {
            let mut problem = Problem::new(format!("`{}` has no property or output `{field}`", info.name));
            problem.help = suggest::help(field, outputs.names().chain(properties.names()), || {
                Some(format!("its outputs are {}", suggest::list(outputs.names())))
            });
            return Err(problem);
        }
        match &entry.kind {
            EntryKind::Resource { properties, .. }
                if properties.entry(field).is_none()
                    && !info.makes_name(field)
                    && !matches!(properties.tree, Tree::Broken) =>
            {
                Err(Problem::new(format!("`{name}` does not set `{field}`, so its value is not known"))
                    .help(format!("set it, or use an output: {}", suggest::list(outputs.names()))))
            }
            _ => Ok(()),
        }
    }

    /// What can be told of an expression that is a whole value.
    pub(super) fn foresee(self, template: &Template) -> Option<Foreseen> {
        let Tree::Expression(part) = &template.tree else { return None };
        match constant(part, &self.unit.document.source.path) {
            Some(Ok(value)) => Some(Foreseen::Value(value)),
            Some(Err(_)) => None,
            None => self.static_kind(template).map(Foreseen::Kind),
        }
    }

    /// What kind of value an expression that is a whole value gives.
    pub(super) fn kind(self, template: &Template) -> Option<&'static str> {
        match self.foresee(template)? {
            Foreseen::Value(value) => Some(value.kind()),
            Foreseen::Kind(kind) => Some(kind),
        }
    }

    fn static_kind(self, template: &Template) -> Option<&'static str> {
        let Tree::Expression(part) = &template.tree else { return None };
        if !part.code.is_path() {
            return None;
        }
        let found = references(&part.code);
        let [reference] = found.as_slice() else { return None };
        let document = &self.unit.document;
        match (reference.name, reference.steps.as_slice()) {
            ("params", [Step::Field(name, _)]) => {
                let parameter = document.parameters.iter().find(|parameter| parameter.name == *name)?;
                let nullable = parameter.default.as_ref().is_some_and(|default| default.value.kind() == "null");
                (!parameter.broken && parameter.kind.name() != "number" && !nullable).then(|| parameter.kind.name())
            }
            ("each", [Step::Field("index", _)]) => Some("integer"),
            ("aws", [Step::Field(_, _)]) => Some("string"),
            (name, steps) => {
                let index = *self.unit.entries.get(name)?;
                let several = document.entries[index].for_each.is_some();
                let field = match steps {
                    [Step::Field(field, _)] if !several => field,
                    [Step::Index(..), Step::Field(field, _)] if several => field,
                    _ => return None,
                };
                let outputs = Schema::new(&self.unit.types[index].as_ref()?.outputs);
                outputs.property(field).filter(|_| outputs.has(field))?.only_kind()
            }
        }
    }
}
