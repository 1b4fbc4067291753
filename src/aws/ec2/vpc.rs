//! `AWS::EC2::VPC`.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_ec2::types::{self as sdk, AttributeBooleanValue, ResourceType, VpcAttributeName, VpcState};
use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::ec2::{BATCH, asked, by_ids, by_tags, filter, holders, made, normal, retag, tagged_as, tags};
use crate::aws::error::{During, found};
use crate::aws::in_use::Holder;
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{TagSet, Tags};
use crate::aws::wait::{self, Probe};
use crate::catalog::{Permissions, Tagging};
use crate::cloud::Op;
use crate::value::Value;

/// A virtual private cloud: an isolated network.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Vpc {
    /// The IPv4 range of the network, `10.0.0.0/16`; between /16 and /28.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cidr_block: Option<String>,
    /// Whether instances with public addresses get public DNS names. AWS's default is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_dns_hostnames: Option<bool>,
    /// Whether DNS is answered inside the network. AWS's default is true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_dns_support: Option<bool>,
    /// Whether instances run on hardware of their own. AWS's default is `default`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["default", "dedicated", "host"]))]
    pub instance_tenancy: Option<String>,
    /// The IPAM pool that the range is taken from, in place of `CidrBlock`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub ipv4_ipam_pool_id: Option<String>,
    /// The size of the range that is taken from the IPAM pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub ipv4_netmask_length: Option<i32>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// What AWS tells of a VPC.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// The VPC's id.
    pub vpc_id: String,
    /// The ids of its IPv4 range associations.
    pub cidr_block_associations: BTreeSet<String>,
    /// The id of the network ACL that came with it.
    pub default_network_acl: Option<String>,
    /// The id of the security group that came with it.
    pub default_security_group: Option<String>,
    /// Its IPv6 ranges.
    pub ipv6_cidr_blocks: BTreeSet<String>,
}

impl Resource for Vpc {
    const TYPE: &'static str = "AWS::EC2::VPC";
    const CREATE_ONLY: &'static [&'static str] =
        &["CidrBlock", "InstanceTenancy", "Ipv4IpamPoolId", "Ipv4NetmaskLength"];
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &["ec2:CreateVpc", "ec2:CreateTags", "ec2:DescribeVpcs", "ec2:ModifyVpcAttribute"],
        read: &[
            "ec2:DescribeVpcs",
            "ec2:DescribeVpcAttribute",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeNetworkAcls",
        ],
        update: &["ec2:ModifyVpcAttribute", "ec2:CreateTags", "ec2:DeleteTags"],
        delete: &[
            "ec2:DeleteVpc",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
        ],
    };
    const READ_BATCH: usize = BATCH;
    type Outputs = Outputs;

    fn normalize(properties: &mut Value) {
        normal::range(properties, "CidrBlock");
    }

    async fn create(&self, aws: &Aws, _op: &Op) -> Result<Id> {
        let call = aws
            .ec2()
            .create_vpc()
            .set_cidr_block(self.cidr_block.clone())
            .set_instance_tenancy(self.instance_tenancy.as_deref().map(Into::into))
            .set_ipv4_ipam_pool_id(self.ipv4_ipam_pool_id.clone())
            .set_ipv4_netmask_length(self.ipv4_netmask_length)
            .set_tag_specifications(tagged_as(ResourceType::Vpc, &self.tags));
        let answer = call.send().await.during("ec2:CreateVpc")?;
        made(answer.vpc().and_then(|vpc| vpc.vpc_id()), "ec2:CreateVpc")
    }

    async fn settle(&self, aws: &Aws, _op: &Op, id: &Id) -> Result<()> {
        wait::until(aws, "ec2:DescribeVpcs", Duration::from_secs(120), || async {
            let vpcs = describe(aws, by_ids("vpc-id", std::slice::from_ref(id))).await?;
            let state = vpcs.iter().find(|vpc| vpc.vpc_id() == Some(id.as_str())).and_then(|vpc| vpc.state());
            Ok(match state {
                Some(VpcState::Available) => Probe::Ready(()),
                Some(state) => Probe::Pending(state.to_string()),
                None => Probe::Pending("not visible".to_owned()),
            })
        })
        .await?;
        if let Some(value) = self.enable_dns_support {
            set_dns_support(aws, id, value).await?;
        }
        if let Some(value) = self.enable_dns_hostnames {
            set_dns_hostnames(aws, id, value).await?;
        }
        Ok(())
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let vpcs = describe(aws, by_ids("vpc-id", ids)).await?;
        let vpcs: Vec<_> = vpcs.into_iter().filter(|vpc| asked(ids, vpc.vpc_id())).collect();
        let here: Vec<_> = vpcs.iter().filter_map(|vpc| vpc.vpc_id()).collect();
        if here.is_empty() {
            return Ok(Vec::new());
        }
        let (groups, acls) = futures::try_join!(default_groups(aws, &here), default_acls(aws, &here))?;
        let reads = vpcs.iter().map(|vpc| observed(aws, vpc, &groups, &acls));
        Ok(try_join_all(reads).await?.into_iter().flatten().collect())
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        if self.enable_dns_support != old.enable_dns_support {
            set_dns_support(aws, id, self.enable_dns_support.unwrap_or(true)).await?;
        }
        if self.enable_dns_hostnames != old.enable_dns_hostnames {
            set_dns_hostnames(aws, id, self.enable_dns_hostnames.unwrap_or(false)).await?;
        }
        retag(aws, id.as_str(), &old.tags, &self.tags).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        aws.ec2().delete_vpc().vpc_id(id.as_str()).send().await.during("ec2:DeleteVpc")?;
        Ok(())
    }

    async fn holders(aws: &Aws, id: &Id) -> Result<Vec<Holder>> {
        holders::of_vpc(aws, id.as_str()).await
    }

    async fn tagged(aws: &Aws, tags: &TagSet) -> Result<Vec<Id>> {
        let vpcs = describe(aws, by_tags(tags)).await?;
        let have = vpcs.iter().filter(|vpc| self::tags(vpc.tags()).have(tags));
        Ok(have.filter_map(|vpc| vpc.vpc_id()).map(Id::new).collect())
    }
}

