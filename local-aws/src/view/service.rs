//! ECS services: a deployment takes its time, and so does draining.

use serde_json::{Value, json};

use crate::call::Call;
use crate::clock::Wait;
use crate::error::AwsError;
use crate::facts::{self, Facts};
use crate::shared::Shared;

pub(super) fn show(call: &Call, answer: &mut Value, shared: &Shared) {
    let operation = call.operation.as_str();
    let services: Vec<&mut Value> = match operation {
        "CreateService" | "UpdateService" | "DeleteService" => answer.get_mut("service").into_iter().collect(),
        "DescribeServices" => answer.get_mut("services").and_then(Value::as_array_mut).into_iter().flatten().collect(),
        _ => return,
    };
    let redeploys =
        ["taskDefinition", "desiredCount", "forceNewDeployment"].iter().any(|key| !call.json[*key].is_null());
    for service in services {
        let arn = service["serviceArn"].as_str().unwrap_or_default().to_owned();
        let mut clock = shared.clock();
        match operation {
            "CreateService" => clock.begin(&arn, Wait::ServiceCreated),
            "UpdateService" if redeploys => clock.begin(&arn, Wait::ServiceDeployed),
            _ => {}
        }
        if service["status"] != "ACTIVE" {
            if clock.waits(&arn, Wait::ServiceDeleted) {
                service["status"] = json!("DRAINING");
            }
            continue;
        }
        let created = clock.waits(&arn, Wait::ServiceCreated);
        if !created && !clock.waits(&arn, Wait::ServiceDeployed) {
            continue;
        }
        let desired = service["desiredCount"].clone();
        if created {
            service["runningCount"] = json!(0);
            service["pendingCount"] = desired.clone();
        }
        if let Some(deployment) = service["deployments"].get_mut(0) {
            deployment["rolloutState"] = json!("IN_PROGRESS");
            deployment["rolloutStateReason"] = json!("ECS deployment is in progress.");
            if created {
                deployment["runningCount"] = json!(0);
                deployment["pendingCount"] = desired;
            }
        }
    }
}

/// Remembers where a service's tasks have their network interfaces, which are there until it is drained.
pub(super) async fn before_deletion(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    let short = |reference: &str| reference.rsplit('/').next().unwrap_or(reference).to_owned();
    let named = |key: &str, default: &str| short(call.json[key].as_str().unwrap_or(default));
    let (cluster, name) = (named("cluster", "default"), named("service", ""));
    for service in facts.services().await? {
        let arn = service["serviceArn"].as_str().unwrap_or_default();
        if arn.ends_with(&format!("/{cluster}/{name}")) {
            facts.shared.memory().departed.insert(arn.into(), (facts::service(&service), Wait::ServiceDeleted));
            facts.shared.clock().begin(arn, Wait::ServiceDeleted);
        }
    }
    Ok(())
}
