//! ECS: what the emulator forgets of clusters and task definitions.

use serde_json::{Map, Value};

use crate::call::Call;
use crate::shared::Shared;

/// Parameters that are told of a cluster.
const CLUSTER: &[&str] = &["serviceConnectDefaults"];
/// Parameters that are told of a task definition.
const TASK_DEFINITION: &[&str] = &["enableFaultInjection"];

pub(super) fn show(call: &Call, answer: &mut Value, shared: &Shared) {
    if call.scope.service != "ecs" {
        return;
    }
    let kinds: [(&[&str], &str, &[&str]); 2] = [
        (&["cluster", "clusters"], "clusterArn", CLUSTER),
        (&["taskDefinition"], "taskDefinitionArn", TASK_DEFINITION),
    ];
    for (places, name, parameters) in kinds {
        for place in places {
            let Some(told) = answer.get_mut(*place) else { continue };
            let told: Vec<&mut Value> = match told {
                Value::Array(list) => list.iter_mut().collect(),
                one => vec![one],
            };
            told.into_iter().for_each(|thing| complete(call, thing, name, parameters, shared));
        }
    }
}

/// Notes what `call` gives of `thing`, and tells what was given of it.
fn complete(call: &Call, thing: &mut Value, name: &str, parameters: &[&str], shared: &Shared) {
    let Some(arn) = thing[name].as_str().map(str::to_owned) else { return };
    let mut memory = shared.memory();
    let kept = memory.parameters.entry(arn).or_default();
    let operation = call.operation.as_str();
    if operation == "DeleteCluster" {
        kept.clear();
    }
    if operation.starts_with("Create") || operation.starts_with("Update") || operation.starts_with("Register") {
        note(call, kept, parameters);
    }
    tell(kept, thing, parameters);
}

fn note(call: &Call, kept: &mut Map<String, Value>, parameters: &[&str]) {
    for parameter in parameters {
        if let Some(value) = call.json.get(*parameter).filter(|value| !value.is_null()) {
            kept.insert((*parameter).to_owned(), value.clone());
        }
    }
}

fn tell(kept: &Map<String, Value>, thing: &mut Value, parameters: &[&str]) {
    let Some(thing) = thing.as_object_mut() else { return };
    for parameter in parameters {
        if let Some(value) = kept.get(*parameter) {
            // An empty namespace takes the cluster's away.
            if value.get("namespace").is_some_and(|namespace| namespace == "") {
                thing.remove(*parameter);
            } else {
                thing.insert((*parameter).to_owned(), value.clone());
            }
        }
    }
}
