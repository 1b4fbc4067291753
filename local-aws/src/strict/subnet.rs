//! Subnets: their size and place in the network, and what keeps them from being deleted.

use ipnet::Ipv4Net;

use crate::call::Call;
use crate::error::AwsError;
use crate::facts::Facts;

pub(super) async fn check(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    match call.operation.as_str() {
        "CreateSubnet" => create(call, facts).await,
        "DeleteSubnet" => delete(call.parameter("SubnetId").unwrap_or_default(), facts).await,
        _ => Ok(()),
    }
}

async fn create(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    let Some(text) = call.parameter("CidrBlock") else {
        let message = "The request must contain the parameter cidrBlock";
        return Err(AwsError::refused("MissingParameter", message));
    };
    let Ok(cidr) = text.parse::<Ipv4Net>() else {
        let message = format!("Value ({text}) for parameter cidrBlock is invalid. This is not a valid CIDR block.");
        return Err(AwsError::refused("InvalidParameterValue", message));
    };
    let vpc_id = call.parameter("VpcId").unwrap_or_default();
    let vpc = facts.find("DescribeVpcs", "vpcId", vpc_id).await?;
    let network: Option<Ipv4Net> = vpc.and_then(|vpc| vpc.text_at("cidrBlock").parse().ok());
    if !(16..=28).contains(&cidr.prefix_len()) || network.is_some_and(|network| !network.contains(&cidr)) {
        return Err(AwsError::refused("InvalidSubnet.Range", format!("The CIDR '{text}' is invalid.")));
    }
    let subnets = facts.ec2("DescribeSubnets").await?;
    let overlaps = subnets.iter().filter(|other| other.text_at("vpcId") == vpc_id).any(|other| {
        let other: Result<Ipv4Net, _> = other.text_at("cidrBlock").parse();
        other.is_ok_and(|other| other.contains(&cidr) || cidr.contains(&other))
    });
    if overlaps {
        let message = format!("The CIDR '{text}' conflicts with another subnet");
        return Err(AwsError::refused("InvalidSubnet.Conflict", message));
    }
    Ok(())
}

async fn delete(id: &str, facts: &Facts<'_>) -> Result<(), AwsError> {
    if facts.network_users().await?.iter().any(|user| user.subnets.iter().any(|subnet| subnet == id)) {
        let message = format!("The subnet '{id}' has dependencies and cannot be deleted.");
        return Err(AwsError::refused("DependencyViolation", message));
    }
    Ok(())
}
