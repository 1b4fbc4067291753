//! Cloud Map: an operation is `PENDING` for a while, lists are filtered, services keep what an update can't change.

use serde_json::{Value, json};

use crate::call::Call;
use crate::clock::Wait;
use crate::shared::Shared;

/// The input of `UpdateService` with null for what it leaves out: AWS takes that away, the emulator keeps it.
pub(super) fn with_all_parts(call: &Call) -> Value {
    let mut input = call.json.clone();
    if let Some(change) = input.get_mut("Service").and_then(Value::as_object_mut) {
        for part in ["DnsConfig", "HealthCheckConfig"] {
            change.entry(part).or_insert(Value::Null);
        }
    }
    input
}

pub(super) fn show(call: &Call, answer: &mut Value, shared: &Shared) {
    if call.scope.service != "servicediscovery" {
        return;
    }
    if let Some(id) = answer["OperationId"].as_str() {
        shared.clock().begin(id, Wait::CloudMapOperation);
    }
    for key in ["Operation", "Operations", "Namespaces", "Service", "Services"] {
        match answer.get_mut(key) {
            Some(Value::Array(list)) => {
                list.retain(|item| is_wanted(call, item));
                list.iter_mut().for_each(|item| complete(key, call, item, shared));
            }
            Some(one) => complete(key, call, one, shared),
            None => {}
        }
    }
}

/// Whether an item of a list passes the list's filters; the emulator knows those of operations.
fn is_wanted(call: &Call, item: &Value) -> bool {
    let path = |name: &str| match (call.operation.as_str(), name) {
        ("ListNamespaces", "TYPE") => Some("Type"),
        ("ListNamespaces", "NAME") => Some("Name"),
        ("ListServices", "NAMESPACE_ID") => Some("NamespaceId"),
        _ => None,
    };
    let filters = call.json["Filters"].as_array().into_iter().flatten();
    let mut known = filters.filter_map(|filter| Some((path(filter["Name"].as_str()?)?, filter["Values"].as_array()?)));
    known.all(|(path, values)| values.contains(&item[path]))
}

fn complete(key: &str, call: &Call, item: &mut Value, shared: &Shared) {
    let id = item["Id"].as_str().unwrap_or_default().to_owned();
    if key.starts_with("Operation") {
        if shared.clock().waits(&id, Wait::CloudMapOperation) {
            item["Status"] = json!("PENDING");
        }
        return;
    }
    if !key.starts_with("Service") {
        return;
    }
    item["Type"] = json!(if item["DnsConfig"].is_null() { "HTTP" } else { "DNS_HTTP" });
    let mut memory = shared.memory();
    if call.operation == "CreateService"
        && let Some(policy) = call.json["DnsConfig"].get("RoutingPolicy")
    {
        memory.parameters.entry(id.clone()).or_default().insert("RoutingPolicy".to_owned(), policy.clone());
    }
    let kept = memory.parameters.get(&id).and_then(|kept| kept.get("RoutingPolicy"));
    if let (Some(policy), Some(config)) = (kept, item["DnsConfig"].as_object_mut()) {
        config.insert("RoutingPolicy".to_owned(), policy.clone());
    }
}
