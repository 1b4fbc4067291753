//! Ids: what an EC2 call names must be there.

use crate::call::Call;
use crate::error::AwsError;
use crate::facts::Facts;

/// A kind of thing: its prefix, the call that lists it, where its id stands, and the error when it is not there.
const KINDS: [(&str, &str, &str, &str, &str); 9] = [
    ("eipalloc-", "DescribeAddresses", "allocationId", "InvalidAllocationID.NotFound", "allocation ID"),
    ("fl-", "DescribeFlowLogs", "flowLogId", "InvalidFlowLogId.NotFound", "flowLog ID"),
    (
        "igw-",
        "DescribeInternetGateways",
        "internetGatewayId",
        "InvalidInternetGatewayID.NotFound",
        "internetGateway ID",
    ),
    ("nat-", "DescribeNatGateways", "natGatewayId", "InvalidNatGatewayID.NotFound", "natGateway ID"),
    ("rtb-", "DescribeRouteTables", "routeTableId", "InvalidRouteTableID.NotFound", "routeTable ID"),
    ("sg-", "DescribeSecurityGroups", "groupId", "InvalidGroup.NotFound", "security group"),
    ("subnet-", "DescribeSubnets", "subnetId", "InvalidSubnetID.NotFound", "subnet ID"),
    ("vpc-", "DescribeVpcs", "vpcId", "InvalidVpcID.NotFound", "vpc ID"),
    ("vpce-", "DescribeVpcEndpoints", "vpcEndpointId", "InvalidVpcEndpointId.NotFound", "Vpc Endpoint Id"),
];

pub(super) async fn check(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    // The emulator answers the first of these itself, with a code of its own; the others succeed, and say what they could not do.
    if ["DeleteNatGateway", "DeleteFlowLogs", "DeleteVpcEndpoints"].contains(&call.operation.as_str()) {
        return Ok(());
    }
    for (name, value) in &call.parameters {
        if is_free_text(name) {
            continue;
        }
        for (prefix, list, path, ..) in KINDS {
            let is_id = value.strip_prefix(prefix).is_some_and(|id| id.bytes().all(|byte| byte.is_ascii_hexdigit()));
            if is_id && facts.find(list, path, value).await?.is_none() {
                return Err(not_found(value));
            }
        }
    }
    Ok(())
}

/// Makes the error for an id that is not there.
pub(crate) fn not_found(id: &str) -> AwsError {
    let kind = KINDS.iter().find(|(prefix, ..)| id.starts_with(prefix));
    let (code, kind) = kind.map_or(("InvalidID", "ID"), |(_, _, _, code, kind)| (*code, *kind));
    AwsError::refused(code, format!("The {kind} '{id}' does not exist"))
}

/// Says whether the parameter is text of the caller's own, which may look like an id.
fn is_free_text(name: &str) -> bool {
    name.contains("Tag.") || ["ClientToken", "Description", "GroupName", "GroupDescription"].contains(&name)
}
