//! `AWS::EC2::Subnet`.

use std::time::Duration;

use aws_sdk_ec2::operation::modify_subnet_attribute::builders::ModifySubnetAttributeFluentBuilder as Modify;
use aws_sdk_ec2::types::{self as sdk, AttributeBooleanValue, ResourceType, SubnetState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::ec2::{BATCH, asked, by_ids, by_tags, holders, made, normal, retag, tagged_as, tags};
use crate::aws::error::During;
use crate::aws::in_use::Holder;
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{TagSet, Tags};
use crate::aws::wait::{self, Probe};
use crate::catalog::{Permissions, Tagging};
use crate::cloud::Op;
use crate::value::Value;

/// A subnet: a range of a VPC's addresses, in one availability zone.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Subnet {
    /// Whether network interfaces get an IPv6 address. AWS's default is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assign_ipv6_address_on_creation: Option<bool>,
    /// The availability zone, by name. AWS chooses one where neither name nor id is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
    /// The availability zone, by its id, which names the same place in every account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub availability_zone_id: Option<String>,
    /// The IPv4 range, `10.0.1.0/24`; between /16 and /28, within the VPC's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cidr_block: Option<String>,
    /// Whether IPv4-only names are answered with IPv6 addresses. AWS's default is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_dns64: Option<bool>,
    /// The IPv4 IPAM pool that the range is taken from, in place of `CidrBlock`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub ipv4_ipam_pool_id: Option<String>,
    /// The size of the range that is taken from the IPv4 IPAM pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub ipv4_netmask_length: Option<i32>,
    /// The IPv6 range, a /64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv6_cidr_block: Option<String>,
    /// Whether the subnet has IPv6 addresses only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv6_native: Option<bool>,
    /// Whether network interfaces get a public IPv4 address. AWS's default is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map_public_ip_on_launch: Option<bool>,
    /// How instances are named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_dns_name_options_on_launch: Option<PrivateDnsNameOptions>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// The VPC that the subnet is in.
    pub vpc_id: String,
}

/// How instances are named.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PrivateDnsNameOptions {
    /// Whether IPv4 queries for names made of instance ids are answered.
    #[serde(rename = "EnableResourceNameDnsARecord", skip_serializing_if = "Option::is_none")]
    pub enable_a_record: Option<bool>,
    /// Whether IPv6 queries for names made of instance ids are answered.
    #[serde(rename = "EnableResourceNameDnsAAAARecord", skip_serializing_if = "Option::is_none")]
    pub enable_aaaa_record: Option<bool>,
    /// What names are made of.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["ip-name", "resource-name"]))]
    pub hostname_type: Option<String>,
}

/// What AWS tells of a subnet.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// Its IPv6 ranges.
    pub ipv6_cidr_blocks: Vec<String>,
    /// The subnet's id.
    pub subnet_id: String,
}

impl Resource for Subnet {
    const TYPE: &'static str = "AWS::EC2::Subnet";
    const CREATE_ONLY: &'static [&'static str] = &[
        "AvailabilityZone",
        "AvailabilityZoneId",
        "CidrBlock",
        "Ipv4IpamPoolId",
        "Ipv4NetmaskLength",
        "Ipv6CidrBlock",
        "Ipv6Native",
        "VpcId",
    ];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["VpcId", "CidrBlock"], &["VpcId", "Ipv6CidrBlock"]];
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &["ec2:CreateSubnet", "ec2:CreateTags", "ec2:DescribeSubnets", "ec2:ModifySubnetAttribute"],
        read: &["ec2:DescribeSubnets"],
        update: &["ec2:ModifySubnetAttribute", "ec2:CreateTags", "ec2:DeleteTags"],
        delete: &["ec2:DeleteSubnet", "ec2:DescribeNetworkInterfaces"],
    };
    const READ_BATCH: usize = BATCH;
    type Outputs = Outputs;

    fn normalize(properties: &mut Value) {
        normal::range(properties, "CidrBlock");
        normal::range(properties, "Ipv6CidrBlock");
    }

    async fn create(&self, aws: &Aws, _op: &Op) -> Result<Id> {
        let call = aws
            .ec2()
            .create_subnet()
            .set_availability_zone(self.availability_zone.clone())
            .set_availability_zone_id(self.availability_zone_id.clone())
            .set_cidr_block(self.cidr_block.clone())
            .set_ipv4_ipam_pool_id(self.ipv4_ipam_pool_id.clone())
            .set_ipv4_netmask_length(self.ipv4_netmask_length)
            .set_ipv6_cidr_block(self.ipv6_cidr_block.clone())
            .set_ipv6_native(self.ipv6_native)
            .set_tag_specifications(tagged_as(ResourceType::Subnet, &self.tags))
            .vpc_id(&self.vpc_id);
        let answer = call.send().await.during("ec2:CreateSubnet")?;
        made(answer.subnet().and_then(|subnet| subnet.subnet_id()), "ec2:CreateSubnet")
    }

    async fn settle(&self, aws: &Aws, _op: &Op, id: &Id) -> Result<()> {
        wait::until(aws, "ec2:DescribeSubnets", Duration::from_secs(120), || async {
            let subnets = describe(aws, by_ids("subnet-id", std::slice::from_ref(id))).await?;
            let subnet = subnets.iter().find(|subnet| subnet.subnet_id() == Some(id.as_str()));
            Ok(match subnet.and_then(|subnet| subnet.state()) {
                Some(SubnetState::Available) => Probe::Ready(()),
                Some(state) => Probe::Pending(state.to_string()),
                None => Probe::Pending("not visible".to_owned()),
            })
        })
        .await?;
        // What is not given is as AWS makes it: no call.
        self.modify(aws, id, &Self::standard()).await
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let subnets = describe(aws, by_ids("subnet-id", ids)).await?;
        Ok(subnets.into_iter().filter(|subnet| asked(ids, subnet.subnet_id())).map(observed).collect())
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        self.modify(aws, id, old).await?;
        retag(aws, id.as_str(), &old.tags, &self.tags).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        aws.ec2().delete_subnet().subnet_id(id.as_str()).send().await.during("ec2:DeleteSubnet")?;
        Ok(())
    }

    async fn holders(aws: &Aws, id: &Id) -> Result<Vec<Holder>> {
        holders::of_subnet(aws, id.as_str()).await
    }

    async fn tagged(aws: &Aws, tags: &TagSet) -> Result<Vec<Id>> {
        let subnets = describe(aws, by_tags(tags)).await?;
        let have = subnets.iter().filter(|subnet| self::tags(subnet.tags()).have(tags));
        Ok(have.filter_map(|subnet| subnet.subnet_id()).map(Id::new).collect())
    }
}

