//! What a rollback leaves at an image that it took back: an SSM parameter, an output, another task definition.
//!
//! It is found and told, not changed. Whether such a value follows what serves or decides it (a pipeline may deploy what a
//! parameter says) only the stack knows: an apply with the older image changes all that follows from it.

use std::collections::BTreeMap;

use crate::address::Address;
use crate::state::State;
use crate::value::Value;

/// The images that a rollback took back, each with the one that serves in its stead.
pub type Images = BTreeMap<String, String>;

/// A value on record that is still an image which was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The value.
    pub at: At,
    /// The image.
    pub image: String,
    /// The image that serves in its stead.
    pub serves: String,
}

/// Where a value is on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// A property of a resource.
    Property {
        /// The resource.
        address: Address,
        /// The property: `Value`, `ContainerDefinitions[0].Image`.
        path: String,
    },
    /// An output of the stack.
    Output(String),
}

/// The images of the containers of `now` that are others in `then`.
pub(super) fn taken_back(now: &Value, then: &Value) -> Images {
    let of_then = images(then);
    let pairs = images(now).into_iter().filter_map(|(name, image)| Some((image, *of_then.get(name)?)));
    let changed = pairs.filter(|(image, then)| image != then);
    changed.map(|(image, then)| (image.to_owned(), then.to_owned())).collect()
}

/// The images of a task definition's containers, by their names.
fn images(definition: &Value) -> BTreeMap<&str, &str> {
    let containers = definition.get("ContainerDefinitions").and_then(Value::as_list).unwrap_or_default();
    let named = containers.iter().filter_map(|container| match (container.get("Name")?, container.get("Image")?) {
        (Value::String(name), Value::String(image)) => Some((name.as_str(), image.as_str())),
        _ => None,
    });
    named.collect()
}

/// What is on record as one of `images`.
pub fn left(state: &State, images: &Images) -> Vec<Left> {
    let mut found = Vec::new();
    for (address, record) in &state.resources {
        search(&record.properties, "", images, &mut |path, image, serves| {
            let at = At::Property { address: address.clone(), path: path.to_owned() };
            found.push(Left { at, image: image.to_owned(), serves: serves.to_owned() });
        });
    }
    for (name, value) in &state.outputs {
        search(value, "", images, &mut |_, image, serves| {
            found.push(Left { at: At::Output(name.clone()), image: image.to_owned(), serves: serves.to_owned() });
        });
    }
    found
}

/// Tells each text of `value` that is one of `images`, with its path.
fn search(value: &Value, path: &str, images: &Images, tell: &mut dyn FnMut(&str, &str, &str)) {
    match value {
        Value::String(text) => {
            if let Some(serves) = images.get(text) {
                tell(path, text, serves);
            }
        }
        Value::List(list) => {
            list.iter().enumerate().for_each(|(index, item)| search(item, &format!("{path}[{index}]"), images, tell));
        }
        Value::Map(map) => {
            for (name, value) in map {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                search(value, &path, images, tell);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::address::{Id, OpId};
    use crate::state::Record;

    fn definition(app: &str, agent: &str) -> Value {
        let containers = json!([{"Name": "app", "Image": app}, {"Name": "agent", "Image": agent}]);
        Value::from(json!({"Cpu": "256", "ContainerDefinitions": containers}))
    }

    fn record(type_name: &str, properties: Value) -> Record {
        Record {
            type_name: type_name.to_owned(),
            id: Id::new("1"),
            op: OpId::generate(),
            properties,
            outputs: Value::map(),
            dependencies: Vec::new(),
            settled: true,
            prevent_destroy: false,
        }
    }

    #[test]
    fn what_is_on_record_as_the_newer_image_is_found_and_nothing_else() {
        let images = taken_back(&definition("app:2", "agent:1"), &definition("app:1", "agent:1"));
        assert_eq!(images, Images::from([("app:2".to_owned(), "app:1".to_owned())]));
        let mut state = State::default();
        let parameter = |value: &str| record("AWS::SSM::Parameter", Value::from(json!({"Value": value})));
        state.resources.insert("Deployed".into(), parameter("app:2"));
        state.resources.insert("Other".into(), parameter("app:21"));
        state.resources.insert("Task".into(), record("AWS::ECS::TaskDefinition", definition("app:1", "agent:1")));
        state.resources.insert("Worker".into(), record("AWS::ECS::TaskDefinition", definition("app:2", "agent:1")));
        state.outputs.insert("image".to_owned(), Value::from("app:2"));
        state.outputs.insert("url".to_owned(), Value::from("http://shop"));
        let property = |address: &str, path: &str| At::Property { address: address.into(), path: path.to_owned() };
        let found = left(&state, &images);
        assert!(found.iter().all(|left| (left.image.as_str(), left.serves.as_str()) == ("app:2", "app:1")));
        let places: Vec<At> = found.into_iter().map(|left| left.at).collect();
        assert_eq!(
            places,
            [
                property("Deployed", "Value"),
                property("Worker", "ContainerDefinitions[0].Image"),
                At::Output("image".to_owned())
            ]
        );
    }
}
