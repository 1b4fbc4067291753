//! `AWS::EC2::Route`.

use aws_sdk_ec2::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::route_table::describe;
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::ec2::{BATCH, filter, normal};
use crate::aws::error::During;
use crate::aws::resource::{Observed, Resource, Result};
use crate::catalog::Permissions;
use crate::cloud::{CloudError, ErrorKind, Op};
use crate::value::Value;

/// A route: where traffic to one destination goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Route {
    /// Where it goes: a carrier gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carrier_gateway_id: Option<String>,
    /// Where it goes: a core network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub core_network_arn: Option<String>,
    /// The IPv4 range that the route is for, `0.0.0.0/0` for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_cidr_block: Option<String>,
    /// The IPv6 range that the route is for, `::/0` for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_ipv6_cidr_block: Option<String>,
    /// The prefix list that the route is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_prefix_list_id: Option<String>,
    /// Where it goes: an egress-only internet gateway, for IPv6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress_only_internet_gateway_id: Option<String>,
    /// Where it goes: an internet gateway or virtual private gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway_id: Option<String>,
    /// Where it goes: a local gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_gateway_id: Option<String>,
    /// Where it goes: a NAT gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nat_gateway_id: Option<String>,
    /// Where it goes: a network interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_interface_id: Option<String>,
    /// The route table that the route is in.
    pub route_table_id: String,
    /// Where it goes: a transit gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transit_gateway_id: Option<String>,
    /// Where it goes: a VPC endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_endpoint_id: Option<String>,
    /// Where it goes: a peered VPC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_peering_connection_id: Option<String>,
}

/// What AWS tells of a route.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// The route's destination, whichever way it is given.
    pub cidr_block: String,
}

impl Resource for Route {
    const TYPE: &'static str = "AWS::EC2::Route";
    const CREATE_ONLY: &'static [&'static str] =
        &["DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId", "RouteTableId"];
    const UNIQUE: &'static [&'static [&'static str]] = &[
        &["RouteTableId", "DestinationCidrBlock"],
        &["RouteTableId", "DestinationIpv6CidrBlock"],
        &["RouteTableId", "DestinationPrefixListId"],
    ];
    const PERMISSIONS: Permissions = Permissions {
        create: &["ec2:CreateRoute"],
        read: &["ec2:DescribeRouteTables"],
        update: &["ec2:ReplaceRoute"],
        delete: &["ec2:DeleteRoute"],
    };
    const READ_BATCH: usize = BATCH;
    type Outputs = Outputs;

    fn normalize(properties: &mut Value) {
        normal::range(properties, "DestinationCidrBlock");
        normal::range(properties, "DestinationIpv6CidrBlock");
    }

    async fn create(&self, aws: &Aws, _op: &Op) -> Result<Id> {
        let id = self.id()?;
        let call = aws
            .ec2()
            .create_route()
            .set_carrier_gateway_id(self.carrier_gateway_id.clone())
            .set_core_network_arn(self.core_network_arn.clone())
            .set_destination_cidr_block(self.destination_cidr_block.clone())
            .set_destination_ipv6_cidr_block(self.destination_ipv6_cidr_block.clone())
            .set_destination_prefix_list_id(self.destination_prefix_list_id.clone())
            .set_egress_only_internet_gateway_id(self.egress_only_internet_gateway_id.clone())
            .set_gateway_id(self.gateway_id.clone())
            .set_local_gateway_id(self.local_gateway_id.clone())
            .set_nat_gateway_id(self.nat_gateway_id.clone())
            .set_network_interface_id(self.network_interface_id.clone())
            .set_transit_gateway_id(self.transit_gateway_id.clone())
            .set_vpc_endpoint_id(self.vpc_endpoint_id.clone())
            .set_vpc_peering_connection_id(self.vpc_peering_connection_id.clone())
            .route_table_id(&self.route_table_id);
        call.send().await.during("ec2:CreateRoute")?;
        Ok(id)
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let mut tables: Vec<_> = ids.iter().map(table).collect();
        tables.sort_unstable();
        tables.dedup();
        let tables = describe(aws, vec![filter("route-table-id", tables)]).await?;
        let here = tables.iter().flat_map(|table| {
            let id = table.route_table_id().unwrap_or_default();
            table.routes().iter().filter_map(move |route| observed(id, route))
        });
        Ok(here.filter(|here| ids.contains(&here.id)).collect())
    }

    async fn update(&self, aws: &Aws, _op: &Op, _id: &Id, old: &Self) -> Result<()> {
        if self == old {
            return Ok(());
        }
        let call = aws
            .ec2()
            .replace_route()
            .set_carrier_gateway_id(self.carrier_gateway_id.clone())
            .set_core_network_arn(self.core_network_arn.clone())
            .set_destination_cidr_block(self.destination_cidr_block.clone())
            .set_destination_ipv6_cidr_block(self.destination_ipv6_cidr_block.clone())
            .set_destination_prefix_list_id(self.destination_prefix_list_id.clone())
            .set_egress_only_internet_gateway_id(self.egress_only_internet_gateway_id.clone())
            .set_gateway_id(self.gateway_id.clone())
            .set_local_gateway_id(self.local_gateway_id.clone())
            .set_nat_gateway_id(self.nat_gateway_id.clone())
            .set_network_interface_id(self.network_interface_id.clone())
            .set_transit_gateway_id(self.transit_gateway_id.clone())
            .set_vpc_endpoint_id(self.vpc_endpoint_id.clone())
            .set_vpc_peering_connection_id(self.vpc_peering_connection_id.clone())
            .route_table_id(&self.route_table_id);
        call.send().await.during("ec2:ReplaceRoute")?;
        Ok(())
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        let [table, destination] = id.parts();
        let call = aws.ec2().delete_route().route_table_id(table);
        let call = if destination.starts_with("pl-") {
            call.destination_prefix_list_id(destination)
        } else if destination.contains(':') {
            call.destination_ipv6_cidr_block(destination)
        } else {
            call.destination_cidr_block(destination)
        };
        call.send().await.during("ec2:DeleteRoute")?;
        Ok(())
    }

    async fn find(&self, aws: &Aws, _op: &Op) -> Result<Option<Id>> {
        let there = Self::read(aws, &[self.id()?]).await?;
        Ok(there.into_iter().find(|there| there.properties == *self).map(|there| there.id))
    }
}

