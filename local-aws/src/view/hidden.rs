//! New ids, which on AWS may not be visible for the first moments.

use crate::call::Call;
use crate::error::AwsError;
use crate::shared::Shared;
use crate::strict::references;
use crate::xml::Element;

/// Where the id of a new thing stands in the answer.
const NEW: [(&str, &str); 10] = [
    ("AllocateAddress", "allocationId"),
    ("CreateFlowLogs", "flowLogIdSet/item"),
    ("CreateInternetGateway", "internetGateway/internetGatewayId"),
    ("CreateNatGateway", "natGateway/natGatewayId"),
    ("CreateNetworkInterface", "networkInterface/networkInterfaceId"),
    ("CreateRouteTable", "routeTable/routeTableId"),
    ("CreateSecurityGroup", "groupId"),
    ("CreateSubnet", "subnet/subnetId"),
    ("CreateVpc", "vpc/vpcId"),
    ("CreateVpcEndpoint", "vpcEndpoint/vpcEndpointId"),
];

/// Refuses a call that names an id too early; a filter for it only finds nothing.
pub(crate) fn check(call: &Call, shared: &Shared) -> Result<(), AwsError> {
    if call.scope.service != "ec2" || shared.hidden_for().is_zero() {
        return Ok(());
    }
    let named = call.parameters.iter().filter(|(name, _)| !name.starts_with("Filter."));
    match named.map(|(_, value)| value).find(|value| is_hidden(value, shared)) {
        Some(id) => Err(references::not_found(id)),
        None => Ok(()),
    }
}

/// Takes down when an id was first told.
pub(super) fn note(call: &Call, root: &Element, shared: &Shared) {
    if let Some((_, path)) = NEW.iter().find(|(operation, _)| *operation == call.operation) {
        shared.memory().told.insert(root.text_at(path).into(), std::time::Instant::now());
    }
}

/// Says whether `id` is too new to be visible.
pub(super) fn is_hidden(id: &str, shared: &Shared) -> bool {
    let hidden_for = *shared.hidden_for();
    !hidden_for.is_zero() && shared.memory().told.get(id).is_some_and(|told| told.elapsed() < hidden_for)
}
