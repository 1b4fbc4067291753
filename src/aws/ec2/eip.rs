//! `AWS::EC2::EIP`.

use aws_sdk_ec2::types::{self as sdk, DomainType, ResourceType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::ec2::{BATCH, by_tags, filter, retag, tagged_as, tags};
use crate::aws::error::During;
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{TagSet, Tags};
use crate::catalog::{Permissions, Tagging};
use crate::cloud::{CloudError, ErrorKind, Op};

/// A public IPv4 address that stays the same.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Eip {
    /// Always `vpc`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["vpc"]))]
    pub domain: Option<String>,
    /// The zones or edge locations that the address is announced from. AWS's default is the region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_border_group: Option<String>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// What AWS tells of an address.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// What a NAT gateway or load balancer refers to the address by.
    pub allocation_id: String,
    /// The address.
    pub public_ip: String,
}

impl Resource for Eip {
    const TYPE: &'static str = "AWS::EC2::EIP";
    const CREATE_ONLY: &'static [&'static str] = &["NetworkBorderGroup"];
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &["ec2:AllocateAddress", "ec2:CreateTags"],
        read: &["ec2:DescribeAddresses"],
        update: &["ec2:CreateTags", "ec2:DeleteTags"],
        delete: &["ec2:ReleaseAddress"],
    };
    const READ_BATCH: usize = BATCH;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, _op: &Op) -> Result<Id> {
        let call = aws.ec2().allocate_address().domain(DomainType::Vpc);
        let call = call.set_network_border_group(self.network_border_group.clone());
        let call = call.set_tag_specifications(tagged_as(ResourceType::ElasticIp, &self.tags));
        let answer = call.send().await.during("ec2:AllocateAddress")?;
        match (answer.public_ip(), answer.allocation_id()) {
            (Some(ip), Some(allocation)) => Ok(Id::compound(&[ip, allocation])),
            _ => Err(CloudError::new(ErrorKind::Lost, "ec2:AllocateAddress", "the answer holds no id")),
        }
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let addresses = describe(aws, vec![filter("allocation-id", ids.iter().map(allocation))]).await?;
        let here = addresses.iter().filter_map(observed);
        Ok(here.filter(|here| ids.contains(&here.id)).collect())
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        retag(aws, allocation(id), &old.tags, &self.tags).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        let call = aws.ec2().release_address().allocation_id(allocation(id));
        call.send().await.during("ec2:ReleaseAddress")?;
        Ok(())
    }

    async fn tagged(aws: &Aws, tags: &TagSet) -> Result<Vec<Id>> {
        let addresses = describe(aws, by_tags(tags)).await?;
        let have = addresses.iter().filter(|address| self::tags(address.tags()).have(tags));
        Ok(have.filter_map(observed).map(|address| address.id).collect())
    }
}

/// The allocation that an address's id names.
fn allocation(id: &Id) -> &str {
    let [_, allocation] = id.parts();
    allocation
}

async fn describe(aws: &Aws, filters: Vec<sdk::Filter>) -> Result<Vec<sdk::Address>> {
    let call = aws.ec2().describe_addresses().set_filters(Some(filters));
    Ok(call.send().await.during("ec2:DescribeAddresses")?.addresses.unwrap_or_default())
}

fn observed(address: &sdk::Address) -> Option<Observed<Eip>> {
    let (ip, allocation) = (address.public_ip()?, address.allocation_id()?);
    Some(Observed {
        id: Id::compound(&[ip, allocation]),
        properties: Eip {
            domain: address.domain().map(ToString::to_string),
            network_border_group: address.network_border_group().map(str::to_owned),
            tags: tags(address.tags()),
        },
        outputs: Outputs { allocation_id: allocation.to_owned(), public_ip: ip.to_owned() },
    })
}
