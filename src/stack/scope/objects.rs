//! What the names in expressions stand for, each found only as far as it is asked for.

use std::borrow::Cow;
use std::rc::Rc;

use super::{Here, Instance, MAX_NESTING, MAX_STEPS, Member};
use crate::address::Address;
use crate::cloud::Lookup;
use crate::stack::document::EntryKind;
use crate::stack::expression::{Object, Operand, Problem, Scope, Template};
use crate::stack::suggest;
use crate::stack::typing::Schema;
use crate::value::Value;

impl<'s> Scope<'s> for Here<'s> {
    fn root(&self, name: &str) -> Result<Operand<'s>, Problem> {
        let namespace = match name {
            "params" => Namespace::Params,
            "local" => Namespace::Local,
            "each" => Namespace::Each,
            "aws" => Namespace::Aws,
            _ => {
                let entry = self.frame.unit.entries.get(name).copied();
                let entry = entry.ok_or_else(|| Problem::new(format!("there is no `{name}` here")))?;
                return match self.frame.member(entry) {
                    None => Ok(Value::Unknown.into()),
                    Some(Member::Off) => Ok(Value::Null.into()),
                    Some(Member::One(instance)) => Ok(instance_operand(*self, entry, instance)),
                    Some(member @ Member::Many(..)) => {
                        Ok(Operand::Object(Rc::new(Group { here: *self, entry, member })))
                    }
                };
            }
        };
        Ok(Operand::Object(Rc::new(NamespaceObject { here: *self, namespace })))
    }

    fn lookup(&self, lookup: Lookup) -> Result<Value, Problem> {
        Ok(self.session.answer(lookup))
    }

    fn file(&self, path: &str) -> Result<String, Problem> {
        self.session.file(&self.frame.unit.document.source.path, path)
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.session.variable(name)
    }

    fn spend(&self, steps: usize) -> Result<(), Problem> {
        let spent = self.session.steps.get().saturating_add(steps);
        self.session.steps.set(spent);
        if spent > MAX_STEPS {
            return Err(Problem::new(format!("this takes more than {MAX_STEPS} steps to evaluate")));
        }
        Ok(())
    }

    fn enter(&self) -> Result<(), Problem> {
        let depth = self.session.depth.get() + 1;
        if depth > MAX_NESTING {
            return Err(Problem::new("expressions refer to each other too deep"));
        }
        self.session.depth.set(depth);
        Ok(())
    }

    fn leave(&self) {
        self.session.depth.set(self.session.depth.get().saturating_sub(1));
    }
}

#[derive(Clone, Copy)]
enum Namespace {
    Params,
    Local,
    Each,
    Aws,
}

/// `params`, `local`, `each` or `aws`.
struct NamespaceObject<'s> {
    here: Here<'s>,
    namespace: Namespace,
}

impl<'s> Object<'s> for NamespaceObject<'s> {
    fn get(&self, key: &str) -> Result<Operand<'s>, Problem> {
        let document = &self.here.frame.unit.document;
        let missing = || Problem::new(format!("there is no `{key}` here"));
        match self.namespace {
            Namespace::Params => {
                let index = document.parameters.iter().position(|parameter| parameter.name == key);
                self.here.parameter(index.ok_or_else(missing)?).map(Operand::from)
            }
            Namespace::Local => {
                let index = document.locals.iter().position(|(name, _)| name.value == key);
                self.here.local(index.ok_or_else(missing)?).map(Operand::from)
            }
            Namespace::Each => {
                let each = self.here.each.ok_or_else(|| Problem::new("`each` means something in a `for_each` only"))?;
                match key {
                    "key" => Ok(Operand::Value(Cow::Borrowed(&each.key))),
                    "value" => Ok(Operand::Value(Cow::Borrowed(&each.value))),
                    "index" => Ok(Operand::Value(Cow::Borrowed(&each.index))),
                    _ => Err(missing()),
                }
            }
            Namespace::Aws => match key {
                "region" => Ok(Value::String(self.here.session.world.region.clone()).into()),
                "account_id" | "partition" => match self.here.session.answer(Lookup::Account) {
                    Value::Map(mut account) => account.remove(key).map(Operand::from).ok_or_else(missing),
                    _ => Ok(Value::Unknown.into()),
                },
                _ => Err(missing()),
            },
        }
    }

    fn keys(&self) -> Option<Vec<String>> {
        let document = &self.here.frame.unit.document;
        match self.namespace {
            Namespace::Params => Some(document.parameters.iter().map(|parameter| parameter.name.clone()).collect()),
            Namespace::Local => Some(document.locals.iter().map(|(name, _)| name.value.clone()).collect()),
            Namespace::Each | Namespace::Aws => None,
        }
    }

    fn value(&self) -> Result<Value, Problem> {
        Err(Problem::new("this is no value").help("name one of its members, as in `params.name`"))
    }
}

/// What an instance stands for in expressions of the file it stands in.
fn instance_operand<'s>(here: Here<'s>, entry: usize, instance: &'s Instance) -> Operand<'s> {
    match instance {
        Instance::Existing(Value::Unknown) => Value::Unknown.into(),
        Instance::Existing(value) => Operand::Value(Cow::Borrowed(value)),
        Instance::Component(frame) => {
            Operand::Object(Rc::new(ComponentObject { here: Here { frame, each: None, ..here } }))
        }
        Instance::Resource { address, each } => {
            let here = Here { each: each.as_deref(), ..here };
            Operand::Object(Rc::new(ResourceObject { here, entry, address }))
        }
    }
}

