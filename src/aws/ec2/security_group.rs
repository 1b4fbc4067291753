//! `AWS::EC2::SecurityGroup`.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{self as sdk, ResourceType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::ec2::rule::{Direction, Egress, Ingress, Rule};
use crate::aws::ec2::rule_calls;
use crate::aws::ec2::{BATCH, asked, by_ids, by_tags, holders, made, normal, retag, tagged_as, tags};
use crate::aws::error::During;
use crate::aws::in_use::Holder;
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{TagSet, Tags};
use crate::catalog::{GeneratedName, Permissions, Tagging};
use crate::cloud::{CloudError, ErrorKind, Op};
use crate::value::Value;

/// A security group: which traffic reaches its members and leaves them.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SecurityGroup {
    /// What the group is for.
    #[schemars(length(max = 255), regex(pattern = r"^[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]*$"))]
    pub group_description: String,
    /// The group's name; made from the stack's and the resource's where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub group_name: Option<String>,
    /// The VPC that the group is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_id: Option<String>,
    /// Traffic that is let in. For rules between two groups that refer to each other, use `AWS::EC2::SecurityGroupIngress`,
    /// but do not use both for one group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_group_ingress: Option<BTreeSet<Ingress>>,
    /// Traffic that is let out. Where it is not given, AWS lets all of it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_group_egress: Option<BTreeSet<Egress>>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// What AWS tells of a security group.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// The group's id.
    pub group_id: String,
    /// The group's id.
    pub id: String,
}

impl SecurityGroup {
    fn ingress(&self) -> BTreeSet<Rule> {
        self.security_group_ingress.iter().flatten().map(Rule::from).collect()
    }

    /// The rules for leaving traffic; where none are given, AWS's default.
    fn egress(&self) -> BTreeSet<Rule> {
        match &self.security_group_egress {
            Some(rules) => rules.iter().map(Rule::from).collect(),
            None => BTreeSet::from([Rule::allow_all()]),
        }
    }
}

impl Resource for SecurityGroup {
    const TYPE: &'static str = "AWS::EC2::SecurityGroup";
    const CREATE_ONLY: &'static [&'static str] = &["GroupDescription", "GroupName", "VpcId"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["GroupName", "VpcId"]];
    const GENERATED_NAME: Option<GeneratedName> =
        Some(GeneratedName { property: "GroupName", max_length: 255, lower_case: false });
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &[
            "ec2:CreateSecurityGroup",
            "ec2:CreateTags",
            "ec2:DescribeSecurityGroups",
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:AuthorizeSecurityGroupEgress",
            "ec2:RevokeSecurityGroupEgress",
        ],
        read: &["ec2:DescribeSecurityGroups"],
        update: &[
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:AuthorizeSecurityGroupEgress",
            "ec2:RevokeSecurityGroupIngress",
            "ec2:RevokeSecurityGroupEgress",
            "ec2:DescribeSecurityGroupRules",
            "ec2:ModifySecurityGroupRules",
            "ec2:CreateTags",
            "ec2:DeleteTags",
        ],
        delete: &["ec2:DeleteSecurityGroup", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups"],
    };
    const READ_BATCH: usize = BATCH;
    type Outputs = Outputs;

    fn normalize(properties: &mut Value) {
        normal::rules(properties, "SecurityGroupIngress");
        normal::rules(properties, "SecurityGroupEgress");
    }

    async fn create(&self, aws: &Aws, _op: &Op) -> Result<Id> {
        let call = aws
            .ec2()
            .create_security_group()
            .description(&self.group_description)
            .set_group_name(self.group_name.clone())
            .set_vpc_id(self.vpc_id.clone())
            .set_tag_specifications(tagged_as(ResourceType::SecurityGroup, &self.tags));
        let answer = call.send().await.during("ec2:CreateSecurityGroup")?;
        made(answer.group_id(), "ec2:CreateSecurityGroup")
    }

    async fn settle(&self, aws: &Aws, _op: &Op, id: &Id) -> Result<()> {
        if self.security_group_ingress.is_none() && self.security_group_egress.is_none() {
            return Ok(());
        }
        let groups = describe(aws, by_ids("group-id", std::slice::from_ref(id))).await?;
        let group = groups.into_iter().find(|group| group.group_id() == Some(id.as_str()));
        let Some(group) = group.map(observed) else {
            return Err(CloudError::new(ErrorKind::NotFound, "ec2:DescribeSecurityGroups", format!("no group {id}")));
        };
        let now = group.properties;
        if self.security_group_ingress.is_some() {
            rule_calls::change(aws, id.as_str(), Direction::Ingress, &now.ingress(), &self.ingress()).await?;
        }
        if self.security_group_egress.is_some() {
            rule_calls::change(aws, id.as_str(), Direction::Egress, &now.egress(), &self.egress()).await?;
        }
        Ok(())
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let groups = describe(aws, by_ids("group-id", ids)).await?;
        Ok(groups.into_iter().filter(|group| asked(ids, group.group_id())).map(observed).collect())
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        rule_calls::change(aws, id.as_str(), Direction::Ingress, &old.ingress(), &self.ingress()).await?;
        rule_calls::change(aws, id.as_str(), Direction::Egress, &old.egress(), &self.egress()).await?;
        retag(aws, id.as_str(), &old.tags, &self.tags).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        let call = aws.ec2().delete_security_group().group_id(id.as_str());
        call.send().await.during("ec2:DeleteSecurityGroup")?;
        Ok(())
    }

    async fn holders(aws: &Aws, id: &Id) -> Result<Vec<Holder>> {
        holders::of_security_group(aws, id.as_str()).await
    }

    async fn tagged(aws: &Aws, tags: &TagSet) -> Result<Vec<Id>> {
        let groups = describe(aws, by_tags(tags)).await?;
        let have = groups.iter().filter(|group| self::tags(group.tags()).have(tags));
        Ok(have.filter_map(|group| group.group_id()).map(Id::new).collect())
    }
}

pub(super) async fn describe(aws: &Aws, filters: Vec<sdk::Filter>) -> Result<Vec<sdk::SecurityGroup>> {
    let pages = aws.ec2().describe_security_groups().set_filters(Some(filters)).into_paginator().items().send();
    pages.collect::<std::result::Result<_, _>>().await.during("ec2:DescribeSecurityGroups")
}

fn observed(group: sdk::SecurityGroup) -> Observed<SecurityGroup> {
    let owner = group.owner_id();
    let ingress = Rule::of_permissions(group.ip_permissions(), owner);
    let egress = Rule::of_permissions(group.ip_permissions_egress(), owner);
    let id = group.group_id.clone().unwrap_or_default();
    Observed {
        properties: SecurityGroup {
            tags: tags(group.tags()),
            group_description: group.description.unwrap_or_default(),
            group_name: group.group_name,
            vpc_id: group.vpc_id,
            security_group_ingress: Some(ingress.into_iter().map(Ingress::from).collect()),
            security_group_egress: Some(egress.into_iter().map(Egress::from).collect()),
        },
        id: Id::new(&id),
        outputs: Outputs { group_id: id.clone(), id },
    }
}
