//! Target groups: one in use is not deleted.

use crate::call::Call;
use crate::error::AwsError;
use crate::facts::Facts;
use crate::view::forward;

pub(super) async fn check(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    match call.operation.as_str() {
        "DeleteTargetGroup" => {
            let arn = call.parameter("TargetGroupArn").unwrap_or_default();
            if users(arn, facts).await?.is_empty() {
                return Ok(());
            }
            let message = format!("Target group '{arn}' is currently in use by a listener or a rule");
            Err(AwsError::refused("ResourceInUse", message))
        }
        "CreateTargetGroup" => {
            let vpc = call.parameter("VpcId");
            let lambda = call.parameter("TargetType") == Some("lambda");
            match vpc {
                None if !lambda => Err(AwsError::refused("ValidationError", "A VPC ID must be specified")),
                Some(vpc) if facts.find("DescribeVpcs", "vpcId", vpc).await?.is_none() => {
                    Err(AwsError::refused("ValidationError", format!("The VPC ID '{vpc}' is not found")))
                }
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// Returns the listeners and rules that forward to the target group.
pub(crate) async fn users(arn: &str, facts: &Facts<'_>) -> Result<Vec<String>, AwsError> {
    let listeners = facts.elb("DescribeListeners").await?;
    let rules = facts.elb("DescribeRules").await?;
    let mut users = Vec::new();
    for (items, id, actions) in [(listeners, "ListenerArn", "DefaultActions"), (rules, "RuleArn", "Actions")] {
        for item in items.iter() {
            let own = item.text_at(id);
            let forwards = item.texts_at(&format!("{actions}/member/TargetGroupArn")).contains(&arn)
                || forward::names(facts.shared, own, arn);
            if forwards {
                users.push(own.to_owned());
            }
        }
    }
    Ok(users)
}
