//! `AWS::EC2::RouteTable`.

use aws_sdk_ec2::types::{self as sdk, ResourceType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::holders;
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::ec2::{BATCH, asked, by_ids, by_tags, made, retag, tagged_as, tags};
use crate::aws::error::During;
use crate::aws::in_use::Holder;
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{TagSet, Tags};
use crate::catalog::{Permissions, Tagging};
use crate::cloud::Op;

/// A route table: where traffic that leaves a subnet goes.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RouteTable {
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// The VPC that the table is of.
    pub vpc_id: String,
}

/// What AWS tells of a route table.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// The table's id.
    pub route_table_id: String,
}

impl Resource for RouteTable {
    const TYPE: &'static str = "AWS::EC2::RouteTable";
    const CREATE_ONLY: &'static [&'static str] = &["VpcId"];
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &["ec2:CreateRouteTable", "ec2:CreateTags"],
        read: &["ec2:DescribeRouteTables"],
        update: &["ec2:CreateTags", "ec2:DeleteTags"],
        delete: &["ec2:DeleteRouteTable", "ec2:DescribeRouteTables"],
    };
    const READ_BATCH: usize = BATCH;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, op: &Op) -> Result<Id> {
        let call = aws.ec2().create_route_table().vpc_id(&self.vpc_id).client_token(op.id.as_str());
        let call = call.set_tag_specifications(tagged_as(ResourceType::RouteTable, &self.tags));
        let answer = call.send().await.during("ec2:CreateRouteTable")?;
        made(answer.route_table().and_then(|table| table.route_table_id()), "ec2:CreateRouteTable")
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let tables = describe(aws, by_ids("route-table-id", ids)).await?;
        Ok(tables.iter().filter(|table| asked(ids, table.route_table_id())).map(observed).collect())
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        retag(aws, id.as_str(), &old.tags, &self.tags).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        aws.ec2().delete_route_table().route_table_id(id.as_str()).send().await.during("ec2:DeleteRouteTable")?;
        Ok(())
    }

    async fn holders(aws: &Aws, id: &Id) -> Result<Vec<Holder>> {
        holders::of_route_table(aws, id.as_str()).await
    }

    async fn tagged(aws: &Aws, tags: &TagSet) -> Result<Vec<Id>> {
        let tables = describe(aws, by_tags(tags)).await?;
        let have = tables.iter().filter(|table| self::tags(table.tags()).have(tags));
        Ok(have.filter_map(|table| table.route_table_id()).map(Id::new).collect())
    }
}

/// The route tables that all of `filters` let through.
pub(super) async fn describe(aws: &Aws, filters: Vec<sdk::Filter>) -> Result<Vec<sdk::RouteTable>> {
    let pages = aws.ec2().describe_route_tables().set_filters(Some(filters)).into_paginator().items().send();
    pages.collect::<std::result::Result<_, _>>().await.during("ec2:DescribeRouteTables")
}

fn observed(table: &sdk::RouteTable) -> Observed<RouteTable> {
    let id = table.route_table_id().unwrap_or_default().to_owned();
    Observed {
        id: Id::new(&id),
        properties: RouteTable { tags: tags(table.tags()), vpc_id: table.vpc_id().unwrap_or_default().to_owned() },
        outputs: Outputs { route_table_id: id },
    }
}
