//! NAT gateways: their states, their address, and why one fails.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::call::Call;
use crate::clock::Wait;
use crate::error::AwsError;
use crate::facts::Facts;
use crate::memory::NatGateway;
use crate::strict::{address, internet_gateway};
use crate::xml::Element;

/// Addresses at the start of a subnet that AWS keeps for itself.
const RESERVED: u32 = 4;

pub(super) async fn show(call: &Call, root: &mut Element, facts: &Facts<'_>) -> Result<(), AwsError> {
    match call.operation.as_str() {
        "CreateNatGateway" => {
            if let Some(item) = root.at_mut("natGateway") {
                created(call, item, facts).await?;
                complete(item, facts).await?;
            }
        }
        "DescribeNatGateways" => {
            for item in root.at_mut("natGatewaySet").into_iter().flat_map(|set| &mut set.children) {
                complete(item, facts).await?;
            }
        }
        "DeleteNatGateway" => {
            facts.shared.clock().begin(root.text_at("natGatewayId"), Wait::NatGatewayDeleted);
        }
        _ => {}
    }
    Ok(())
}

/// Takes down a new gateway, and whether it will fail as on AWS, which says so only later.
async fn created(call: &Call, item: &Element, facts: &Facts<'_>) -> Result<(), AwsError> {
    let (id, vpc) = (item.text_at("natGatewayId"), item.text_at("vpcId"));
    let allocation = call.parameter("AllocationId");
    let mut failure = None;
    if call.parameter("ConnectivityType").is_none_or(|kind| kind == "public") {
        if !internet_gateway::attached(vpc, facts).await? {
            failure = Some(("Gateway.NotAttached", format!("Network {vpc} has no Internet gateway attached")));
        }
        if let Some(allocation) = allocation
            && address::gateway_of(allocation, facts).await?.is_some()
        {
            let message = format!("Elastic IP address [{allocation}] is already associated");
            failure = Some(("Resource.AlreadyAssociated", message));
        }
    }
    let gateway = NatGateway { allocation: allocation.map(str::to_owned), failure };
    facts.shared.memory().nat_gateways.insert(id.into(), gateway);
    facts.shared.clock().begin(id, Wait::NatGatewayCreated);
    Ok(())
}

async fn complete(item: &mut Element, facts: &Facts<'_>) -> Result<(), AwsError> {
    let id = item.text_at("natGatewayId").to_owned();
    let Some(known) = facts.shared.memory().nat_gateways.get(&id).cloned() else { return Ok(()) };
    let (pending, deleting) = {
        let clock = facts.shared.clock();
        (clock.waits(&id, Wait::NatGatewayCreated), clock.waits(&id, Wait::NatGatewayDeleted))
    };
    let deleted = item.text_at("state") == "deleted";
    let state = match (deleted, &known.failure) {
        (true, _) if deleting => "deleting",
        (true, _) => "deleted",
        (false, _) if pending => "pending",
        (false, Some((code, message))) => {
            item.set(Element::leaf("failureCode", *code));
            item.set(Element::leaf("failureMessage", message));
            "failed"
        }
        (false, None) => "available",
    };
    item.set(Element::leaf("state", state));
    let mut address = Element::new("item", vec![Element::leaf("isPrimary", "true")]);
    address.set(Element::leaf("networkInterfaceId", interface(&id)));
    let subnet = facts.find("DescribeSubnets", "subnetId", item.text_at("subnetId")).await?;
    if let Some(private) = subnet.and_then(|subnet| private_address(&subnet, &id)) {
        address.set(Element::leaf("privateIp", private.to_string()));
    }
    if let Some(allocation) = &known.allocation {
        address.set(Element::leaf("allocationId", allocation));
        if let Some(elastic) = facts.find("DescribeAddresses", "allocationId", allocation).await? {
            address.set(Element::leaf("publicIp", elastic.text_at("publicIp")));
        }
        if known.failure.is_none() {
            address.set(Element::leaf("associationId", association(&id)));
        }
    }
    let status = match (state, &known.failure) {
        ("pending", _) => "associating",
        (_, Some(_)) => "failed",
        _ => "succeeded",
    };
    address.set(Element::leaf("status", status));
    item.set(Element::new("natGatewayAddressSet", vec![address]));
    Ok(())
}

/// Returns the id of a gateway's network interface.
pub(super) fn interface(id: &str) -> String {
    id.replacen("nat-", "eni-", 1)
}

/// Returns the id of the association between a gateway and its address.
pub(super) fn association(id: &str) -> String {
    id.replacen("nat-", "eipassoc-", 1)
}

/// Makes up an address in the subnet, the same every time.
pub(super) fn private_address(subnet: &Element, id: &str) -> Option<Ipv4Addr> {
    let cidr: Ipv4Net = subnet.text_at("cidrBlock").parse().ok()?;
    let hosts = 1_u32.checked_shl(32 - u32::from(cidr.prefix_len()))?.checked_sub(RESERVED + 1)?;
    let spread = id.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    Some(Ipv4Addr::from(u32::from(cidr.network()) + RESERVED + spread.checked_rem(hosts)?))
}
