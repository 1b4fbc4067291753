//! `AWS::EC2::InternetGateway`.

use aws_sdk_ec2::types::{self as sdk, ResourceType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::ec2::{BATCH, asked, by_ids, by_tags, made, retag, tagged_as, tags};
use crate::aws::error::During;
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{TagSet, Tags};
use crate::catalog::{Permissions, Tagging};
use crate::cloud::Op;

/// An internet gateway: the way between a VPC and the internet, once it is attached.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct InternetGateway {
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// What AWS tells of an internet gateway.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// The gateway's id.
    pub internet_gateway_id: String,
}

impl Resource for InternetGateway {
    const TYPE: &'static str = "AWS::EC2::InternetGateway";
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &["ec2:CreateInternetGateway", "ec2:CreateTags"],
        read: &["ec2:DescribeInternetGateways"],
        update: &["ec2:CreateTags", "ec2:DeleteTags"],
        delete: &["ec2:DeleteInternetGateway"],
    };
    const READ_BATCH: usize = BATCH;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, _op: &Op) -> Result<Id> {
        let call = aws.ec2().create_internet_gateway();
        let call = call.set_tag_specifications(tagged_as(ResourceType::InternetGateway, &self.tags));
        let answer = call.send().await.during("ec2:CreateInternetGateway")?;
        let gateway = answer.internet_gateway();
        made(gateway.and_then(|gateway| gateway.internet_gateway_id()), "ec2:CreateInternetGateway")
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let gateways = describe(aws, by_ids("internet-gateway-id", ids)).await?;
        let asked = gateways.iter().filter(|gateway| asked(ids, gateway.internet_gateway_id()));
        Ok(asked.map(observed).collect())
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        retag(aws, id.as_str(), &old.tags, &self.tags).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        let call = aws.ec2().delete_internet_gateway().internet_gateway_id(id.as_str());
        call.send().await.during("ec2:DeleteInternetGateway")?;
        Ok(())
    }

    async fn tagged(aws: &Aws, tags: &TagSet) -> Result<Vec<Id>> {
        let gateways = describe(aws, by_tags(tags)).await?;
        let have = gateways.iter().filter(|gateway| self::tags(gateway.tags()).have(tags));
        Ok(have.filter_map(|gateway| gateway.internet_gateway_id()).map(Id::new).collect())
    }
}

/// The internet gateways that all of `filters` let through.
pub(super) async fn describe(aws: &Aws, filters: Vec<sdk::Filter>) -> Result<Vec<sdk::InternetGateway>> {
    let pages = aws.ec2().describe_internet_gateways().set_filters(Some(filters)).into_paginator().items().send();
    pages.collect::<std::result::Result<_, _>>().await.during("ec2:DescribeInternetGateways")
}

fn observed(gateway: &sdk::InternetGateway) -> Observed<InternetGateway> {
    let id = gateway.internet_gateway_id().unwrap_or_default().to_owned();
    Observed {
        id: Id::new(&id),
        properties: InternetGateway { tags: tags(gateway.tags()) },
        outputs: Outputs { internet_gateway_id: id },
    }
}
