//! `AWS::EC2::NatGateway`.

use std::time::Duration;

use aws_sdk_ec2::types::{self as sdk, NatGatewayState, ResourceType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::ec2::{BATCH, asked, by_ids, by_tags, made, retag, tagged_as, tags};
use crate::aws::error::During;
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{TagSet, Tags};
use crate::aws::wait::{self, Probe};
use crate::catalog::{Permissions, Tagging};
use crate::cloud::Op;

/// How long a gateway may take to come up or to go.
const TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// A NAT gateway: lets what has no public address reach the internet. It costs by the hour and by the gigabyte.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct NatGateway {
    /// The address that it shows to the internet, by its allocation; required for a public one in one zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocation_id: Option<String>,
    /// Whether it serves one zone or all zones of the VPC. AWS's default is `zonal`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["zonal", "regional"]))]
    pub availability_mode: Option<String>,
    /// Whether it leads to the internet or to other networks. AWS's default is `public`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["public", "private"]))]
    pub connectivity_type: Option<String>,
    /// Its address in the subnet. AWS chooses one where none is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_ip_address: Option<String>,
    /// The subnet that it is in: a public one, for a public gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_id: Option<String>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// The VPC, for a regional gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_id: Option<String>,
}

/// What AWS tells of a NAT gateway.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// The id of its network interface.
    pub eni_id: Option<String>,
    /// The gateway's id.
    pub nat_gateway_id: String,
}

impl Resource for NatGateway {
    const TYPE: &'static str = "AWS::EC2::NatGateway";
    const CREATE_ONLY: &'static [&'static str] =
        &["AllocationId", "AvailabilityMode", "ConnectivityType", "PrivateIpAddress", "SubnetId", "VpcId"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["AllocationId"], &["SubnetId", "PrivateIpAddress"]];
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &["ec2:CreateNatGateway", "ec2:CreateTags", "ec2:DescribeNatGateways"],
        read: &["ec2:DescribeNatGateways"],
        update: &["ec2:CreateTags", "ec2:DeleteTags"],
        delete: &["ec2:DeleteNatGateway", "ec2:DescribeNatGateways"],
    };
    const READ_BATCH: usize = BATCH;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, op: &Op) -> Result<Id> {
        let call = aws
            .ec2()
            .create_nat_gateway()
            .client_token(op.id.as_str())
            .set_allocation_id(self.allocation_id.clone())
            .set_availability_mode(self.availability_mode.as_deref().map(Into::into))
            .set_connectivity_type(self.connectivity_type.as_deref().map(Into::into))
            .set_private_ip_address(self.private_ip_address.clone())
            .set_subnet_id(self.subnet_id.clone())
            .set_tag_specifications(tagged_as(ResourceType::Natgateway, &self.tags))
            .set_vpc_id(self.vpc_id.clone());
        let answer = call.send().await.during("ec2:CreateNatGateway")?;
        made(answer.nat_gateway().and_then(|gateway| gateway.nat_gateway_id()), "ec2:CreateNatGateway")
    }

    async fn settle(&self, aws: &Aws, _op: &Op, id: &Id) -> Result<()> {
        wait::until(aws, "ec2:DescribeNatGateways", TIMEOUT, || async {
            let gateway = one(aws, id).await?;
            let why = gateway.as_ref().and_then(|gateway| gateway.failure_message()).unwrap_or("AWS does not say why");
            Ok(match gateway.as_ref().and_then(|gateway| gateway.state()) {
                Some(NatGatewayState::Available) => Probe::Ready(()),
                Some(NatGatewayState::Pending) => Probe::Pending("pending".to_owned()),
                Some(state) => Probe::Failed(format!("it is {state}: {why}")),
                None => Probe::Pending("not visible".to_owned()),
            })
        })
        .await
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let gateways = describe(aws, by_ids("nat-gateway-id", ids)).await?;
        let here = gateways.iter().filter(|gateway| asked(ids, gateway.nat_gateway_id()) && is_there(gateway));
        Ok(here.map(observed).collect())
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        retag(aws, id.as_str(), &old.tags, &self.tags).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        aws.ec2().delete_nat_gateway().nat_gateway_id(id.as_str()).send().await.during("ec2:DeleteNatGateway")?;
        wait::until(aws, "ec2:DescribeNatGateways", TIMEOUT, || async {
            let gateway = one(aws, id).await?;
            let state = gateway.as_ref().and_then(|gateway| gateway.state());
            Ok(match state {
                None | Some(NatGatewayState::Deleted) => Probe::Ready(()),
                Some(state) => Probe::Pending(state.to_string()),
            })
        })
        .await
    }

    async fn tagged(aws: &Aws, tags: &TagSet) -> Result<Vec<Id>> {
        let gateways = describe(aws, by_tags(tags)).await?;
        let have = gateways.iter().filter(|gateway| is_there(gateway) && self::tags(gateway.tags()).have(tags));
        Ok(have.filter_map(|gateway| gateway.nat_gateway_id()).map(Id::new).collect())
    }
}

/// Whether a gateway is more than a memory: those that failed or were deleted are told for an hour.
fn is_there(gateway: &sdk::NatGateway) -> bool {
    !matches!(gateway.state(), Some(NatGatewayState::Deleted | NatGatewayState::Deleting | NatGatewayState::Failed))
}

async fn one(aws: &Aws, id: &Id) -> Result<Option<sdk::NatGateway>> {
    let gateways = describe(aws, by_ids("nat-gateway-id", std::slice::from_ref(id))).await?;
    Ok(gateways.into_iter().find(|gateway| gateway.nat_gateway_id() == Some(id.as_str())))
}

async fn describe(aws: &Aws, filters: Vec<sdk::Filter>) -> Result<Vec<sdk::NatGateway>> {
    let pages = aws.ec2().describe_nat_gateways().set_filter(Some(filters)).into_paginator().items().send();
    pages.collect::<std::result::Result<_, _>>().await.during("ec2:DescribeNatGateways")
}

fn observed(gateway: &sdk::NatGateway) -> Observed<NatGateway> {
    let addresses = gateway.nat_gateway_addresses();
    let primary = addresses.iter().find(|address| address.is_primary() == Some(true)).or_else(|| addresses.first());
    let text = |text: Option<&str>| text.map(str::to_owned);
    let id = gateway.nat_gateway_id().unwrap_or_default().to_owned();
    Observed {
        id: Id::new(&id),
        properties: NatGateway {
            allocation_id: text(primary.and_then(|address| address.allocation_id())),
            availability_mode: gateway.availability_mode().map(ToString::to_string),
            connectivity_type: gateway.connectivity_type().map(ToString::to_string),
            private_ip_address: text(primary.and_then(|address| address.private_ip())),
            subnet_id: text(gateway.subnet_id()),
            tags: tags(gateway.tags()),
            vpc_id: text(gateway.vpc_id()),
        },
        outputs: Outputs {
            eni_id: text(primary.and_then(|address| address.network_interface_id())),
            nat_gateway_id: id,
        },
    }
}