async fn describe(aws: &Aws, filters: Vec<sdk::Filter>) -> Result<Vec<sdk::Vpc>> {
    let pages = aws.ec2().describe_vpcs().set_filters(Some(filters)).into_paginator().items().send();
    pages.collect::<std::result::Result<_, _>>().await.during("ec2:DescribeVpcs")
}

/// The VPC; nothing where it went away between two calls.
async fn observed(
    aws: &Aws,
    vpc: &sdk::Vpc,
    groups: &HashMap<String, String>,
    acls: &HashMap<String, String>,
) -> Result<Option<Observed<Vpc>>> {
    let vpc_id = vpc.vpc_id().unwrap_or_default().to_owned();
    let (support, hostnames) = futures::join!(
        attribute(aws, &vpc_id, VpcAttributeName::EnableDnsSupport),
        attribute(aws, &vpc_id, VpcAttributeName::EnableDnsHostnames),
    );
    let (Some(support), Some(hostnames)) = (found(support)?, found(hostnames)?) else { return Ok(None) };
    let ids = vpc.cidr_block_association_set().iter().filter_map(|range| range.association_id());
    let ipv6 = vpc.ipv6_cidr_block_association_set().iter().filter_map(|range| range.ipv6_cidr_block());
    Ok(Some(Observed {
        id: Id::new(&vpc_id),
        properties: Vpc {
            cidr_block: vpc.cidr_block().map(str::to_owned),
            enable_dns_hostnames: Some(hostnames),
            enable_dns_support: Some(support),
            instance_tenancy: vpc.instance_tenancy().map(ToString::to_string),
            ipv4_ipam_pool_id: None,
            ipv4_netmask_length: None,
            tags: tags(vpc.tags()),
        },
        outputs: Outputs {
            cidr_block_associations: ids.map(str::to_owned).collect(),
            default_network_acl: acls.get(&vpc_id).cloned(),
            default_security_group: groups.get(&vpc_id).cloned(),
            ipv6_cidr_blocks: ipv6.map(str::to_owned).collect(),
            vpc_id,
        },
    }))
}

async fn attribute(aws: &Aws, id: &str, name: VpcAttributeName) -> Result<bool> {
    let call = aws.ec2().describe_vpc_attribute().vpc_id(id).attribute(name.clone());
    let answer = call.send().await.during("ec2:DescribeVpcAttribute")?;
    let value = match name {
        VpcAttributeName::EnableDnsSupport => answer.enable_dns_support(),
        _ => answer.enable_dns_hostnames(),
    };
    Ok(value.and_then(AttributeBooleanValue::value).unwrap_or(false))
}

async fn default_groups(aws: &Aws, vpcs: &[&str]) -> Result<HashMap<String, String>> {
    let call = aws.ec2().describe_security_groups();
    let pages = call.filters(filter("vpc-id", vpcs)).filters(filter("group-name", ["default"])).into_paginator();
    let groups: Vec<_> =
        pages.items().send().collect::<std::result::Result<_, _>>().await.during("ec2:DescribeSecurityGroups")?;
    let default = groups.into_iter().filter(|group| group.group_name() == Some("default"));
    Ok(default.filter_map(|group| Some((group.vpc_id?, group.group_id?))).collect())
}

async fn default_acls(aws: &Aws, vpcs: &[&str]) -> Result<HashMap<String, String>> {
    let call = aws.ec2().describe_network_acls();
    let pages = call.filters(filter("vpc-id", vpcs)).filters(filter("default", ["true"])).into_paginator();
    let acls: Vec<_> =
        pages.items().send().collect::<std::result::Result<_, _>>().await.during("ec2:DescribeNetworkAcls")?;
    let default = acls.into_iter().filter(|acl| acl.is_default() == Some(true));
    Ok(default.filter_map(|acl| Some((acl.vpc_id?, acl.network_acl_id?))).collect())
}

async fn set_dns_support(aws: &Aws, id: &Id, value: bool) -> Result<()> {
    let value = AttributeBooleanValue::builder().value(value).build();
    let call = aws.ec2().modify_vpc_attribute().vpc_id(id.as_str()).enable_dns_support(value);
    call.send().await.during("ec2:ModifyVpcAttribute")?;
    Ok(())
}

async fn set_dns_hostnames(aws: &Aws, id: &Id, value: bool) -> Result<()> {
    let value = AttributeBooleanValue::builder().value(value).build();
    let call = aws.ec2().modify_vpc_attribute().vpc_id(id.as_str()).enable_dns_hostnames(value);
    call.send().await.during("ec2:ModifyVpcAttribute")?;
    Ok(())
}
