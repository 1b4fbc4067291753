//! Internet gateways: one that is attached is not deleted, one whose network has public addresses is not detached.

use crate::call::Call;
use crate::error::AwsError;
use crate::facts::Facts;

pub(super) async fn check(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    let Some(id) = call.parameter("InternetGatewayId") else { return Ok(()) };
    match call.operation.as_str() {
        "DeleteInternetGateway" => {
            let gateway = facts.find("DescribeInternetGateways", "internetGatewayId", id).await?;
            if gateway.is_some_and(|gateway| !gateway.list("attachmentSet").is_empty()) {
                let message = format!("The internetGateway '{id}' has dependencies and cannot be deleted.");
                return Err(AwsError::refused("DependencyViolation", message));
            }
            Ok(())
        }
        "DetachInternetGateway" => detach(call, id, facts).await,
        "AttachInternetGateway" => {
            let vpc = call.parameter("VpcId").unwrap_or_default();
            if attached(vpc, facts).await? {
                let message = format!("Network {vpc} already has an internet gateway attached");
                return Err(AwsError::refused("InvalidParameterValue", message));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

async fn detach(call: &Call, id: &str, facts: &Facts<'_>) -> Result<(), AwsError> {
    let vpc = call.parameter("VpcId").unwrap_or_default();
    let gateway = facts.find("DescribeInternetGateways", "internetGatewayId", id).await?;
    if gateway.is_some_and(|gateway| !gateway.texts_at("attachmentSet/item/vpcId").contains(&vpc)) {
        let message = format!("resource {id} is not attached to network {vpc}");
        return Err(AwsError::refused("Gateway.NotAttached", message));
    }
    let subnets = facts.ec2("DescribeSubnets").await?;
    let here =
        |subnet: &String| subnets.iter().any(|item| item.text_at("subnetId") == subnet && item.text_at("vpcId") == vpc);
    if facts.network_users().await?.iter().any(|user| user.public && user.subnets.iter().any(here)) {
        let message = format!(
            "Network {vpc} has some mapped public address(es). Please unmap those public address(es) before \
             detaching the gateway."
        );
        return Err(AwsError::refused("DependencyViolation", message));
    }
    Ok(())
}

/// Says whether the network has an internet gateway.
pub(crate) async fn attached(vpc: &str, facts: &Facts<'_>) -> Result<bool, AwsError> {
    let gateways = facts.ec2("DescribeInternetGateways").await?;
    Ok(gateways.iter().any(|item| item.texts_at("attachmentSet/item/vpcId").contains(&vpc)))
}
