//! Listeners and their rules: one a port or priority, with a certificate where the protocol needs one.

use crate::call::Call;
use crate::error::AwsError;
use crate::facts::Facts;

pub(super) async fn check(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    match call.operation.as_str() {
        "CreateListener" => {
            port_is_free(call, call.parameter("LoadBalancerArn").unwrap_or_default(), None, facts).await?;
            certificates(call, true, facts).await?;
        }
        "ModifyListener" => {
            let arn = call.parameter("ListenerArn").unwrap_or_default();
            let listeners = facts.elb("DescribeListeners").await?;
            if let Some(listener) = listeners.iter().find(|listener| listener.text_at("ListenerArn") == arn) {
                port_is_free(call, listener.text_at("LoadBalancerArn"), Some(arn), facts).await?;
                certificates(call, listener.list("Certificates").is_empty(), facts).await?;
            }
        }
        "CreateRule" => priority_is_free(call, facts).await?,
        "ModifyRule" => {}
        _ => return Ok(()),
    }
    target_groups_exist(call, facts).await
}

async fn port_is_free(call: &Call, balancer: &str, own: Option<&str>, facts: &Facts<'_>) -> Result<(), AwsError> {
    let Some(port) = call.parameter("Port") else { return Ok(()) };
    let listeners = facts.elb("DescribeListeners").await?;
    let mut others = listeners.iter().filter(|listener| Some(listener.text_at("ListenerArn")) != own);
    if others.any(|other| other.text_at("LoadBalancerArn") == balancer && other.text_at("Port") == port) {
        let message = format!("A listener already exists on this port for this load balancer '{balancer}'");
        return Err(AwsError::refused("DuplicateListener", message));
    }
    Ok(())
}

async fn certificates(call: &Call, has_none: bool, facts: &Facts<'_>) -> Result<(), AwsError> {
    let named = call.parameters.iter().filter(|(name, _)| name.ends_with(".CertificateArn"));
    let named: Vec<&str> = named.map(|(_, arn)| arn.as_str()).collect();
    let secure = matches!(call.parameter("Protocol"), Some("HTTPS" | "TLS"));
    if secure && has_none && named.is_empty() {
        let message = "A certificate must be specified for HTTPS listeners";
        return Err(AwsError::refused("ValidationError", message));
    }
    for arn in named {
        // Certificates may also be IAM's; those the emulator is not asked for.
        if arn.contains(":acm:") && !facts.has_certificate(arn).await? {
            return Err(AwsError::refused("CertificateNotFound", format!("Certificate '{arn}' not found")));
        }
    }
    Ok(())
}

async fn priority_is_free(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    let listener = call.parameter("ListenerArn").unwrap_or_default();
    let priority = call.parameter("Priority").unwrap_or_default();
    // A rule's ARN is its listener's with another kind and one more step.
    let below = format!("{}/", listener.replace(":listener/", ":listener-rule/"));
    let rules = facts.elb("DescribeRules").await?;
    if rules.iter().any(|rule| rule.text_at("RuleArn").starts_with(&below) && rule.text_at("Priority") == priority) {
        return Err(AwsError::refused("PriorityInUse", format!("Priority '{priority}' is currently in use")));
    }
    Ok(())
}

async fn target_groups_exist(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    let groups = facts.elb("DescribeTargetGroups").await?;
    for (name, arn) in &call.parameters {
        let known = || groups.iter().any(|group| group.text_at("TargetGroupArn") == arn);
        if name.ends_with(".TargetGroupArn") && !known() {
            return Err(AwsError::refused("TargetGroupNotFound", format!("Target groups '{arn}' not found")));
        }
    }
    Ok(())
}
