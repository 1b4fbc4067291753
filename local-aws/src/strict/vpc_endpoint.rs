//! VPC endpoints: what their types take, and what there is once in a network.

use crate::call::Call;
use crate::error::AwsError;
use crate::facts::Facts;
use crate::xml::Element;

/// Services that have gateway endpoints.
const GATEWAYS: [&str; 3] = ["dynamodb", "s3", "s3express"];

pub(super) async fn check(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    let service = match call.operation.as_str() {
        "CreateVpcEndpoint" => call.parameter("ServiceName"),
        "ModifyVpcEndpoint" => return modify(call, facts).await,
        _ => return Ok(()),
    };
    let kind = call.parameter("VpcEndpointType").unwrap_or("Gateway");
    if !["Gateway", "Interface"].contains(&kind) {
        return Ok(());
    }
    let Some(service) = service else {
        let message = "The request must contain the parameter ServiceName";
        return Err(AwsError::refused("MissingParameter", message));
    };
    let of_aws = service.strip_prefix(&format!("com.amazonaws.{}.", call.scope.region));
    if of_aws.is_none() && !["com.amazonaws.vpce.", "aws."].iter().any(|start| service.starts_with(start)) {
        let message = format!("The Vpc Endpoint Service '{service}' does not exist");
        return Err(AwsError::refused("InvalidServiceName", message));
    }
    if kind == "Gateway" && !of_aws.is_some_and(|name| GATEWAYS.contains(&name)) {
        return Err(invalid("Endpoint type (Gateway) does not match available service types ([Interface])."));
    }
    let gateway_only = ["RouteTableId"];
    let interface_only = ["SubnetId", "SecurityGroupId"];
    let (wrong, name) =
        if kind == "Gateway" { (&interface_only[..], "Gateway") } else { (&gateway_only[..], "Interface") };
    if let Some(wrong) = wrong.iter().find(|wrong| !call.list(wrong).is_empty()) {
        return Err(invalid(&format!("{wrong}s are not supported for endpoints of type {name}.")));
    }
    let vpc = call.parameter("VpcId").unwrap_or_default();
    one_route(&call.list("RouteTableId"), service, "", facts).await?;
    one_a_zone(&call.list("SubnetId"), facts).await?;
    if call.parameter("PrivateDnsEnabled") == Some("true") {
        private_dns(vpc, service, "", facts).await?;
    }
    Ok(())
}

async fn modify(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    let id = call.parameter("VpcEndpointId").unwrap_or_default();
    let Some(endpoint) = facts.find("DescribeVpcEndpoints", "vpcEndpointId", id).await? else { return Ok(()) };
    let service = endpoint.text_at("serviceName");
    one_route(&call.list("AddRouteTableId"), service, id, facts).await?;
    let removed = call.list("RemoveSubnetId");
    let kept = endpoint.texts_at("subnetIdSet/item").into_iter().filter(|subnet| !removed.contains(subnet));
    let mut subnets: Vec<&str> = kept.chain(call.list("AddSubnetId")).collect();
    subnets.sort_unstable();
    subnets.dedup();
    one_a_zone(&subnets, facts).await?;
    if call.parameter("PrivateDnsEnabled") == Some("true") {
        private_dns(endpoint.text_at("vpcId"), service, id, facts).await?;
    }
    Ok(())
}

/// A route table has one route to a service.
async fn one_route(tables: &[&str], service: &str, own: &str, facts: &Facts<'_>) -> Result<(), AwsError> {
    if tables.is_empty() {
        return Ok(());
    }
    for other in others(service, own, facts).await? {
        if let Some(table) = other.texts_at("routeTableIdSet/item").into_iter().find(|table| tables.contains(table)) {
            let message =
                format!("route table {table} already has a route with destination-prefix-list-id of {service}");
            return Err(AwsError::refused("RouteAlreadyExists", message));
        }
    }
    Ok(())
}

/// An endpoint has one network interface in a zone.
async fn one_a_zone(subnets: &[&str], facts: &Facts<'_>) -> Result<(), AwsError> {
    let mut zones = Vec::new();
    for id in subnets {
        let subnet = facts.find("DescribeSubnets", "subnetId", id).await?;
        let zone = subnet.map(|subnet| subnet.text_at("availabilityZone").to_owned()).unwrap_or_default();
        if zones.contains(&zone) {
            let message = format!("Found another VPC endpoint subnet in the availability zone of {id}");
            return Err(AwsError::refused("DuplicateSubnetsInSameZone", message));
        }
        zones.push(zone);
    }
    Ok(())
}

/// Private names need DNS in the network, and lead to one endpoint.
async fn private_dns(vpc: &str, service: &str, own: &str, facts: &Facts<'_>) -> Result<(), AwsError> {
    for attribute in ["enableDnsSupport", "enableDnsHostnames"] {
        if !facts.vpc_attribute(vpc, attribute).await? {
            return Err(invalid(&format!(
                "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for {vpc}"
            )));
        }
    }
    let others = others(service, own, facts).await?;
    let memory = facts.shared.memory();
    let has_names = |other: &Element| {
        let known = memory.vpc_endpoints.get(other.text_at("vpcEndpointId"));
        let mut settings = known.into_iter().flat_map(|known| &known.settings);
        settings.any(|setting| setting.name == "privateDnsEnabled" && setting.text == "true")
    };
    if others.iter().any(|other| other.text_at("vpcId") == vpc && has_names(other)) {
        return Err(invalid(&format!(
            "private-dns-enabled cannot be set because there is already a conflicting DNS domain for {service} in the VPC {vpc}"
        )));
    }
    Ok(())
}

/// Returns the endpoints of a service but the one whose id is `own`.
async fn others(service: &str, own: &str, facts: &Facts<'_>) -> Result<Vec<Element>, AwsError> {
    let all = facts.ec2("DescribeVpcEndpoints").await?;
    let others = all.iter().filter(|other| other.text_at("serviceName") == service);
    Ok(others.filter(|other| other.text_at("vpcEndpointId") != own).cloned().collect())
}

fn invalid(message: &str) -> AwsError {
    AwsError::refused("InvalidParameter", message)
}
