//! Going back to what served before, as an ordinary plan: the task definition as it was, and the service that runs it.

use std::collections::BTreeMap;

use crate::address::Address;
use crate::catalog::TypeInfo;
use crate::cloud::services::{Before, SERVICE, Services, TASK_DEFINITION};
use crate::cloud::{CloudError, ErrorKind};
use crate::driver::{Driver, Error, Planned};
use crate::plan::Options;
use crate::stack::{Graph, Pinned};
use crate::state::{Record, State};
use crate::value::Value;

mod left;

pub use left::{At, Images, Left, left};

/// What there is to go back to.
#[derive(Debug, Default)]
pub struct Way {
    /// What the resources are to be.
    pub pins: BTreeMap<Address, Pinned>,
    /// The services, with the revision that each goes back to.
    pub back: Vec<(Address, String)>,
    /// The services that stay, and why.
    pub stay: Vec<(Address, String)>,
    /// What services that go back will lack.
    pub lacks: Vec<(Address, String)>,
    /// The images that are taken back.
    pub images: Images,
}

/// The services on record, those at or in `within` where that is given.
pub fn services<'s>(state: &'s State, within: Option<&Address>) -> Vec<(&'s Address, &'s Record)> {
    let mut services: Vec<_> = state.resources.iter().filter(|(_, record)| record.type_name == SERVICE).collect();
    services.retain(|(address, _)| within.is_none_or(|outer| address.is_within(outer)));
    services
}

impl<C: Services> Driver<C> {
    /// What `services` can go back to.
    ///
    /// # Errors
    /// What the cloud refuses to tell.
    pub async fn way_back(&self, graph: &Graph, state: &State, services: &[Address]) -> Result<Way, Error> {
        let mut way = Way::default();
        for address in services {
            match self.way_of(graph, state, address, &mut way).await {
                Ok(Ok(name)) => way.back.push((address.clone(), name)),
                Ok(Err(why)) => way.stay.push((address.clone(), why)),
                Err(error) => return Err(Error::Read(vec![error])),
            }
        }
        Ok(way)
    }

    /// A plan that takes services back to what served before, and touches nothing else. It is carried out with
    /// [`Driver::apply`], so what is on record stays true.
    ///
    /// # Errors
    /// As [`Driver::plan`]; what stands against it, such as `prevent_destroy`, as a diagnostic.
    pub async fn plan_rollback(&self, mut graph: Graph, state: State, way: Way) -> Result<Planned, Error> {
        graph.pin(way.pins);
        self.plan(graph, state, &Options::default()).await
    }

    async fn way_of(
        &self,
        graph: &Graph,
        state: &State,
        address: &Address,
        way: &mut Way,
    ) -> Result<Result<String, String>, CloudError> {
        let Some(record) = state.resources.get(address) else { return Ok(Err("it is not on record".to_owned())) };
        let Some(node) = graph.index(address) else {
            return Ok(Err("the stack no longer has it: roll back with the files that made it".to_owned()));
        };
        let (name, old, now, lacks) = match self.cloud.served_before(&record.id).await? {
            Before::Revision { name, properties, properties_now, lacks } => (name, properties, properties_now, lacks),
            Before::TakenBack(now) => {
                return Ok(Err(format!("its last deployment was rolled back already: {now} serves")));
            }
            Before::Nothing => return Ok(Err("nothing served before what it runs now".to_owned())),
        };
        let nodes = graph.nodes();
        let definition = nodes[node].dependencies.iter().map(|dependency| &nodes[*dependency]);
        let definition = definition
            .filter(|definition| definition.kind.name == TASK_DEFINITION)
            .find_map(|definition| Some((definition, state.resources.get(&definition.address)?)));
        let Some((definition, recorded)) = definition else {
            return Ok(Err("its task definition is not one of this stack: change it where it is made".to_owned()));
        };
        if record.properties.has_secret() {
            let why = "its properties hold a secret, which is not on record: give the stack the image that served";
            return Ok(Err(why.to_owned()));
        }
        let properties = overlaid(&recorded.properties, &now, &old, &definition.kind);
        way.images.extend(left::taken_back(&recorded.properties, &properties));
        way.lacks.extend(lacks.iter().map(|lack| {
            let why = format!("{name} needs {lack}, which is not there any more: its tasks will not start without it");
            (address.clone(), why)
        }));
        way.pins.insert(definition.address.clone(), Pinned { properties, open: Vec::new() });
        let (properties, open) = (record.properties.clone(), vec!["TaskDefinition".to_owned()]);
        way.pins.insert(address.clone(), Pinned { properties, open });
        Ok(Ok(name))
    }
}

