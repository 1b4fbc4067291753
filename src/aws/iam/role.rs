//! `AWS::IAM::Role`.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_iam::types::{self as sdk, EntityType};
use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BATCH, FEW, account, decoded, tag_list, tags};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::document::Document;
use crate::aws::error::{During, found};
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{self as ownership, TagSet, Tags};
use crate::catalog::{GeneratedName, Permissions, Tagging};
use crate::cloud::{CloudError, Op};

/// Seconds of a session where the stack says nothing.
const DEFAULT_SESSION: i32 = 3600;

/// A policy in a role.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Policy {
    /// The policy.
    pub policy_document: Document,
    /// Its name.
    #[schemars(length(min = 1, max = 128))]
    pub policy_name: String,
}

/// A role: what services and people may do who take it on.
///
/// Deleting it detaches and deletes the policies that are left in it. Where more than 3 are read, the account's roles are
/// read in one paginated call.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Role {
    /// Who may take the role on.
    pub assume_role_policy_document: Document,
    /// What the role is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1000))]
    pub description: Option<String>,
    /// ARNs of managed policies that are attached, and no others. Do not use `Roles` of `AWS::IAM::ManagedPolicy` for the
    /// same role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub managed_policy_arns: Option<BTreeSet<String>>,
    /// Seconds that a session may last. AWS's default is 3600.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 3600, max = 43_200))]
    pub max_session_duration: Option<i32>,
    /// The path of its ARN. AWS's default is `/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512), regex(pattern = r"^(/|/[\x21-\x7E]+/)$"))]
    pub path: Option<String>,
    /// The ARN of the policy that bounds what the role may do.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 20, max = 2048))]
    pub permissions_boundary: Option<String>,
    /// Policies in the role, and no others. Do not use `AWS::IAM::RolePolicy` for the same role.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("uniqueItems" = true))]
    pub policies: Option<Vec<Policy>>,
    /// The role's name; made from the stack's and the resource's where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), regex(pattern = r"^[\w+=,.@-]+$"))]
    pub role_name: Option<String>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// What AWS tells of a role.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// Its ARN.
    pub arn: String,
    /// Its id, which no other role ever has.
    pub role_id: String,
}