/// A `for_each`.
struct Group<'s> {
    here: Here<'s>,
    entry: usize,
    member: &'s Member,
}

impl<'s> Object<'s> for Group<'s> {
    fn get(&self, key: &str) -> Result<Operand<'s>, Problem> {
        let Member::Many(instances, by_key) = self.member else { return Ok(Value::Unknown.into()) };
        match by_key.get(key).and_then(|at| instances.get(*at)) {
            Some((_, instance)) => Ok(instance_operand(self.here, self.entry, instance)),
            None => {
                let name = &self.here.frame.unit.document.entries[self.entry].name;
                let keys = || suggest::list(instances.iter().map(|(key, _)| key.as_str()));
                Err(Problem::new(format!("there is no `{name}[{key:?}]`")).help(format!("its keys are {}", keys())))
            }
        }
    }

    fn keys(&self) -> Option<Vec<String>> {
        let Member::Many(instances, _) = self.member else { return None };
        Some(instances.iter().map(|(key, _)| key.clone()).collect())
    }

    fn value(&self) -> Result<Value, Problem> {
        let Member::Many(instances, _) = self.member else { return Ok(Value::Unknown) };
        instances
            .iter()
            .map(|(key, instance)| Ok((key.clone(), instance_operand(self.here, self.entry, instance).into_value()?)))
            .collect()
    }
}

/// A component: its outputs.
struct ComponentObject<'s> {
    here: Here<'s>,
}

impl<'s> Object<'s> for ComponentObject<'s> {
    fn get(&self, key: &str) -> Result<Operand<'s>, Problem> {
        let outputs = &self.here.frame.unit.document.outputs;
        let Some(output) = outputs.iter().find(|output| output.name == key) else {
            return Err(Problem::new(format!("the component has no output `{key}`")));
        };
        let value = self.here.evaluate(&output.value).map_err(Problem::from_diagnostic)?;
        let bare = output.secret && !matches!(value, Value::Secret(_) | Value::Unknown);
        Ok(if bare { Value::Secret(Box::new(value.revealed())) } else { value }.into())
    }

    fn keys(&self) -> Option<Vec<String>> {
        None
    }

    fn value(&self) -> Result<Value, Problem> {
        let outputs = &self.here.frame.unit.document.outputs;
        outputs.iter().map(|output| Ok((output.name.clone(), self.get(&output.name)?.into_value()?))).collect()
    }
}

/// A resource of ours: its properties and outputs, as far as they are known.
struct ResourceObject<'s> {
    here: Here<'s>,
    entry: usize,
    address: &'s Address,
}

impl<'s> ResourceObject<'s> {
    fn template(&self) -> Option<&'s Template> {
        match &self.here.frame.unit.document.entries[self.entry].kind {
            EntryKind::Resource { properties, .. } => Some(properties),
            _ => None,
        }
    }
}

impl<'s> Object<'s> for ResourceObject<'s> {
    fn get(&self, key: &str) -> Result<Operand<'s>, Problem> {
        let Some(kind) = &self.here.frame.unit.types[self.entry] else { return Ok(Value::Unknown.into()) };
        let session = self.here.session;
        session.volatile.set(true);
        let output = Schema::new(&kind.outputs).property(key).filter(|_| Schema::new(&kind.outputs).has(key));
        let property = Schema::new(&kind.properties).property(key);
        let secret = output.or(property).is_some_and(Schema::is_secret);
        let attributes = session.known.attributes(self.address);
        if matches!(attributes, Some(Value::Unknown)) {
            return Ok(Value::Unknown.into());
        }
        if let Some(value) = attributes.and_then(|attributes| attributes.get(key)) {
            let bare = secret && !matches!(value, Value::Secret(_) | Value::Unknown);
            return Ok(if bare {
                Value::Secret(Box::new(value.clone())).into()
            } else {
                Operand::Value(Cow::Borrowed(value))
            });
        }
        if output.is_some() {
            return Ok(Value::Unknown.into());
        }
        match self.template().and_then(|template| template.entry(key)) {
            // Deep chains of inputs are left to later, when the inputs before are known.
            Some(_) if session.depth.get() > MAX_NESTING / 2 => Ok(Value::Unknown.into()),
            Some(template) => {
                let value = self.here.evaluate(template).map_err(Problem::from_diagnostic)?;
                let bare = secret && !matches!(value, Value::Secret(_) | Value::Unknown | Value::Null);
                Ok(if bare { Value::Secret(Box::new(value.revealed())) } else { value }.into())
            }
            None if kind.makes_name(key) => Ok(Value::Unknown.into()),
            None => Err(Problem::new(format!("`{}` does not set `{key}`", self.address))),
        }
    }

    fn keys(&self) -> Option<Vec<String>> {
        None
    }

    fn value(&self) -> Result<Value, Problem> {
        let Some(kind) = &self.here.frame.unit.types[self.entry] else { return Ok(Value::Unknown) };
        let mut names: Vec<&str> = Schema::new(&kind.outputs).names().collect();
        names.extend(self.template().into_iter().flat_map(Template::keys));
        names.into_iter().map(|name| Ok((name.to_owned(), self.get(name)?.into_value()?))).collect()
    }
}