/// That a service that was to go back does not: `ignore` stands against it.
pub fn unmoved(planned: &Planned, service: &Address) -> Option<CloudError> {
    let moves = planned.plan.steps.iter().any(|step| step.address == *service && !step.changes.is_empty());
    let why = "`lifecycle: {ignore: [TaskDefinition]}` keeps it as it is: roll it back where its deployments are made";
    (!moves).then(|| CloudError::new(ErrorKind::Conflict, "rollback", why))
}

/// The properties on record with what `old` says instead: what the stack gave, as it was. What the cloud tells though no
/// stack gave it is the same in `now` and `old`, or empty, and stays out.
fn overlaid(recorded: &Value, now: &Value, old: &Value, kind: &TypeInfo) -> Value {
    let mut properties = overlay(recorded, Some(now), old);
    // A revision belongs to its family; tags are the stack's to say.
    if let Value::Map(map) = &mut properties {
        for name in ["Family", "Tags"] {
            match recorded.get(name) {
                Some(value) => map.insert(name.to_owned(), value.clone()),
                None => map.remove(name),
            };
        }
        map.retain(|name, _| kind.properties["properties"].get(name).is_some());
    }
    properties
}

fn overlay(recorded: &Value, now: Option<&Value>, old: &Value) -> Value {
    match (recorded, old) {
        (Value::Map(recorded), Value::Map(old)) => {
            let of_now = |name: &String| now.and_then(|now| now.get(name));
            let mut map = BTreeMap::new();
            for (name, value) in old {
                match recorded.get(name) {
                    Some(mine) => drop(map.insert(name.clone(), overlay(mine, of_now(name), value))),
                    None if is_empty(value) || of_now(name) == Some(value) => {}
                    None => drop(map.insert(name.clone(), value.clone())),
                }
            }
            Value::Map(map)
        }
        (Value::List(recorded), Value::List(old)) => {
            let items = old.iter().enumerate().map(|(index, value)| match like(recorded, index, value, old.len()) {
                Some(mine) => {
                    let now = now.and_then(Value::as_list).and_then(|now| like(now, index, value, old.len()));
                    overlay(mine, now, value)
                }
                None => value.clone(),
            });
            items.collect()
        }
        (recorded, old) if recorded.has_secret() => Value::Secret(Box::new(old.clone())),
        // The same, however it is written.
        _ if now == Some(old) => recorded.clone(),
        _ => old.clone(),
    }
}

/// The element of `list` that stands for `value`: of the same name, or where elements have none, at the same place.
fn like<'a>(list: &'a [Value], index: usize, value: &Value, count: usize) -> Option<&'a Value> {
    match value.get("Name") {
        Some(name) => list.iter().find(|one| one.get("Name") == Some(name)),
        None => list.get(index).filter(|_| list.len() == count),
    }
}

/// Whether the cloud tells nothing with it.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) | Value::Int(0) => true,
        Value::List(list) => list.is_empty(),
        Value::Map(map) => map.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn check(recorded: Json, now: Json, old: Json, expected: Json) {
        let got = overlay(&Value::from(recorded), Some(&Value::from(now)), &Value::from(old));
        assert_eq!(got, Value::from(expected));
    }

    #[test]
    fn what_the_stack_gave_is_as_it_was_and_defaults_of_the_cloud_stay_out() {
        check(
            json!({"Cpu": "256", "ContainerDefinitions": [{"Name": "app", "Image": "app:2"}]}),
            json!({"Cpu": "256", "ContainerDefinitions": [
                {"Name": "app", "Image": "app:2", "Essential": true, "Cpu": 0, "Environment": []}]}),
            json!({"Cpu": "512", "ContainerDefinitions": [
                {"Name": "app", "Image": "app:1", "Essential": true, "Cpu": 0, "Environment": []}]}),
            json!({"Cpu": "512", "ContainerDefinitions": [{"Name": "app", "Image": "app:1"}]}),
        );
    }

    #[test]
    fn what_the_new_version_brought_goes_and_what_it_took_away_comes_back() {
        check(
            json!({"ContainerDefinitions": [
                {"Name": "app", "Environment": [{"Name": "NEW", "Value": "1"}]}, {"Name": "agent", "Image": "agent:1"}]}),
            json!({"ContainerDefinitions": [
                {"Name": "app", "Environment": [{"Name": "NEW", "Value": "1"}]}, {"Name": "agent", "Image": "agent:1"}]}),
            json!({"ContainerDefinitions": [
                {"Name": "app", "Environment": [{"Name": "OLD", "Value": "1"}], "Command": ["serve"]}]}),
            json!({"ContainerDefinitions": [
                {"Name": "app", "Environment": [{"Name": "OLD", "Value": "1"}], "Command": ["serve"]}]}),
        );
    }

    #[test]
    fn what_is_the_same_stays_as_the_stack_wrote_it() {
        check(json!({"Cpu": ".25 vCPU"}), json!({"Cpu": "256"}), json!({"Cpu": "256"}), json!({"Cpu": ".25 vCPU"}));
    }
}