impl Resource for Role {
    const TYPE: &'static str = "AWS::IAM::Role";
    const CREATE_ONLY: &'static [&'static str] = &["Path", "RoleName"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["RoleName"]];
    const GENERATED_NAME: Option<GeneratedName> =
        Some(GeneratedName { property: "RoleName", max_length: 64, lower_case: false });
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &["iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:TagRole", "iam:GetRole"],
        read: &[
            "iam:GetRole",
            "iam:ListAttachedRolePolicies",
            "iam:ListRolePolicies",
            "iam:GetRolePolicy",
            "iam:GetAccountAuthorizationDetails",
            "iam:ListRoles",
        ],
        update: &[
            "iam:UpdateRole",
            "iam:UpdateAssumeRolePolicy",
            "iam:AttachRolePolicy",
            "iam:DetachRolePolicy",
            "iam:PutRolePolicy",
            "iam:DeleteRolePolicy",
            "iam:PutRolePermissionsBoundary",
            "iam:DeleteRolePermissionsBoundary",
            "iam:TagRole",
            "iam:UntagRole",
        ],
        delete: &[
            "iam:DeleteRole",
            "iam:ListAttachedRolePolicies",
            "iam:DetachRolePolicy",
            "iam:ListRolePolicies",
            "iam:DeleteRolePolicy",
        ],
    };
    const READ_BATCH: usize = BATCH;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, _op: &Op) -> Result<Id> {
        let name = self.role_name.clone().unwrap_or_default();
        let call = aws
            .iam()
            .create_role()
            .role_name(&name)
            .assume_role_policy_document(self.assume_role_policy_document.text())
            .set_description(self.description.clone())
            .set_max_session_duration(self.max_session_duration)
            .set_path(self.path.clone())
            .set_permissions_boundary(self.permissions_boundary.clone())
            .set_tags(tag_list(&self.tags)?);
        call.send().await.during("iam:CreateRole")?;
        Ok(Id::new(name))
    }

    async fn settle(&self, aws: &Aws, _op: &Op, id: &Id) -> Result<()> {
        let name = id.as_str();
        let inline = self.policies.iter().flatten().map(|policy| put(aws, name, policy));
        let attached = self.managed_policy_arns.iter().flatten().map(|arn| attach(aws, name, arn));
        futures::try_join!(try_join_all(inline), try_join_all(attached))?;
        Ok(())
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        if ids.len() > FEW
            && let Some(details) = account::details(aws, &[EntityType::Role]).await?
        {
            // The details miss descriptions and sessions, the list misses all else.
            let list = aws.iam().list_roles().max_items(1000).into_paginator().items().send();
            let list: Vec<sdk::Role> = list.collect::<std::result::Result<_, _>>().await.during("iam:ListRoles")?;
            let list: HashMap<&str, &sdk::Role> = list.iter().map(|role| (role.role_name(), role)).collect();
            let asked = |role: &&sdk::RoleDetail| ids.iter().any(|id| Some(id.as_str()) == role.role_name());
            let asked = details.roles.iter().filter(asked);
            let both = asked.filter_map(|role| Some((role, *list.get(role.role_name()?)?)));
            return Ok(both.map(|(detail, listed)| from_details(detail, listed)).collect());
        }
        Ok(try_join_all(ids.iter().map(|id| read_one(aws, id.as_str()))).await?.into_iter().flatten().collect())
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        let name = id.as_str();
        if self.assume_role_policy_document != old.assume_role_policy_document {
            let policy = self.assume_role_policy_document.text();
            let call = aws.iam().update_assume_role_policy().role_name(name).policy_document(policy);
            call.send().await.during("iam:UpdateAssumeRolePolicy")?;
        }
        if self.description != old.description || self.max_session_duration != old.max_session_duration {
            let call = aws.iam().update_role().role_name(name).description(self.description.as_deref().unwrap_or(""));
            let call = call.max_session_duration(self.max_session_duration.unwrap_or(DEFAULT_SESSION));
            call.send().await.during("iam:UpdateRole")?;
        }
        if self.permissions_boundary != old.permissions_boundary {
            self.set_boundary(aws, name).await?;
        }
        self.change_policies(aws, name, old).await?;
        let (set, removed) = self.tags.changes(&old.tags);
        if !set.is_empty() {
            let call = aws.iam().tag_role().role_name(name).set_tags(tag_list(&set)?);
            call.send().await.during("iam:TagRole")?;
        }
        if !removed.is_empty() {
            let call = aws.iam().untag_role().role_name(name).set_tag_keys(Some(removed));
            call.send().await.during("iam:UntagRole")?;
        }
        Ok(())
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        let name = id.as_str();
        let (attached, inline) = futures::try_join!(attached_arns(aws, name), inline_names(aws, name))?;
        let detached = attached.iter().map(|arn| detach(aws, name, arn));
        let deleted = inline.iter().map(|policy| delete_inline(aws, name, policy));
        futures::try_join!(try_join_all(detached), try_join_all(deleted))?;
        aws.iam().delete_role().role_name(name).send().await.during("iam:DeleteRole")?;
        Ok(())
    }

    async fn tagged(aws: &Aws, tags: &TagSet) -> Result<Vec<Id>> {
        let details = account::details(aws, &[EntityType::Role]).await?.unwrap_or_default();
        let have = details.roles.iter().filter(|role| self::tags(role.tags()).have(tags));
        Ok(have.filter_map(|role| role.role_name()).map(Id::new).collect())
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        let Some(name) = &self.role_name else { return Ok(None) };
        let role = get(aws, name).await?;
        Ok(role.filter(|role| tags(role.tags()).have(&ownership::of_op(op))).map(|_| Id::new(name)))
    }
}

impl Role {
    async fn set_boundary(&self, aws: &Aws, name: &str) -> Result<()> {
        match &self.permissions_boundary {
            Some(arn) => {
                let call = aws.iam().put_role_permissions_boundary().role_name(name).permissions_boundary(arn);
                call.send().await.during("iam:PutRolePermissionsBoundary")?;
            }
            None => {
                let call = aws.iam().delete_role_permissions_boundary().role_name(name);
                call.send().await.during("iam:DeleteRolePermissionsBoundary")?;
            }
        }
        Ok(())
    }

    /// What is added comes before what goes, so that the role can always do what it must.
    async fn change_policies(&self, aws: &Aws, name: &str, old: &Self) -> Result<()> {
        let (new_inline, old_inline) =
            (self.policies.as_deref().unwrap_or_default(), old.policies.as_deref().unwrap_or_default());
        let (none, mut calls) = (BTreeSet::new(), Vec::new());
        calls.extend(
            new_inline.iter().filter(|policy| !old_inline.contains(policy)).map(|policy| put(aws, name, policy)),
        );
        try_join_all(calls).await?;
        let new_arns = self.managed_policy_arns.as_ref().unwrap_or(&none);
        let old_arns = old.managed_policy_arns.as_ref().unwrap_or(&none);
        try_join_all(new_arns.difference(old_arns).map(|arn| attach(aws, name, arn))).await?;
        let is_gone = |old: &&Policy| new_inline.iter().all(|new| new.policy_name != old.policy_name);
        let gone = old_inline.iter().filter(is_gone);
        try_join_all(gone.map(|policy| delete_inline(aws, name, &policy.policy_name))).await?;
        try_join_all(old_arns.difference(new_arns).map(|arn| detach(aws, name, arn))).await?;
        Ok(())
    }
}

