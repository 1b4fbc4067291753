//! Route tables: one that is associated is not deleted; a route or an association is there once.

use crate::call::Call;
use crate::error::AwsError;
use crate::facts::Facts;
use crate::xml::Element;

pub(super) async fn check(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    let tables = match call.operation.as_str() {
        "DeleteRouteTable"
        | "AssociateRouteTable"
        | "DisassociateRouteTable"
        | "CreateRoute"
        | "ReplaceRoute"
        | "DeleteRoute" => facts.ec2("DescribeRouteTables").await?,
        _ => return Ok(()),
    };
    let id = call.parameter("RouteTableId").unwrap_or_default();
    let table = tables.iter().find(|table| table.text_at("routeTableId") == id);
    match (call.operation.as_str(), table) {
        ("DisassociateRouteTable", _) => {
            let association = call.parameter("AssociationId").unwrap_or_default();
            let has =
                |table: &Element| table.texts_at("associationSet/item/routeTableAssociationId").contains(&association);
            if !tables.iter().any(has) {
                let message = format!("The association ID '{association}' does not exist");
                return Err(AwsError::refused("InvalidAssociationID.NotFound", message));
            }
            Ok(())
        }
        ("DeleteRouteTable", Some(table)) if !table.list("associationSet").is_empty() => {
            let message = format!("The routeTable '{id}' has dependencies and cannot be deleted.");
            Err(AwsError::refused("DependencyViolation", message))
        }
        ("AssociateRouteTable", Some(_)) => {
            let subnet = call.parameter("SubnetId").unwrap_or_default();
            if tables.iter().any(|table| table.texts_at("associationSet/item/subnetId").contains(&subnet)) {
                let message =
                    format!("the specified association for route table {id} conflicts with an existing association");
                return Err(AwsError::refused("Resource.AlreadyAssociated", message));
            }
            Ok(())
        }
        ("CreateRoute" | "ReplaceRoute" | "DeleteRoute", Some(table)) => route(call, table, facts).await,
        _ => Ok(()),
    }
}

async fn route(call: &Call, table: &Element, facts: &Facts<'_>) -> Result<(), AwsError> {
    // The emulator knows no other kind of destination.
    let Some(destination) = call.parameter("DestinationCidrBlock") else { return Ok(()) };
    let id = table.text_at("routeTableId");
    let there = table.texts_at("routeSet/item/destinationCidrBlock").contains(&destination);
    if call.operation == "CreateRoute" && there {
        let message = format!("The route identified by {destination} already exists.");
        return Err(AwsError::refused("RouteAlreadyExists", message));
    }
    if call.operation != "CreateRoute" && !there {
        let message = format!("no route with destination-cidr-block {destination} in route table {id}");
        return Err(AwsError::refused("InvalidRoute.NotFound", message));
    }
    let gateway = call.parameter("GatewayId").filter(|gateway| gateway.starts_with("igw-"));
    if let Some(gateway) = gateway {
        let found = facts.find("DescribeInternetGateways", "internetGatewayId", gateway).await?;
        let vpc = table.text_at("vpcId");
        if !found.is_some_and(|found| found.texts_at("attachmentSet/item/vpcId").contains(&vpc)) {
            let message = format!("route table {id} and network gateway {gateway} belong to different networks");
            return Err(AwsError::refused("InvalidParameterValue", message));
        }
    }
    Ok(())
}