impl Subnet {
    /// A subnet as AWS makes it.
    fn standard() -> Self {
        Self {
            assign_ipv6_address_on_creation: None,
            availability_zone: None,
            availability_zone_id: None,
            cidr_block: None,
            enable_dns64: None,
            ipv4_ipam_pool_id: None,
            ipv4_netmask_length: None,
            ipv6_cidr_block: None,
            ipv6_native: None,
            map_public_ip_on_launch: None,
            private_dns_name_options_on_launch: None,
            tags: Tags::default(),
            vpc_id: String::new(),
        }
    }

    /// Changes attributes from those of `old`, one a call, as the API wants it.
    async fn modify(&self, aws: &Aws, id: &Id, old: &Self) -> Result<()> {
        type Set = fn(Modify, AttributeBooleanValue) -> Modify;
        let names = |subnet: &Self| subnet.private_dns_name_options_on_launch.clone();
        let (names, old_names) = (names(self), names(old));
        let record = |names: &Option<PrivateDnsNameOptions>| names.as_ref().and_then(|names| names.enable_a_record);
        let aaaa = |names: &Option<PrivateDnsNameOptions>| names.as_ref().and_then(|names| names.enable_aaaa_record);
        let switches: [(Option<bool>, Option<bool>, Set); 5] = [
            (
                self.assign_ipv6_address_on_creation,
                old.assign_ipv6_address_on_creation,
                Modify::assign_ipv6_address_on_creation,
            ),
            (self.enable_dns64, old.enable_dns64, Modify::enable_dns64),
            (self.map_public_ip_on_launch, old.map_public_ip_on_launch, Modify::map_public_ip_on_launch),
            (record(&names), record(&old_names), Modify::enable_resource_name_dns_a_record_on_launch),
            (aaaa(&names), aaaa(&old_names), Modify::enable_resource_name_dns_aaaa_record_on_launch),
        ];
        for (new, old, set) in switches {
            let (new, old) = (new.unwrap_or(false), old.unwrap_or(false));
            if new != old {
                let value = AttributeBooleanValue::builder().value(new).build();
                let call = set(aws.ec2().modify_subnet_attribute().subnet_id(id.as_str()), value);
                call.send().await.during("ec2:ModifySubnetAttribute")?;
            }
        }
        let kind = |names: Option<PrivateDnsNameOptions>| names.and_then(|names| names.hostname_type);
        let (new, old) = (kind(names), kind(old_names));
        if new != old {
            let new = new.as_deref().unwrap_or("ip-name").into();
            let call = aws.ec2().modify_subnet_attribute().subnet_id(id.as_str());
            let call = call.private_dns_hostname_type_on_launch(new);
            call.send().await.during("ec2:ModifySubnetAttribute")?;
        }
        Ok(())
    }
}

pub(super) async fn describe(aws: &Aws, filters: Vec<sdk::Filter>) -> Result<Vec<sdk::Subnet>> {
    let pages = aws.ec2().describe_subnets().set_filters(Some(filters)).into_paginator().items().send();
    pages.collect::<std::result::Result<_, _>>().await.during("ec2:DescribeSubnets")
}

fn observed(subnet: sdk::Subnet) -> Observed<Subnet> {
    let ranges = subnet.ipv6_cidr_block_association_set().iter().filter_map(|range| range.ipv6_cidr_block());
    let ipv6_cidr_blocks: Vec<_> = ranges.map(str::to_owned).collect();
    let names = subnet.private_dns_name_options_on_launch().map(|names| PrivateDnsNameOptions {
        enable_a_record: names.enable_resource_name_dns_a_record(),
        enable_aaaa_record: names.enable_resource_name_dns_aaaa_record(),
        hostname_type: names.hostname_type().map(ToString::to_string),
    });
    let subnet_id = subnet.subnet_id.clone().unwrap_or_default();
    Observed {
        id: Id::new(&subnet_id),
        properties: Subnet {
            assign_ipv6_address_on_creation: subnet.assign_ipv6_address_on_creation,
            enable_dns64: subnet.enable_dns64,
            ipv4_ipam_pool_id: None,
            ipv4_netmask_length: None,
            ipv6_cidr_block: ipv6_cidr_blocks.first().cloned(),
            ipv6_native: subnet.ipv6_native,
            map_public_ip_on_launch: subnet.map_public_ip_on_launch,
            private_dns_name_options_on_launch: names,
            tags: tags(subnet.tags()),
            vpc_id: subnet.vpc_id.unwrap_or_default(),
            availability_zone: subnet.availability_zone,
            availability_zone_id: subnet.availability_zone_id,
            cidr_block: subnet.cidr_block,
        },
        outputs: Outputs { ipv6_cidr_blocks, subnet_id },
    }
}