async fn put(aws: &Aws, role: &str, policy: &Policy) -> Result<()> {
    let call = aws.iam().put_role_policy().role_name(role).policy_name(&policy.policy_name);
    call.policy_document(policy.policy_document.text()).send().await.during("iam:PutRolePolicy")?;
    Ok(())
}

async fn delete_inline(aws: &Aws, role: &str, policy: &str) -> Result<()> {
    let call = aws.iam().delete_role_policy().role_name(role).policy_name(policy);
    found(call.send().await.during("iam:DeleteRolePolicy"))?;
    Ok(())
}

async fn attach(aws: &Aws, role: &str, policy: &str) -> Result<()> {
    let call = aws.iam().attach_role_policy().role_name(role).policy_arn(policy);
    call.send().await.during("iam:AttachRolePolicy")?;
    Ok(())
}

async fn detach(aws: &Aws, role: &str, policy: &str) -> Result<()> {
    let call = aws.iam().detach_role_policy().role_name(role).policy_arn(policy);
    found(call.send().await.during("iam:DetachRolePolicy"))?;
    Ok(())
}

async fn get(aws: &Aws, name: &str) -> Result<Option<sdk::Role>> {
    let answer = found(aws.iam().get_role().role_name(name).send().await.during("iam:GetRole"))?;
    Ok(answer.and_then(|answer| answer.role))
}

async fn attached_arns(aws: &Aws, role: &str) -> Result<BTreeSet<String>> {
    let pages = aws.iam().list_attached_role_policies().role_name(role).into_paginator().items().send();
    let all: Vec<sdk::AttachedPolicy> =
        pages.collect::<std::result::Result<_, _>>().await.during("iam:ListAttachedRolePolicies")?;
    Ok(all.into_iter().filter_map(|policy| policy.policy_arn).collect())
}

async fn inline_names(aws: &Aws, role: &str) -> Result<Vec<String>> {
    let pages = aws.iam().list_role_policies().role_name(role).into_paginator().items().send();
    pages.collect::<std::result::Result<_, _>>().await.during("iam:ListRolePolicies")
}

async fn inline(aws: &Aws, role: &str) -> Result<Vec<Policy>> {
    let names = inline_names(aws, role).await?;
    let reads = names.iter().map(|name| async move {
        let call = aws.iam().get_role_policy().role_name(role).policy_name(name);
        let answer = found(call.send().await.during("iam:GetRolePolicy"))?;
        let policy = answer.map(|answer| decoded(&answer.policy_document));
        Ok::<_, CloudError>(policy.map(|document| Policy { policy_document: document, policy_name: name.clone() }))
    });
    Ok(try_join_all(reads).await?.into_iter().flatten().collect())
}

/// The role, asked for alone.
async fn read_one(aws: &Aws, name: &str) -> Result<Option<Observed<Role>>> {
    let Some(role) = get(aws, name).await? else { return Ok(None) };
    let policies = found(async { futures::try_join!(attached_arns(aws, name), inline(aws, name)) }.await)?;
    let Some((attached, inline)) = policies else { return Ok(None) };
    let boundary = role.permissions_boundary().and_then(|boundary| boundary.permissions_boundary_arn());
    Ok(Some(observed(&role, attached, inline, boundary.map(str::to_owned), tags(role.tags()))))
}

/// The role, from what is told of the whole account.
fn from_details(detail: &sdk::RoleDetail, listed: &sdk::Role) -> Observed<Role> {
    let attached = detail.attached_managed_policies().iter().filter_map(|policy| policy.policy_arn.clone());
    let policy = |policy: &sdk::PolicyDetail| {
        let document = decoded(policy.policy_document()?);
        Some(Policy { policy_document: document, policy_name: policy.policy_name()?.to_owned() })
    };
    let inline = detail.role_policy_list().iter().filter_map(policy).collect();
    let boundary = detail.permissions_boundary().and_then(|boundary| boundary.permissions_boundary_arn());
    observed(listed, attached.collect(), inline, boundary.map(str::to_owned), tags(detail.tags()))
}

fn observed(
    role: &sdk::Role,
    attached: BTreeSet<String>,
    inline: Vec<Policy>,
    boundary: Option<String>,
    tags: Tags,
) -> Observed<Role> {
    Observed {
        id: Id::new(role.role_name()),
        properties: Role {
            assume_role_policy_document: decoded(role.assume_role_policy_document().unwrap_or_default()),
            description: role.description().filter(|text| !text.is_empty()).map(str::to_owned),
            managed_policy_arns: Some(attached),
            max_session_duration: role.max_session_duration(),
            path: Some(role.path().to_owned()),
            permissions_boundary: boundary,
            policies: Some(inline),
            role_name: Some(role.role_name().to_owned()),
            tags,
        },
        outputs: Outputs { arn: role.arn().to_owned(), role_id: role.role_id().to_owned() },
    }
}