impl Route {
    fn id(&self) -> Result<Id> {
        let destinations =
            [&self.destination_cidr_block, &self.destination_ipv6_cidr_block, &self.destination_prefix_list_id];
        let destination = destinations.into_iter().flatten().next().ok_or_else(|| {
            let why = "a route needs a DestinationCidrBlock, DestinationIpv6CidrBlock or DestinationPrefixListId";
            CloudError::new(ErrorKind::Invalid, Self::TYPE, why)
        })?;
        Ok(Id::compound(&[&self.route_table_id, destination]))
    }
}

/// The route table that a route's id names.
fn table(id: &Id) -> &str {
    let [table, _] = id.parts();
    table
}

fn observed(table: &str, route: &sdk::Route) -> Option<Observed<Route>> {
    let destinations =
        [route.destination_cidr_block(), route.destination_ipv6_cidr_block(), route.destination_prefix_list_id()];
    let destination = destinations.into_iter().flatten().next()?;
    let text = |text: Option<&str>| text.map(str::to_owned);
    // Gateway endpoints are told as gateways.
    let is_endpoint = |id: &&str| id.starts_with("vpce-");
    let gateway = route.gateway_id();
    Some(Observed {
        id: Id::compound(&[table, destination]),
        outputs: Outputs { cidr_block: destination.to_owned() },
        properties: Route {
            carrier_gateway_id: text(route.carrier_gateway_id()),
            core_network_arn: text(route.core_network_arn()),
            destination_cidr_block: text(route.destination_cidr_block()),
            destination_ipv6_cidr_block: text(route.destination_ipv6_cidr_block()),
            destination_prefix_list_id: text(route.destination_prefix_list_id()),
            egress_only_internet_gateway_id: text(route.egress_only_internet_gateway_id()),
            gateway_id: text(gateway.filter(|id| !is_endpoint(id))),
            local_gateway_id: text(route.local_gateway_id()),
            nat_gateway_id: text(route.nat_gateway_id()),
            network_interface_id: text(route.network_interface_id()),
            route_table_id: table.to_owned(),
            transit_gateway_id: text(route.transit_gateway_id()),
            vpc_endpoint_id: text(gateway.filter(is_endpoint)),
            vpc_peering_connection_id: text(route.vpc_peering_connection_id()),
        },
    })
}
