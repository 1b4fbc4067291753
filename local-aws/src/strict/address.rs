//! Elastic IP addresses: one that is in use is not released.

use crate::call::Call;
use crate::error::AwsError;
use crate::facts::Facts;

pub(super) async fn check(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    if call.operation != "ReleaseAddress" {
        return Ok(());
    }
    let Some(allocation) = call.parameter("AllocationId") else { return Ok(()) };
    let addresses = facts.ec2("DescribeAddresses").await?;
    let address = addresses.iter().find(|item| item.text_at("allocationId") == allocation);
    let associated = address.is_some_and(|item| !item.text_at("associationId").is_empty());
    if associated || gateway_of(allocation, facts).await?.is_some() {
        let ip = address.map_or(allocation, |item| item.text_at("publicIp"));
        return Err(AwsError::refused("InvalidIPAddress.InUse", format!("Address {ip} is in use.")));
    }
    Ok(())
}

/// Returns the NAT gateway that holds the address.
pub(crate) async fn gateway_of(allocation: &str, facts: &Facts<'_>) -> Result<Option<String>, AwsError> {
    let gateways = facts.ec2("DescribeNatGateways").await?;
    let memory = facts.shared.memory();
    let holds = |id: &str| {
        let known = memory.nat_gateways.get(id);
        known.is_some_and(|known| known.failure.is_none() && known.allocation.as_deref() == Some(allocation))
    };
    let mut found = gateways.iter().filter(|item| holds(item.text_at("natGatewayId")));
    Ok(found
        .find(|item| facts.holds_address(item.text_at("natGatewayId"), item.text_at("state")))
        .map(|item| item.text_at("natGatewayId").to_owned()))
}
