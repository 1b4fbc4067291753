//! Elastic IP addresses: what holds them.

use crate::call::Call;
use crate::error::AwsError;
use crate::facts::Facts;
use crate::strict::address::gateway_of;
use crate::view::nat_gateway::{association, interface, private_address};
use crate::xml::Element;

pub(super) async fn show(call: &Call, root: &mut Element, facts: &Facts<'_>) -> Result<(), AwsError> {
    if call.operation == "AllocateAddress" {
        root.set(Element::leaf("networkBorderGroup", &call.scope.region));
        root.set(Element::leaf("publicIpv4Pool", "amazon"));
    }
    if call.operation != "DescribeAddresses" {
        return Ok(());
    }
    for item in root.at_mut("addressesSet").into_iter().flat_map(|set| &mut set.children) {
        item.set(Element::leaf("networkBorderGroup", &call.scope.region));
        item.set(Element::leaf("publicIpv4Pool", "amazon"));
        let Some(gateway) = gateway_of(item.text_at("allocationId"), facts).await? else { continue };
        item.set(Element::leaf("associationId", association(&gateway)));
        item.set(Element::leaf("networkInterfaceId", interface(&gateway)));
        item.set(Element::leaf("networkInterfaceOwnerId", crate::ACCOUNT_ID));
        let Some(nat) = facts.find("DescribeNatGateways", "natGatewayId", &gateway).await? else { continue };
        let subnet = facts.find("DescribeSubnets", "subnetId", nat.text_at("subnetId")).await?;
        if let Some(private) = subnet.and_then(|subnet| private_address(&subnet, &gateway)) {
            item.set(Element::leaf("privateIpAddress", private.to_string()));
        }
    }
    Ok(())
}
