//! What the fake cloud knows of the world.

use super::world::World;
use super::{Verb, operation};
use crate::address::Id;
use crate::cloud::{CloudError, ErrorKind, ExistingBy, Live, Lookup};
use crate::value::Value;

pub(super) fn answer(world: &World, region: &str, lookups: &[Lookup]) -> Vec<Result<Value, CloudError>> {
    lookups.iter().map(|lookup| answer_one(world, region, lookup)).collect()
}

fn answer_one(world: &World, region: &str, lookup: &Lookup) -> Result<Value, CloudError> {
    match lookup {
        Lookup::Account => Ok(map([("account_id", "000000000000"), ("partition", "aws")])),
        Lookup::Zones => Ok(["a", "b", "c"].iter().map(|zone| Value::from(format!("{region}{zone}"))).collect()),
        Lookup::SsmParameter(name) => match world.parameters.get(name) {
            Some(value) => Ok(Value::from(value.as_str())),
            None => Err(error(ErrorKind::NotFound, "", format!("there is no parameter {name}"))),
        },
        Lookup::Stack { stack, environment } => {
            let message = format!("the outputs of {stack} in {environment} are in the state, not in the cloud");
            Err(error(ErrorKind::Invalid, "", message))
        }
        Lookup::Existing { type_name, by: ExistingBy::Id(id) } => {
            let live = world.live_of(type_name, &Id::new(id.as_str()));
            live.map(attributes).ok_or_else(|| error(ErrorKind::NotFound, type_name, format!("{id} does not exist")))
        }
        Lookup::Existing { type_name, by: ExistingBy::Tags(tags) } => {
            let mut found = world.all_of(type_name);
            found.retain(|live| tags.iter().all(|(key, value)| tag(live, key) == Some(value)));
            match (found.pop(), found.len()) {
                (Some(live), 0) => Ok(attributes(live)),
                (None, _) => Err(error(ErrorKind::NotFound, type_name, format!("none has the tags {tags:?}"))),
                (Some(_), more) => {
                    Err(error(ErrorKind::Invalid, type_name, format!("{} have the tags {tags:?}", more + 1)))
                }
            }
        }
    }
}

fn attributes(live: Live) -> Value {
    match (live.properties, live.outputs) {
        (Value::Map(mut properties), Value::Map(outputs)) => {
            properties.extend(outputs);
            Value::Map(properties)
        }
        (properties, _) => properties,
    }
}

fn tag<'a>(live: &'a Live, key: &str) -> Option<&'a str> {
    match live.properties.get("Tags")? {
        Value::Map(map) => map.get(key)?.as_str(),
        Value::List(list) => {
            let tag = list.iter().find(|tag| tag.get("Key").and_then(Value::as_str) == Some(key))?;
            tag.get("Value")?.as_str()
        }
        _ => None,
    }
}

fn map<const N: usize>(entries: [(&str, &str); N]) -> Value {
    entries.into_iter().map(|(key, value)| (key.to_owned(), Value::from(value))).collect()
}

fn error(kind: ErrorKind, type_name: &str, message: String) -> CloudError {
    CloudError::new(kind, operation(Verb::Lookup, type_name), message)
}
