//! What exists in the fake cloud, with the indices that keep every call cheap.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::record::Verb;
use super::shape::Shape;
use super::{operation, references};
use crate::address::{Address, Id, OpId};
use crate::catalog::{Catalog, Tagging};
use crate::cloud::{CloudError, ErrorKind, Live, Op};
use crate::value::Value;

/// The values of one `unique` set of a type: type, index of the set, values as text.
type UniqueKey = (&'static str, usize, String);

#[derive(Debug)]
pub(super) struct World {
    shapes: HashMap<&'static str, Arc<Shape>>,
    /// For how long it is not told of what was just made.
    unseen: Duration,
    prefixes: HashSet<String>,
    resources: HashMap<Id, Resource>,
    /// Whose id or output a string is; of those that are gone, too, for such a string dangles.
    owners: HashMap<String, Id>,
    /// By whom a resource is referred to.
    users: HashMap<Id, HashSet<Id>>,
    unique: HashMap<UniqueKey, Id>,
    made_by: HashMap<OpId, Id>,
    made_for: HashMap<Address, Vec<Id>>,
    made: HashMap<String, u64>,
    pub(super) parameters: BTreeMap<String, String>,
}

#[derive(Debug)]
struct Resource {
    shape: Arc<Shape>,
    properties: BTreeMap<String, Value>,
    outputs: Value,
    references: HashSet<Id>,
    made_for: Option<Address>,
    told_from: Instant,
    ready_at: Instant,
    settled: bool,
    /// Whether it is being deleted: nobody is told of it any more, but its names are still taken.
    going: bool,
}

impl World {
    pub(super) fn new(catalog: &Catalog, unseen: Duration) -> Self {
        let shapes: HashMap<_, _> = catalog.iter().map(|kind| (kind.name, Arc::new(Shape::new(kind)))).collect();
        Self {
            prefixes: shapes.values().map(|shape| shape.prefix.clone()).collect(),
            shapes,
            unseen,
            resources: HashMap::new(),
            owners: HashMap::new(),
            users: HashMap::new(),
            unique: HashMap::new(),
            made_by: HashMap::new(),
            made_for: HashMap::new(),
            made: HashMap::new(),
            parameters: BTreeMap::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.resources.len()
    }

    pub(super) fn ids(&self) -> Vec<Id> {
        let mut ids: Vec<_> = self.resources.keys().cloned().collect();
        ids.sort();
        ids
    }

    pub(super) fn live(&self, id: &Id) -> Option<Live> {
        let resource = self.resources.get(id)?;
        let properties = resource.shape.told(&resource.properties);
        Some(Live { id: id.clone(), properties, outputs: resource.outputs.clone() })
    }

    pub(super) fn live_of(&self, type_name: &str, id: &Id) -> Option<Live> {
        self.of_type(type_name, id).and_then(|_| self.live(id))
    }

    /// Whether it is told of by now.
    pub(super) fn is_told(&self, id: &Id) -> bool {
        self.resources.get(id).is_some_and(|resource| resource.told_from <= Instant::now())
    }

    /// All resources of a type, sorted by id.
    pub(super) fn all_of(&self, type_name: &str) -> Vec<Live> {
        self.ids().iter().filter_map(|id| self.live_of(type_name, id)).collect()
    }

    pub(super) fn made_for(&self, address: &Address) -> Vec<Id> {
        self.made_for.get(address).cloned().unwrap_or_default()
    }

    pub(super) fn made_by(&self, type_name: &str, op: &OpId) -> Option<Id> {
        self.made_by.get(op).filter(|id| self.of_type(type_name, id).is_some()).cloned()
    }

    pub(super) fn create(
        &mut self,
        type_name: &str,
        op: Option<&Op>,
        properties: &Value,
        ready_at: Instant,
    ) -> Result<Id, CloudError> {
        let refuse = |kind, code: &str, message: String| refused(Verb::Create, type_name, kind, code, message);
        if let Some(id) = op.and_then(|op| self.made_by(type_name, &op.id)) {
            return Ok(id);
        }
        let invalid = |message: String| refuse(ErrorKind::Invalid, "ValidationError", message);
        let shape = self.shape(type_name).ok_or_else(|| invalid("there is no such type".to_owned()))?;
        let mut properties = sent(properties).map_err(&invalid)?;
        if let Some(mistake) = shape.mistake(&properties).or_else(|| shape.unknown(&properties)) {
            return Err(invalid(mistake));
        }
        let references = self.references(Verb::Create, &shape, &properties, properties.keys())?;
        let unique = unique_keys(&shape, &properties);
        self.refuse_twins(Verb::Create, &shape, &unique, None)?;
        shape.normalize(&mut properties);
        if let Some(property) = tags_property(&shape) {
            properties.entry(property.to_owned()).or_insert_with(|| match shape.kind.tags {
                Some(Tagging::Map) => Value::map(),
                _ => Value::List(Vec::new()),
            });
        }

        let number = self.made.entry(shape.prefix.clone()).or_default();
        *number += 1;
        let number = *number;
        let name = shape.named_by.as_ref().and_then(|property| properties.get(property)).and_then(Value::as_str);
        let name = name.map_or_else(|| format!("{number:06}"), str::to_owned);
        let id = Id::new(format!("{}-{name}", shape.prefix));
        let outputs = shape.outputs(&id, number);
        self.owners.insert(id.as_str().to_owned(), id.clone());
        for text in outputs.as_map().into_iter().flat_map(BTreeMap::values).filter_map(Value::as_str) {
            self.owners.insert(text.to_owned(), id.clone());
        }
        unique.into_iter().for_each(|key| drop(self.unique.insert(key, id.clone())));
        for target in &references {
            self.users.entry(target.clone()).or_default().insert(id.clone());
        }
        if let Some(op) = op {
            self.made_by.insert(op.id.clone(), id.clone());
            self.made_for.entry(op.address.clone()).or_default().push(id.clone());
        }
        let made_for = op.map(|op| op.address.clone());
        let settled = op.is_none();
        let told_from = if settled { Instant::now() } else { Instant::now() + self.unseen };
        let resource =
            Resource { shape, properties, outputs, references, made_for, told_from, ready_at, settled, going: false };
        self.resources.insert(id.clone(), resource);
        Ok(id)
    }

    pub(super) fn ready_at(&self, type_name: &str, id: &Id) -> Result<Instant, CloudError> {
        let resource = self.of_type(type_name, id).ok_or_else(|| missing(Verb::Settle, type_name, id.as_str()))?;
        Ok(resource.ready_at)
    }

    pub(super) fn settle(&mut self, type_name: &str, id: &Id) -> Result<(), CloudError> {
        let resource = self.resources.get_mut(id).ok_or_else(|| missing(Verb::Settle, type_name, id.as_str()))?;
        resource.settled = true;
        Ok(())
    }

    pub(super) fn update(&mut self, type_name: &str, id: &Id, old: &Value, new: &Value) -> Result<(), CloudError> {
        let invalid = |message| refused(Verb::Update, type_name, ErrorKind::Invalid, "ValidationError", message);
        let resource = self.of_type(type_name, id).ok_or_else(|| missing(Verb::Update, type_name, id.as_str()))?;
        let shape = Arc::clone(&resource.shape);
        let (old, new) = (sent(old).map_err(invalid)?, sent(new).map_err(invalid)?);
        if let Some(mistake) = shape.unknown(&new) {
            return Err(invalid(mistake));
        }
        if let Some(path) = shape.kind.create_only.iter().find(|path| at(&old, path) != at(&new, path)) {
            return Err(invalid(format!("the property {path} can't be changed")));
        }
        let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        let changed: Vec<&String> = names.into_iter().filter(|name| old.get(*name) != new.get(*name)).collect();
        let mut properties = resource.properties.clone();
        for &name in &changed {
            let value = new.get(name).cloned().map(|mut value| {
                shape.normalize_one(name, &mut value);
                value
            });
            match value.or_else(|| shape.default(name).cloned()) {
                Some(value) => drop(properties.insert(name.clone(), value)),
                None => drop(properties.remove(name)),
            }
        }
        self.references(Verb::Update, &shape, &new, changed.into_iter())?;
        self.replace_properties(Verb::Update, id, &shape, properties)
    }

    pub(super) fn edit(&mut self, id: &Id, change: impl FnOnce(&mut Value)) -> bool {
        let Some(resource) = self.resources.get(id) else { return false };
        let shape = Arc::clone(&resource.shape);
        let mut properties = Value::Map(resource.properties.clone());
        change(&mut properties);
        let Value::Map(properties) = properties else { return false };
        self.replace_properties(Verb::Update, id, &shape, properties).is_ok()
    }

    pub(super) fn tag(&mut self, id: &Id, key: &str, value: &str) -> bool {
        let Some(property) = self.resources.get(id).and_then(|resource| tags_property(&resource.shape)) else {
            return false;
        };
        self.edit(id, |properties| {
            let Value::Map(properties) = properties else { return };
            match properties.get_mut(property) {
                Some(Value::List(list)) => {
                    list.retain(|tag| tag.get("Key").and_then(Value::as_str) != Some(key));
                    let tag = [("Key".to_owned(), Value::from(key)), ("Value".to_owned(), Value::from(value))];
                    list.push(tag.into_iter().collect());
                }
                Some(Value::Map(map)) => drop(map.insert(key.to_owned(), Value::from(value))),
                _ => {}
            }
        })
    }

    pub(super) fn refuse_if_used(&self, type_name: &str, id: &Id) -> Result<(), CloudError> {
        let mut users = self.users.get(id).into_iter().flatten().filter(|user| *user != id).collect::<Vec<_>>();
        if self.of_type(type_name, id).is_none() || users.is_empty() {
            return Ok(());
        }
        users.sort();
        let message = format!("{id} is used by {users:?}");
        Err(refused(Verb::Delete, type_name, ErrorKind::InUse, "DependencyViolation", message))
    }

    /// Begins to delete it.
    pub(super) fn begin_removal(&mut self, id: &Id) {
        if let Some(resource) = self.resources.get_mut(id) {
            resource.going = true;
        }
    }

    pub(super) fn remove(&mut self, id: &Id) -> bool {
        let Some(resource) = self.resources.remove(id) else { return false };
        for key in unique_keys(&resource.shape, &resource.properties) {
            if self.unique.get(&key) == Some(id) {
                self.unique.remove(&key);
            }
        }
        for target in &resource.references {
            self.unuse(target, id);
        }
        if let Some(address) = resource.made_for
            && let Some(ids) = self.made_for.get_mut(&address)
        {
            ids.retain(|made| made != id);
            if ids.is_empty() {
                self.made_for.remove(&address);
            }
        }
        true
    }

    fn replace_properties(
        &mut self,
        verb: Verb,
        id: &Id,
        shape: &Arc<Shape>,
        properties: BTreeMap<String, Value>,
    ) -> Result<(), CloudError> {
        let unique = unique_keys(shape, &properties);
        self.refuse_twins(verb, shape, &unique, Some(id))?;
        let mut references = references::of(shape, &properties, properties.keys())
            .into_iter()
            .filter_map(|reference| self.owners.get(&reference.text).cloned())
            .filter(|target| self.resources.contains_key(target))
            .collect::<HashSet<_>>();
        references.remove(id);
        let Some(resource) = self.resources.get_mut(id) else {
            return Err(missing(verb, shape.kind.name, id.as_str()));
        };
        let old_properties = std::mem::replace(&mut resource.properties, properties);
        let old_references = std::mem::replace(&mut resource.references, references.clone());
        for key in unique_keys(shape, &old_properties) {
            self.unique.remove(&key);
        }
        unique.into_iter().for_each(|key| drop(self.unique.insert(key, id.clone())));
        for target in old_references.difference(&references) {
            self.unuse(target, id);
        }
        for target in references.difference(&old_references) {
            self.users.entry(target.clone()).or_default().insert(id.clone());
        }
        Ok(())
    }

    fn unuse(&mut self, target: &Id, user: &Id) {
        if let Some(users) = self.users.get_mut(target) {
            users.remove(user);
            if users.is_empty() {
                self.users.remove(target);
            }
        }
    }

    /// What the properties refer to, all of which must exist, and be ready unless the property starts early.
    fn references<'a>(
        &self,
        verb: Verb,
        shape: &Shape,
        properties: &'a BTreeMap<String, Value>,
        names: impl Iterator<Item = &'a String>,
    ) -> Result<HashSet<Id>, CloudError> {
        let mut targets = HashSet::new();
        for references::Reference { property, text } in references::of(shape, properties, names) {
            let Some(target) = self.owners.get(&text) else {
                if self.looks_like_id(&text) {
                    return Err(missing(verb, shape.kind.name, &text));
                }
                continue;
            };
            let Some(resource) = self.resources.get(target).filter(|resource| !resource.going) else {
                return Err(missing(verb, shape.kind.name, &text));
            };
            if !resource.settled && !starts_early(shape, &property) {
                let message = format!("{target}, which {property} names, is not ready");
                return Err(refused(verb, shape.kind.name, ErrorKind::Conflict, "InvalidState", message));
            }
            targets.insert(target.clone());
        }
        Ok(targets)
    }

    fn looks_like_id(&self, text: &str) -> bool {
        text.starts_with("arn:fake:")
            || text.rsplit_once('-').is_some_and(|(prefix, number)| {
                number.len() >= 6 && number.bytes().all(|byte| byte.is_ascii_digit()) && self.prefixes.contains(prefix)
            })
    }

    fn refuse_twins(&self, verb: Verb, shape: &Shape, keys: &[UniqueKey], id: Option<&Id>) -> Result<(), CloudError> {
        let twin = |key: &&UniqueKey| self.unique.get(*key).is_some_and(|other| Some(other) != id);
        let Some((_, set, values)) = keys.iter().find(twin) else { return Ok(()) };
        let names = shape.kind.unique.get(*set).map(|names| names.join(" and ")).unwrap_or_default();
        let message = format!("there is one with the {names} {values} already");
        Err(refused(verb, shape.kind.name, ErrorKind::Conflict, "AlreadyExists", message))
    }

    fn of_type(&self, type_name: &str, id: &Id) -> Option<&Resource> {
        self.resources.get(id).filter(|resource| resource.shape.kind.name == type_name && !resource.going)
    }

    fn shape(&self, type_name: &str) -> Option<Arc<Shape>> {
        self.shapes.get(type_name).cloned()
    }
}

/// Properties as they arrive: in clear, and all of them known.
fn sent(properties: &Value) -> Result<BTreeMap<String, Value>, String> {
    fn has_digest(value: &Value) -> bool {
        match value {
            Value::Digest(_) => true,
            Value::List(list) => list.iter().any(has_digest),
            Value::Map(map) => map.values().any(has_digest),
            _ => false,
        }
    }
    match properties.revealed() {
        Value::Map(map) if properties.is_known() && !has_digest(properties) => Ok(map),
        _ => Err(format!("these are no properties to be sent: {properties:?}")),
    }
}

fn at<'a>(properties: &'a BTreeMap<String, Value>, path: &str) -> Option<&'a Value> {
    let mut parts = path.split('.');
    let first = properties.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part)).filter(|value| **value != Value::Null)
}

fn starts_early(shape: &Shape, property: &str) -> bool {
    shape
        .kind
        .starts_early
        .iter()
        .any(|path| property.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}

fn tags_property(shape: &Shape) -> Option<&'static str> {
    shape.kind.tags.map(|_| "Tags")
}

fn unique_keys(shape: &Shape, properties: &BTreeMap<String, Value>) -> Vec<UniqueKey> {
    let values = |names: &[&str]| -> Option<Vec<String>> {
        names.iter().map(|name| at(properties, name).map(|value| format!("{value:?}"))).collect()
    };
    let sets = shape.kind.unique.iter().enumerate();
    sets.filter_map(|(set, names)| Some((shape.kind.name, set, values(names)?.join(", ")))).collect()
}

fn missing(verb: Verb, type_name: &str, text: &str) -> CloudError {
    refused(verb, type_name, ErrorKind::NotFound, "NotFound", format!("{text} does not exist"))
}

fn refused(verb: Verb, type_name: &str, kind: ErrorKind, code: &str, message: String) -> CloudError {
    CloudError { code: code.to_owned(), ..CloudError::new(kind, operation(verb, type_name), message) }
}
