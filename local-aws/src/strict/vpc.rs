//! Networks: their size, and what keeps them from being deleted beyond what the emulator looks at.

use ipnet::Ipv4Net;

use crate::call::Call;
use crate::error::AwsError;
use crate::facts::Facts;

pub(super) async fn check(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    match call.operation.as_str() {
        "CreateVpc" => {
            let Some(cidr) = call.parameter("CidrBlock") else { return Ok(()) };
            if !cidr.parse::<Ipv4Net>().is_ok_and(|net| (16..=28).contains(&net.prefix_len())) {
                return Err(AwsError::refused("InvalidVpc.Range", format!("The CIDR '{cidr}' is invalid.")));
            }
            Ok(())
        }
        "DeleteVpc" => {
            let vpc = call.parameter("VpcId").unwrap_or_default();
            let tables = facts.ec2("DescribeRouteTables").await?;
            let endpoints = facts.ec2("DescribeVpcEndpoints").await?;
            let own_table = |table: &crate::xml::Element| {
                table.text_at("vpcId") == vpc && !table.texts_at("associationSet/item/main").contains(&"true")
            };
            if tables.iter().any(own_table) || endpoints.iter().any(|endpoint| endpoint.text_at("vpcId") == vpc) {
                let message = format!("The vpc '{vpc}' has dependencies and cannot be deleted.");
                return Err(AwsError::refused("DependencyViolation", message));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}
