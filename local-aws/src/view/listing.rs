//! Listings: the filters that the emulator ignores, ids that are not there, and pages.

use crate::call::Call;
use crate::error::AwsError;
use crate::pattern::is_like;
use crate::shared::Shared;
use crate::view::hidden;
use crate::xml::Element;

/// An EC2 operation that lists.
struct Listing {
    operation: &'static str,
    /// The element that holds the items.
    set: &'static str,
    /// The parameter that asks for certain ids, and where the id stands in an item.
    ids: (&'static str, &'static str),
    /// The error for an id that is not there, its message's text before and after the id.
    missing: (&'static str, &'static str, &'static str),
    /// The filters, and where the values that they compare stand in an item.
    filters: &'static [(&'static str, &'static str)],
}

const LISTINGS: [Listing; 11] = [
    Listing {
        operation: "DescribeAddresses",
        set: "addressesSet",
        ids: ("AllocationId", "allocationId"),
        missing: ("InvalidAllocationID.NotFound", "The allocation ID '", "' does not exist"),
        filters: &[
            ("allocation-id", "allocationId"),
            ("association-id", "associationId"),
            ("domain", "domain"),
            ("instance-id", "instanceId"),
            ("network-border-group", "networkBorderGroup"),
            ("network-interface-id", "networkInterfaceId"),
            ("network-interface-owner-id", "networkInterfaceOwnerId"),
            ("private-ip-address", "privateIpAddress"),
            ("public-ip", "publicIp"),
        ],
    },
    Listing {
        operation: "DescribeFlowLogs",
        set: "flowLogSet",
        ids: ("FlowLogId", "flowLogId"),
        missing: ("InvalidFlowLogId.NotFound", "The flowLog ID '", "' does not exist"),
        filters: &[
            ("deliver-log-status", "deliverLogsStatus"),
            ("flow-log-id", "flowLogId"),
            ("log-destination-type", "logDestinationType"),
            ("log-group-name", "logGroupName"),
            ("resource-id", "resourceId"),
            ("traffic-type", "trafficType"),
        ],
    },
    Listing {
        operation: "DescribeInternetGateways",
        set: "internetGatewaySet",
        ids: ("InternetGatewayId", "internetGatewayId"),
        missing: ("InvalidInternetGatewayID.NotFound", "The internetGateway ID '", "' does not exist"),
        filters: &[
            ("attachment.state", "attachmentSet/item/state"),
            ("attachment.vpc-id", "attachmentSet/item/vpcId"),
            ("internet-gateway-id", "internetGatewayId"),
            ("owner-id", "ownerId"),
        ],
    },
    Listing {
        operation: "DescribeNatGateways",
        set: "natGatewaySet",
        ids: ("NatGatewayId", "natGatewayId"),
        missing: ("NatGatewayNotFound", "The Nat Gateway ", " was not found"),
        filters: &[
            ("nat-gateway-id", "natGatewayId"),
            ("state", "state"),
            ("subnet-id", "subnetId"),
            ("vpc-id", "vpcId"),
        ],
    },
    Listing {
        operation: "DescribeNetworkInterfaces",
        set: "networkInterfaceSet",
        ids: ("NetworkInterfaceId", "networkInterfaceId"),
        missing: ("InvalidNetworkInterfaceID.NotFound", "The networkInterface ID '", "' does not exist"),
        filters: &[
            ("addresses.private-ip-address", "privateIpAddressesSet/item/privateIpAddress"),
            ("attachment.attachment-id", "attachment/attachmentId"),
            ("attachment.instance-id", "attachment/instanceId"),
            ("attachment.status", "attachment/status"),
            ("availability-zone", "availabilityZone"),
            ("description", "description"),
            ("group-id", "groupSet/item/groupId"),
            ("group-name", "groupSet/item/groupName"),
            ("interface-type", "interfaceType"),
            ("mac-address", "macAddress"),
            ("network-interface-id", "networkInterfaceId"),
            ("owner-id", "ownerId"),
            ("private-ip-address", "privateIpAddress"),
            ("status", "status"),
            ("subnet-id", "subnetId"),
            ("vpc-id", "vpcId"),
        ],
    },
    Listing {
        operation: "DescribeRouteTables",
        set: "routeTableSet",
        ids: ("RouteTableId", "routeTableId"),
        missing: ("InvalidRouteTableID.NotFound", "The routeTable ID '", "' does not exist"),
        filters: &[
            ("association.gateway-id", "associationSet/item/gatewayId"),
            ("association.main", "associationSet/item/main"),
            ("association.route-table-association-id", "associationSet/item/routeTableAssociationId"),
            ("association.route-table-id", "associationSet/item/routeTableId"),
            ("association.subnet-id", "associationSet/item/subnetId"),
            ("owner-id", "ownerId"),
            ("route-table-id", "routeTableId"),
            ("route.destination-cidr-block", "routeSet/item/destinationCidrBlock"),
            ("route.gateway-id", "routeSet/item/gatewayId"),
            ("route.nat-gateway-id", "routeSet/item/natGatewayId"),
            ("route.origin", "routeSet/item/origin"),
            ("route.state", "routeSet/item/state"),
            ("vpc-id", "vpcId"),
        ],
    },
    Listing {
        operation: "DescribeSecurityGroupRules",
        set: "securityGroupRuleSet",
        ids: ("SecurityGroupRuleId", "securityGroupRuleId"),
        missing: ("InvalidSecurityGroupRuleId.NotFound", "The security group rule ID '", "' does not exist"),
        filters: &[("group-id", "groupId"), ("security-group-rule-id", "securityGroupRuleId")],
    },
    Listing {
        operation: "DescribeSecurityGroups",
        set: "securityGroupInfo",
        ids: ("GroupId", "groupId"),
        missing: ("InvalidGroup.NotFound", "The security group '", "' does not exist"),
        filters: &[
            ("description", "groupDescription"),
            ("egress.ip-permission.cidr", "ipPermissionsEgress/item/ipRanges/item/cidrIp"),
            ("egress.ip-permission.group-id", "ipPermissionsEgress/item/groups/item/groupId"),
            ("group-id", "groupId"),
            ("group-name", "groupName"),
            ("ip-permission.cidr", "ipPermissions/item/ipRanges/item/cidrIp"),
            ("ip-permission.from-port", "ipPermissions/item/fromPort"),
            ("ip-permission.group-id", "ipPermissions/item/groups/item/groupId"),
            ("ip-permission.protocol", "ipPermissions/item/ipProtocol"),
            ("ip-permission.to-port", "ipPermissions/item/toPort"),
            ("owner-id", "ownerId"),
            ("vpc-id", "vpcId"),
        ],
    },
    Listing {
        operation: "DescribeSubnets",
        set: "subnetSet",
        ids: ("SubnetId", "subnetId"),
        missing: ("InvalidSubnetID.NotFound", "The subnet ID '", "' does not exist"),
        filters: &[
            ("availability-zone", "availabilityZone"),
            ("availability-zone-id", "availabilityZoneId"),
            ("cidr-block", "cidrBlock"),
            ("default-for-az", "defaultForAz"),
            ("map-public-ip-on-launch", "mapPublicIpOnLaunch"),
            ("owner-id", "ownerId"),
            ("state", "state"),
            ("subnet-arn", "subnetArn"),
            ("subnet-id", "subnetId"),
            ("vpc-id", "vpcId"),
        ],
    },
    Listing {
        operation: "DescribeVpcEndpoints",
        set: "vpcEndpointSet",
        ids: ("VpcEndpointId", "vpcEndpointId"),
        missing: ("InvalidVpcEndpointId.NotFound", "The Vpc Endpoint Id '", "' does not exist"),
        filters: &[
            ("service-name", "serviceName"),
            ("vpc-endpoint-id", "vpcEndpointId"),
            ("vpc-endpoint-state", "state"),
            ("vpc-endpoint-type", "vpcEndpointType"),
            ("vpc-id", "vpcId"),
        ],
    },
    Listing {
        operation: "DescribeVpcs",
        set: "vpcSet",
        ids: ("VpcId", "vpcId"),
        missing: ("InvalidVpcID.NotFound", "The vpc ID '", "' does not exist"),
        filters: &[
            ("cidr", "cidrBlock"),
            ("cidr-block-association.cidr-block", "cidrBlockAssociationSet/item/cidrBlock"),
            ("dhcp-options-id", "dhcpOptionsId"),
            ("is-default", "isDefault"),
            ("owner-id", "ownerId"),
            ("state", "state"),
            ("vpc-id", "vpcId"),
        ],
    },
];

/// Elastic Load Balancing's listings: the operation, the parameter that asks for certain things, where they are
/// listed, where the name or ARN stands, and the error when one is not there.
const NAMED: [(&str, &str, &str, &str, &str, &str); 6] = [
    (
        "DescribeListeners",
        "ListenerArns",
        "Listeners",
        "ListenerArn",
        "ListenerNotFound",
        "One or more listeners not found",
    ),
    (
        "DescribeLoadBalancers",
        "LoadBalancerArns",
        "LoadBalancers",
        "LoadBalancerArn",
        "LoadBalancerNotFound",
        "One or more load balancers not found",
    ),
    (
        "DescribeLoadBalancers",
        "Names",
        "LoadBalancers",
        "LoadBalancerName",
        "LoadBalancerNotFound",
        "One or more load balancers not found",
    ),
    ("DescribeRules", "RuleArns", "Rules", "RuleArn", "RuleNotFound", "One or more rules not found"),
    (
        "DescribeTargetGroups",
        "TargetGroupArns",
        "TargetGroups",
        "TargetGroupArn",
        "TargetGroupNotFound",
        "One or more target groups not found",
    ),
    (
        "DescribeTargetGroups",
        "Names",
        "TargetGroups",
        "TargetGroupName",
        "TargetGroupNotFound",
        "One or more target groups not found",
    ),
];

/// Says whether `operation` is one of EC2's that are filtered here.
pub(super) fn is_listed(operation: &str) -> bool {
    LISTINGS.iter().any(|listing| listing.operation == operation)
}

/// Returns the parameters without filters and pages, which are applied here, after the states are.
pub(super) fn without_selection(call: &Call) -> Vec<(String, String)> {
    let selects = |name: &str| name.starts_with("Filter.") || name == "MaxResults" || name == "NextToken";
    call.parameters.iter().filter(|(name, _)| !selects(name)).cloned().collect()
}

/// Leaves what `call` asks for.
pub(super) fn select(call: &Call, root: &mut Element, shared: &Shared) -> Result<(), AwsError> {
    let Some(listing) = LISTINGS.iter().find(|listing| listing.operation == call.operation) else { return Ok(()) };
    let (parameter, path) = listing.ids;
    let filters = filters(call);
    for (name, _) in &filters {
        let known = name.starts_with("tag:") || name == "tag-key" || name == "tag-value";
        if !known && !listing.filters.iter().any(|(known, _)| known == name) {
            return Err(AwsError::refused("InvalidParameterValue", format!("The filter '{name}' is invalid")));
        }
    }
    let Some(set) = root.at_mut(listing.set) else { return Ok(()) };
    for id in call.list(parameter) {
        if !set.children.iter().any(|item| item.text_at(path) == id) {
            let (code, before, after) = listing.missing;
            return Err(AwsError::refused(code, format!("{before}{id}{after}")));
        }
    }
    let passes = |item: &Element| filters.iter().all(|(name, values)| matches(item, name, values, listing));
    set.children.retain(|item| passes(item) && !hidden::is_hidden(item.text_at(path), shared));
    let number = |name: &str| call.parameter(name).and_then(|text| text.parse::<usize>().ok());
    let (start, most) = (number("NextToken").unwrap_or(0), number("MaxResults").unwrap_or(usize::MAX));
    let end = start.saturating_add(most).min(set.children.len());
    let more = end < set.children.len();
    set.children = set.children.get(start..end).unwrap_or_default().to_vec();
    if more {
        root.set(Element::leaf("nextToken", end.to_string()));
    }
    Ok(())
}

/// Returns the filters of `call`: each has a name and values, one of which must match.
fn filters(call: &Call) -> Vec<(String, Vec<&str>)> {
    let mut filters = Vec::new();
    for index in 1.. {
        let Some(name) = call.parameter(&format!("Filter.{index}.Name")) else { break };
        filters.push((name.to_owned(), call.list(&format!("Filter.{index}.Value"))));
    }
    filters
}

fn matches(item: &Element, name: &str, values: &[&str], listing: &Listing) -> bool {
    let texts = match name {
        "tag-key" => item.texts_at("tagSet/item/key"),
        "tag-value" => item.texts_at("tagSet/item/value"),
        _ => match name.strip_prefix("tag:") {
            Some(key) => {
                let own = item.list("tagSet").iter().filter(|tag| tag.text_at("key") == key);
                own.map(|tag| tag.text_at("value")).collect()
            }
            None => {
                let paths = listing.filters.iter().filter(|(filter, _)| *filter == name);
                paths.flat_map(|(_, path)| item.texts_at(path)).collect()
            }
        },
    };
    texts.iter().any(|text| values.iter().any(|pattern| is_like(text.as_bytes(), pattern.as_bytes())))
}

/// Refuses when Elastic Load Balancing is asked for something that is not there; the emulator answers with the rest.
pub(super) fn all_found(call: &Call, result: &Element) -> Result<(), AwsError> {
    for (operation, parameter, set, path, code, message) in NAMED {
        if operation != call.operation {
            continue;
        }
        let there = result.list(set);
        if call.list(parameter).iter().any(|wanted| !there.iter().any(|item| item.text_at(path) == *wanted)) {
            return Err(AwsError::refused(code, message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listings_are_sorted() {
        assert!(LISTINGS.is_sorted_by_key(|listing| listing.operation));
        assert!(LISTINGS.iter().all(|listing| listing.filters.is_sorted()));
        assert!(NAMED.is_sorted_by_key(|named| named.0));
    }
}
