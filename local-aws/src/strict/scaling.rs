//! Application Auto Scaling: limits that make sense, of a service that is there.

use serde_json::{Value, json};

use crate::call::Call;
use crate::error::AwsError;
use crate::facts::Facts;

pub(crate) async fn check(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    super::tags::check(call)?;
    if call.operation != "RegisterScalableTarget" {
        return Ok(());
    }
    let refused = |message: String| Err(AwsError::refused("ValidationException", message));
    let resource = call.json["ResourceId"].as_str().unwrap_or_default();
    if call.json["ServiceNamespace"] == "ecs" && ecs_service(&call.json, facts).await?.is_none() {
        return refused(format!("ECS service doesn't exist: {resource}"));
    }
    let known = told_target(&call.json, facts).await?;
    let limit = |name: &str| {
        let known = known.as_ref().and_then(|known| known[name].as_i64());
        call.json[name].as_i64().or(known)
    };
    match (limit("MinCapacity"), limit("MaxCapacity")) {
        (Some(least), Some(most)) if least <= most => Ok(()),
        (Some(_), Some(_)) => refused("Maximum capacity cannot be less than minimum capacity".into()),
        _ => refused("A scalable target must have both a minimum and a maximum capacity".into()),
    }
}

/// Returns the ECS service that a target is of: `service/<cluster>/<service>`.
pub(crate) async fn ecs_service(target: &Value, facts: &Facts<'_>) -> Result<Option<Value>, AwsError> {
    if target["ServiceNamespace"] != "ecs" {
        return Ok(None);
    }
    let ending = format!(":{}", target["ResourceId"].as_str().unwrap_or_default());
    let services = facts.shared.ecs.services(facts.shared).await.into_iter();
    Ok(services.filter(|it| it["status"] == "ACTIVE").find(|it| {
        let arn = it["serviceArn"].as_str().unwrap_or_default();
        arn.ends_with(&ending)
    }))
}

/// Returns a target as its emulator has it.
pub(crate) async fn told_target(target: &Value, facts: &Facts<'_>) -> Result<Option<Value>, AwsError> {
    let input = json!({
        "ServiceNamespace": target["ServiceNamespace"],
        "ResourceIds": [target["ResourceId"]],
        "ScalableDimension": target["ScalableDimension"],
    });
    let answer = facts.scaling("DescribeScalableTargets", &input).await?.unwrap_or_default();
    Ok(answer["ScalableTargets"].get(0).cloned())
}
