//! What the resources of a stack are known to be.

use std::collections::BTreeMap;

use super::shape::TypeShape;
use crate::address::Address;
use crate::catalog::TypeInfo;
use crate::cloud::Live;
use crate::stack::{Attributes, Graph};
use crate::state::Record;
use crate::value::Value;

/// The attributes of each node of a graph, as far as they are known.
#[derive(Debug)]
pub(crate) struct Known<'g> {
    graph: &'g Graph,
    values: Vec<Option<Value>>,
}

impl<'g> Known<'g> {
    /// Nothing is known of any node.
    pub(crate) fn new(graph: &'g Graph) -> Self {
        Self { graph, values: vec![None; graph.nodes().len()] }
    }

    /// Says what is known of a node.
    pub(crate) fn set(&mut self, node: usize, attributes: Value) {
        self.values[node] = Some(attributes);
    }
}

impl Attributes for Known<'_> {
    fn attributes(&self, address: &Address) -> Option<&Value> {
        self.graph.index(address).and_then(|node| self.values[node].as_ref())
    }
}

/// What is known of a resource that is yet to be made.
pub(crate) fn before_creation(kind: &TypeInfo, desired: Value) -> Value {
    let mut attributes = entries(desired);
    if let Some(name) = kind.generated_name
        && !given(&attributes, name.property)
    {
        attributes.insert(name.property.to_owned(), Value::Unknown);
    }
    Value::Map(attributes)
}

/// What is known of a resource that exists: what the stack says, the name that was made for it, and its outputs.
///
/// `complete` says that an output which the cloud does not tell does not exist, rather than not yet.
pub(crate) fn of_live(kind: &TypeInfo, shape: &TypeShape, desired: Value, live: &Live, complete: bool) -> Value {
    let mut attributes = entries(desired);
    if let Some(name) = kind.generated_name
        && !given(&attributes, name.property)
    {
        let made = live.properties.get(name.property).cloned();
        attributes.insert(name.property.to_owned(), made.unwrap_or(Value::Unknown));
    }
    add_outputs(&mut attributes, shape, live.outputs.clone());
    if complete {
        for name in shape.output_names() {
            if !attributes.contains_key(name) {
                attributes.insert(name.to_owned(), Value::Null);
            }
        }
    }
    Value::Map(attributes)
}

/// What is on record of a resource that this run does not look at.
pub(crate) fn on_record(record: &Record) -> Value {
    let mut attributes = record.properties.as_map().cloned().unwrap_or_default();
    attributes.extend(record.outputs.as_map().cloned().unwrap_or_default());
    Value::Map(attributes)
}

fn entries(properties: Value) -> BTreeMap<String, Value> {
    match properties {
        Value::Map(map) => map,
        _ => BTreeMap::new(),
    }
}

fn given(properties: &BTreeMap<String, Value>, name: &str) -> bool {
    properties.get(name).is_some_and(|value| !matches!(value, Value::Null))
}

fn add_outputs(attributes: &mut BTreeMap<String, Value>, shape: &TypeShape, outputs: Value) {
    if let Value::Map(outputs) = shape.conceal_outputs(outputs) {
        attributes.extend(outputs.into_iter().filter(|(_, value)| !matches!(value, Value::Null)));
    }
}
