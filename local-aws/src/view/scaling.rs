//! Application Auto Scaling: what its emulator loses, and that it moves an ECS service's count between the limits at once.

use bytes::Bytes;
use hyper::Response;
use serde_json::{Value, json};

use super::with_body;
use crate::ACCOUNT_ID;
use crate::call::Call;
use crate::error::AwsError;
use crate::facts::Facts;
use crate::strict::scaling::{ecs_service, told_target};

/// What of a policy the emulator may lose.
const POLICY: [&str; 3] = [
    "PredictiveScalingPolicyConfiguration",
    "StepScalingPolicyConfiguration",
    "TargetTrackingScalingPolicyConfiguration",
];

/// Deletes what AWS deletes along with a target, which the emulator keeps.
pub(crate) async fn before(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    if call.operation != "DeregisterScalableTarget" {
        return Ok(());
    }
    let of_target = ["ServiceNamespace", "ResourceId", "ScalableDimension"].map(|key| (key, call.json[key].clone()));
    let of_target: Value = of_target.into_iter().collect();
    let actions = facts.scaling("DescribeScheduledActions", &of_target).await?.unwrap_or_default();
    for action in actions["ScheduledActions"].as_array().into_iter().flatten() {
        let mut input = of_target.clone();
        input["ScheduledActionName"] = action["ScheduledActionName"].clone();
        facts.scaling("DeleteScheduledAction", &input).await?;
    }
    let prefix = policy(call, &call.json, "");
    facts.shared.memory().kept.retain(|key, _| !key.starts_with(&prefix));
    Ok(())
}

/// Makes the emulator's `answer` AWS's.
pub(crate) async fn after(
    call: &Call,
    facts: &Facts<'_>,
    answer: Response<Bytes>,
) -> Result<Response<Bytes>, AwsError> {
    let Ok(mut told) = serde_json::from_slice::<Value>(answer.body()) else { return Ok(answer) };
    match call.operation.as_str() {
        "RegisterScalableTarget" => registered(call, &told["ScalableTargetARN"], facts).await?,
        "DescribeScalableTargets" => {
            for target in told.get_mut("ScalableTargets").and_then(Value::as_array_mut).into_iter().flatten() {
                let arn = facts.shared.memory().kept.get(&target_key(call, target)).cloned();
                target["ScalableTargetARN"] = arn.unwrap_or_default();
                target["RoleARN"] = json!(role(target["ServiceNamespace"].as_str().unwrap_or_default()));
                if target["SuspendedState"].is_null() {
                    target["SuspendedState"] = json!({
                        "DynamicScalingInSuspended": false,
                        "DynamicScalingOutSuspended": false,
                        "ScheduledScalingSuspended": false,
                    });
                }
            }
        }
        "PutScalingPolicy" => {
            let key = policy(call, &call.json, call.json["PolicyName"].as_str().unwrap_or_default());
            let mut memory = facts.shared.memory();
            let known = memory.kept.remove(&key).unwrap_or_default();
            let mut put = call.json.clone();
            // A policy keeps its ARN when it is put again.
            put["PolicyARN"] = if known.is_null() { told["PolicyARN"].take() } else { known["PolicyARN"].clone() };
            told["PolicyARN"] = put["PolicyARN"].clone();
            memory.kept.insert(key, put);
        }
        "DescribeScalingPolicies" => {
            for it in told.get_mut("ScalingPolicies").and_then(Value::as_array_mut).into_iter().flatten() {
                let key = policy(call, it, it["PolicyName"].as_str().unwrap_or_default());
                let Some(put) = facts.shared.memory().kept.get(&key).cloned() else { continue };
                it["PolicyARN"] = put["PolicyARN"].clone();
                for name in POLICY.iter().filter(|name| !put[**name].is_null()) {
                    it[*name] = put[*name].clone();
                }
            }
        }
        "DeleteScalingPolicy" => {
            let key = policy(call, &call.json, call.json["PolicyName"].as_str().unwrap_or_default());
            facts.shared.memory().kept.remove(&key);
        }
        _ => return Ok(answer),
    }
    Ok(with_body(answer, told.to_string()))
}

/// Gives a new target its tags, and moves the count of an ECS service between the limits.
async fn registered(call: &Call, arn: &Value, facts: &Facts<'_>) -> Result<(), AwsError> {
    let is_new = facts.shared.memory().kept.insert(target_key(call, &call.json), arn.clone()).as_ref() != Some(arn);
    if is_new && call.json["Tags"].as_object().is_some_and(|tags| !tags.is_empty()) {
        facts.scaling("TagResource", &json!({"ResourceARN": arn, "Tags": call.json["Tags"]})).await?;
    }
    let Some(service) = ecs_service(&call.json, facts).await? else { return Ok(()) };
    let Some(target) = told_target(&call.json, facts).await? else { return Ok(()) };
    let (least, most) = (target["MinCapacity"].as_i64().unwrap_or(0), target["MaxCapacity"].as_i64().unwrap_or(0));
    let count = service["desiredCount"].as_i64().unwrap_or(0);
    let within = count.max(least).min(most);
    if within != count {
        let input = json!({
            "cluster": service["clusterArn"],
            "service": service["serviceArn"],
            "desiredCount": within,
        });
        facts.ecs("UpdateService", &input).await?;
    }
    Ok(())
}

fn target_key(call: &Call, of: &Value) -> String {
    identity("scalable-target", call, of)
}

fn policy(call: &Call, of: &Value, name: &str) -> String {
    format!("{}/{name}", identity("scaling-policy", call, of))
}

fn identity(kind: &str, call: &Call, of: &Value) -> String {
    let part = |name: &str| of[name].as_str().unwrap_or_default().to_owned();
    let (namespace, resource) = (part("ServiceNamespace"), part("ResourceId"));
    format!("{kind}/{}/{namespace}/{resource}/{}", call.scope.region, part("ScalableDimension"))
}

/// Returns the role that AWS itself uses, by its name for ECS, which all others resemble.
fn role(namespace: &str) -> String {
    let name = if namespace == "ecs" { "ECSService" } else { namespace };
    format!(
        "arn:aws:iam::{ACCOUNT_ID}:role/aws-service-role/{namespace}.application-autoscaling.amazonaws.com/\
         AWSServiceRoleForApplicationAutoScaling_{name}"
    )
}
