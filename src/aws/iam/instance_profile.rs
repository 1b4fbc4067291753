//! `AWS::IAM::InstanceProfile`.

use std::collections::BTreeSet;

use aws_sdk_iam::types as sdk;
use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BATCH, FEW, tag_list, tags};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::error::{During, found};
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{self as ownership, Tags};
use crate::catalog::{GeneratedName, Permissions};
use crate::cloud::Op;

/// An instance profile: hands a role to EC2 instances, such as those that ECS runs containers on.
///
/// Where more than 3 are read, all of the account's are read in one paginated call.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct InstanceProfile {
    /// The profile's name; made from the stack's and the resource's where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128), regex(pattern = r"^[\w+=,.@-]+$"))]
    pub instance_profile_name: Option<String>,
    /// The path of its ARN. AWS's default is `/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512), regex(pattern = r"^(/|/[\x21-\x7E]+/)$"))]
    pub path: Option<String>,
    /// The name of the role: a list, but of one. Where it changes, instances have no role for a moment.
    #[schemars(length(max = 1), inner(regex(pattern = r"^[a-zA-Z0-9+=,.@\-_]+$")))]
    pub roles: BTreeSet<String>,
}

/// What AWS tells of an instance profile.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// Its ARN.
    pub arn: String,
}

impl Resource for InstanceProfile {
    const TYPE: &'static str = "AWS::IAM::InstanceProfile";
    const CREATE_ONLY: &'static [&'static str] = &["InstanceProfileName", "Path"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["InstanceProfileName"]];
    const GENERATED_NAME: Option<GeneratedName> =
        Some(GeneratedName { property: "InstanceProfileName", max_length: 128, lower_case: false });
    const PERMISSIONS: Permissions = Permissions {
        create: &[
            "iam:CreateInstanceProfile",
            "iam:TagInstanceProfile",
            "iam:AddRoleToInstanceProfile",
            "iam:GetInstanceProfile",
            "iam:PassRole",
        ],
        read: &["iam:GetInstanceProfile", "iam:ListInstanceProfiles"],
        update: &["iam:RemoveRoleFromInstanceProfile", "iam:AddRoleToInstanceProfile", "iam:PassRole"],
        delete: &["iam:GetInstanceProfile", "iam:RemoveRoleFromInstanceProfile", "iam:DeleteInstanceProfile"],
    };
    const READ_BATCH: usize = BATCH;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, op: &Op) -> Result<Id> {
        let name = self.instance_profile_name.clone().unwrap_or_default();
        // CloudFormation's type takes no tags, but it is how a lost one is known.
        let tags = tag_list(&Tags(ownership::of_op(op)))?;
        let call = aws.iam().create_instance_profile().instance_profile_name(&name).set_path(self.path.clone());
        call.set_tags(tags).send().await.during("iam:CreateInstanceProfile")?;
        Ok(Id::new(name))
    }

    async fn settle(&self, aws: &Aws, _op: &Op, id: &Id) -> Result<()> {
        let there = get(aws, id.as_str()).await?.map(|profile| roles(&profile)).unwrap_or_default();
        for role in self.roles.difference(&there) {
            add(aws, id, role).await?;
        }
        Ok(())
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        if ids.len() > FEW {
            let pages = aws.iam().list_instance_profiles().max_items(1000).into_paginator().items().send();
            let all: Vec<sdk::InstanceProfile> =
                pages.collect::<std::result::Result<_, _>>().await.during("iam:ListInstanceProfiles")?;
            let asked =
                all.iter().filter(|profile| ids.iter().any(|id| id.as_str() == profile.instance_profile_name()));
            return Ok(asked.map(observed).collect());
        }
        let read = try_join_all(ids.iter().map(|id| get(aws, id.as_str()))).await?;
        Ok(read.iter().flatten().map(observed).collect())
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        // A profile takes one role, so the old one goes first.
        for role in old.roles.difference(&self.roles) {
            remove(aws, id, role).await?;
        }
        for role in self.roles.difference(&old.roles) {
            add(aws, id, role).await?;
        }
        Ok(())
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        let Some(profile) = get(aws, id.as_str()).await? else { return Ok(()) };
        for role in roles(&profile) {
            remove(aws, id, &role).await?;
        }
        let call = aws.iam().delete_instance_profile().instance_profile_name(id.as_str());
        call.send().await.during("iam:DeleteInstanceProfile")?;
        Ok(())
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        let Some(name) = &self.instance_profile_name else { return Ok(None) };
        let profile = get(aws, name).await?;
        Ok(profile.filter(|profile| tags(profile.tags()).have(&ownership::of_op(op))).map(|_| Id::new(name)))
    }
}

async fn get(aws: &Aws, name: &str) -> Result<Option<sdk::InstanceProfile>> {
    let call = aws.iam().get_instance_profile().instance_profile_name(name);
    let answer = found(call.send().await.during("iam:GetInstanceProfile"))?;
    Ok(answer.and_then(|answer| answer.instance_profile))
}

async fn add(aws: &Aws, id: &Id, role: &str) -> Result<()> {
    let call = aws.iam().add_role_to_instance_profile().instance_profile_name(id.as_str()).role_name(role);
    call.send().await.during("iam:AddRoleToInstanceProfile")?;
    Ok(())
}

async fn remove(aws: &Aws, id: &Id, role: &str) -> Result<()> {
    let call = aws.iam().remove_role_from_instance_profile().instance_profile_name(id.as_str()).role_name(role);
    found(call.send().await.during("iam:RemoveRoleFromInstanceProfile"))?;
    Ok(())
}

fn roles(profile: &sdk::InstanceProfile) -> BTreeSet<String> {
    profile.roles().iter().map(|role| role.role_name().to_owned()).collect()
}

fn observed(profile: &sdk::InstanceProfile) -> Observed<InstanceProfile> {
    Observed {
        id: Id::new(profile.instance_profile_name()),
        properties: InstanceProfile {
            instance_profile_name: Some(profile.instance_profile_name().to_owned()),
            path: Some(profile.path().to_owned()),
            roles: roles(profile),
        },
        outputs: Outputs { arn: profile.arn().to_owned() },
    }
}
