//! Load balancers: where one can stand.

use std::collections::HashSet;

use crate::call::Call;
use crate::error::AwsError;
use crate::facts::Facts;
use crate::strict::internet_gateway;

pub(super) async fn check(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    match call.operation.as_str() {
        "CreateLoadBalancer" | "SetSubnets" => {}
        "DeleteLoadBalancer" => return protected(call.parameter("LoadBalancerArn").unwrap_or_default(), facts).await,
        _ => return Ok(()),
    }
    let application = call.parameter("Type").is_none_or(|kind| kind == "application");
    let mut subnets = call.list("Subnets");
    subnets.extend(mapped(call));
    let all = facts.ec2("DescribeSubnets").await?;
    let mut zones = HashSet::new();
    let mut networks = HashSet::new();
    for id in &subnets {
        let Some(subnet) = all.iter().find(|subnet| subnet.text_at("subnetId") == *id) else {
            return Err(AwsError::refused("SubnetNotFound", format!("The subnet ID '{id}' does not exist")));
        };
        networks.insert(subnet.text_at("vpcId"));
        if !zones.insert(subnet.text_at("availabilityZone")) {
            let message = "A load balancer cannot be attached to multiple subnets in the same Availability Zone";
            return Err(AwsError::refused("InvalidConfigurationRequest", message));
        }
    }
    if application && zones.len() < 2 {
        let message = "At least two subnets in two different Availability Zones must be specified";
        return Err(AwsError::refused("ValidationError", message));
    }
    if networks.len() > 1 {
        let message = "All subnets must belong to the same VPC";
        return Err(AwsError::refused("InvalidSubnet", message));
    }
    groups_exist(call, facts).await?;
    let public = call.operation == "CreateLoadBalancer" && call.parameter("Scheme") != Some("internal");
    for vpc in networks {
        if public && !internet_gateway::attached(vpc, facts).await? {
            return Err(AwsError::refused("InvalidSubnet", format!("VPC {vpc} has no internet gateway")));
        }
    }
    Ok(())
}

/// Returns the subnets of `SubnetMappings`.
fn mapped(call: &Call) -> Vec<&str> {
    let named = call.parameters.iter().filter(|(name, _)| name.starts_with("SubnetMappings.member."));
    named.filter(|(name, _)| name.ends_with(".SubnetId")).map(|(_, value)| value.as_str()).collect()
}

async fn groups_exist(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    for id in call.list("SecurityGroups") {
        if facts.find("DescribeSecurityGroups", "groupId", id).await?.is_none() {
            let message = format!("One or more security groups are invalid: '{id}'");
            return Err(AwsError::refused("InvalidSecurityGroup", message));
        }
    }
    Ok(())
}

async fn protected(arn: &str, facts: &Facts<'_>) -> Result<(), AwsError> {
    let balancers = facts.elb("DescribeLoadBalancers").await?;
    if !balancers.iter().any(|balancer| balancer.text_at("LoadBalancerArn") == arn) {
        return Ok(());
    }
    let answer = facts.elb_call("DescribeLoadBalancerAttributes", &[("LoadBalancerArn", arn)]).await?;
    let attributes = answer.at("DescribeLoadBalancerAttributesResult/Attributes").map_or(&[][..], |set| &set.children);
    let is = |name: &str| {
        let own = attributes.iter().find(|attribute| attribute.text_at("Key") == name);
        own.is_some_and(|attribute| attribute.text_at("Value") == "true")
    };
    if is("deletion_protection.enabled") {
        let message = format!("Load balancer '{arn}' cannot be deleted because deletion protection is enabled");
        return Err(AwsError::refused("OperationNotPermitted", message));
    }
    Ok(())
}
