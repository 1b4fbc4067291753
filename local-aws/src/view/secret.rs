//! Secrets: copies in other regions can be removed again, which the emulator can't.

use bytes::Bytes;
use hyper::Request;
use hyper::header::{CONTENT_LENGTH, HeaderValue};
use serde_json::{Value, json};

use crate::call::Call;
use crate::shared::Shared;

const REMOVE: &str = "RemoveRegionsFromReplication";

/// Has the emulator describe the secret whose copies are removed: it does not know the operation.
pub(super) fn adapted(call: &Call, request: Request<Bytes>) -> Request<Bytes> {
    if call.scope.service != "secretsmanager" || call.operation != REMOVE {
        return request;
    }
    let (mut parts, _) = request.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.insert("x-amz-target", HeaderValue::from_static("secretsmanager.DescribeSecret"));
    Request::from_parts(parts, json!({ "SecretId": call.json["SecretId"] }).to_string().into())
}

/// Takes note of copies that are removed and made again, and leaves out those that were removed.
pub(super) fn show(call: &Call, answer: &mut Value, shared: &Shared) {
    let regions = |list: &Value, key: Option<&str>| -> Vec<String> {
        let region = |item: &Value| key.map_or(item, |key| &item[key]).as_str().map(str::to_owned);
        list.as_array().into_iter().flatten().filter_map(region).collect()
    };
    if call.scope.service != "secretsmanager" {
        return;
    }
    let arn = answer["ARN"].as_str().unwrap_or_default().to_owned();
    match call.operation.as_str() {
        REMOVE => {
            let removed = regions(&call.json["RemoveReplicaRegions"], None);
            shared.memory().removed_replicas.extend(removed.into_iter().map(|region| (arn.clone(), region)));
            *answer = json!({ "ARN": arn, "ReplicationStatus": replicas(answer, shared) });
        }
        "ReplicateSecretToRegions" => {
            for region in regions(&call.json["AddReplicaRegions"], Some("Region")) {
                shared.memory().removed_replicas.remove(&(arn.clone(), region));
            }
            answer["ReplicationStatus"] = replicas(answer, shared).into();
        }
        "DescribeSecret" => answer["ReplicationStatus"] = replicas(answer, shared).into(),
        _ => {}
    }
}

/// Returns the copies that a secret has.
pub(crate) fn replicas(secret: &Value, shared: &Shared) -> Vec<Value> {
    let arn = secret["ARN"].as_str().unwrap_or_default();
    let memory = shared.memory();
    let is_there = |status: &&Value| {
        let region = status["Region"].as_str().unwrap_or_default();
        !memory.removed_replicas.contains(&(arn.to_owned(), region.to_owned()))
    };
    secret["ReplicationStatus"].as_array().into_iter().flatten().filter(is_there).cloned().collect()
}
