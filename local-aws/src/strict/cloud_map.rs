//! Cloud Map: names that are taken, and services in use.

use serde_json::{Value, json};

use crate::call::Call;
use crate::error::AwsError;
use crate::facts::Facts;

const TARGET: &str = "Route53AutoNaming_v20170314";

pub(super) async fn check(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    match call.operation.as_str() {
        "CreateService" => name_is_free(&call.json, facts).await,
        "DeleteService" => is_empty(&call.json, facts).await,
        _ => Ok(()),
    }
}

async fn name_is_free(input: &Value, facts: &Facts<'_>) -> Result<(), AwsError> {
    let same = |service: &Value| ["Name", "NamespaceId"].iter().all(|key| service[*key] == input[*key]);
    if list(facts, "Service", &json!({})).await?.iter().any(same) {
        let message = "The service can't be created because a service with the same name already exists.";
        return Err(AwsError::refused("ServiceAlreadyExists", message));
    }
    Ok(())
}

async fn is_empty(input: &Value, facts: &Facts<'_>) -> Result<(), AwsError> {
    if list(facts, "Instance", &json!({"ServiceId": input["Id"]})).await?.is_empty() {
        return Ok(());
    }
    Err(AwsError::refused(
        "ResourceInUse",
        "Service contains registered instances; delete the instances before deleting the service",
    ))
}

async fn list(facts: &Facts<'_>, kind: &str, input: &Value) -> Result<Vec<Value>, AwsError> {
    let mut answer = facts.json("servicediscovery", &format!("{TARGET}.List{kind}s"), input).await?.unwrap_or_default();
    Ok(match answer[format!("{kind}s")].take() {
        Value::Array(list) => list,
        _ => Vec::new(),
    })
}
