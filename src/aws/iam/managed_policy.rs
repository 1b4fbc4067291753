//! `AWS::IAM::ManagedPolicy`.

use std::collections::BTreeSet;

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
use crate::aws::tags::{self as ownership, Tags};
use crate::catalog::{GeneratedName, Permissions};
use crate::cloud::{CloudError, ErrorKind, Op};

/// Versions of a policy that IAM keeps at most.
const MAX_VERSIONS: usize = 5;

/// A policy that can be attached to roles, users and groups.
///
/// A change is a new version of it; the oldest ones go, as IAM keeps 5. Deleting it detaches it from all that it is attached
/// to. Where more than 3 are read, the account's policies are read in one paginated call.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ManagedPolicy {
    /// What the policy is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1000))]
    pub description: Option<String>,
    /// Names of the groups that it is attached to, and no others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<BTreeSet<String>>,
    /// The policy's name; made from the stack's and the resource's where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[\w+=,.@-]+$"))]
    pub managed_policy_name: Option<String>,
    /// The path of its ARN. AWS's default is `/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512), regex(pattern = r"^((/[A-Za-z0-9.,+@=_-]+)*)/$"))]
    pub path: Option<String>,
    /// The policy.
    pub policy_document: Document,
    /// Names of the roles that it is attached to, and no others. Do not use `ManagedPolicyArns` of `AWS::IAM::Role` for the
    /// same role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<BTreeSet<String>>,
    /// Names of the users that it is attached to, and no others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<BTreeSet<String>>,
}

/// What AWS tells of a policy.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// Its ARN.
    pub policy_arn: String,
    /// Its id, which no other policy ever has.
    pub policy_id: String,
}

/// What a policy is attached to.
#[derive(Debug, Default)]
struct Attachments {
    groups: BTreeSet<String>,
    roles: BTreeSet<String>,
    users: BTreeSet<String>,
}

impl Resource for ManagedPolicy {
    const TYPE: &'static str = "AWS::IAM::ManagedPolicy";
    const CREATE_ONLY: &'static [&'static str] = &["Description", "ManagedPolicyName", "Path"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["ManagedPolicyName"]];
    const GENERATED_NAME: Option<GeneratedName> =
        Some(GeneratedName { property: "ManagedPolicyName", max_length: 128, lower_case: false });
    const PERMISSIONS: Permissions = Permissions {
        create: &[
            "iam:CreatePolicy",
            "iam:TagPolicy",
            "iam:AttachGroupPolicy",
            "iam:AttachRolePolicy",
            "iam:AttachUserPolicy",
            "iam:ListPolicies",
        ],
        read: &[
            "iam:GetPolicy",
            "iam:GetPolicyVersion",
            "iam:ListEntitiesForPolicy",
            "iam:GetAccountAuthorizationDetails",
        ],
        update: &[
            "iam:CreatePolicyVersion",
            "iam:DeletePolicyVersion",
            "iam:ListPolicyVersions",
            "iam:AttachGroupPolicy",
            "iam:AttachRolePolicy",
            "iam:AttachUserPolicy",
            "iam:DetachGroupPolicy",
            "iam:DetachRolePolicy",
            "iam:DetachUserPolicy",
        ],
        delete: &[
            "iam:DeletePolicy",
            "iam:ListEntitiesForPolicy",
            "iam:ListPolicyVersions",
            "iam:DeletePolicyVersion",
            "iam:DetachGroupPolicy",
            "iam:DetachRolePolicy",
            "iam:DetachUserPolicy",
        ],
    };
    const READ_BATCH: usize = BATCH;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, op: &Op) -> Result<Id> {
        const OPERATION: &str = "iam:CreatePolicy";
        let call = aws
            .iam()
            .create_policy()
            .set_policy_name(self.managed_policy_name.clone())
            .set_path(self.path.clone())
            .set_description(self.description.clone())
            .policy_document(self.policy_document.text())
            // CloudFormation's type takes no tags, but it is how a lost one is found.
            .set_tags(tag_list(&Tags(ownership::of_op(op)))?);
        let answer = call.send().await.during(OPERATION)?;
        let arn = answer.policy().and_then(|policy| policy.arn());
        arn.map(Id::new).ok_or_else(|| CloudError::new(ErrorKind::Lost, OPERATION, "the answer holds no ARN"))
    }

    async fn settle(&self, aws: &Aws, _op: &Op, id: &Id) -> Result<()> {
        attach(aws, id.as_str(), &self.attachments()).await
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        const KINDS: [EntityType; 4] =
            [EntityType::LocalManagedPolicy, EntityType::Role, EntityType::User, EntityType::Group];
        if ids.len() > FEW
            && let Some(details) = account::details(aws, &KINDS).await?
        {
            let asked = |policy: &&sdk::ManagedPolicyDetail| ids.iter().any(|id| Some(id.as_str()) == policy.arn());
            let read = details.policies.iter().filter(asked).map(|policy| from_details(aws, policy, &details));
            return try_join_all(read).await;
        }
        Ok(try_join_all(ids.iter().map(|id| read_one(aws, id.as_str()))).await?.into_iter().flatten().collect())
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        let arn = id.as_str();
        if self.policy_document != old.policy_document {
            make_room(aws, arn).await?;
            let call = aws.iam().create_policy_version().policy_arn(arn).set_as_default(true);
            let call = call.policy_document(self.policy_document.text());
            call.send().await.during("iam:CreatePolicyVersion")?;
        }
        let (old, new) = (old.attachments(), self.attachments());
        attach(aws, arn, &new.without(&old)).await?;
        detach(aws, arn, &old.without(&new)).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        let arn = id.as_str();
        detach(aws, arn, &entities(aws, arn).await?).await?;
        for version in versions(aws, arn).await?.iter().filter(|version| !version.is_default_version()) {
            delete_version(aws, arn, version).await?;
        }
        aws.iam().delete_policy().policy_arn(arn).send().await.during("iam:DeletePolicy")?;
        Ok(())
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        let call = aws.iam().list_policies().scope(sdk::PolicyScopeType::Local).set_path_prefix(self.path.clone());
        let pages = call.max_items(1000).into_paginator().items().send();
        let all: Vec<sdk::Policy> = pages.collect::<std::result::Result<_, _>>().await.during("iam:ListPolicies")?;
        let named = all.iter().find(|policy| policy.policy_name() == self.managed_policy_name.as_deref());
        let Some(arn) = named.and_then(|policy| policy.arn()) else { return Ok(None) };
        let policy = get(aws, arn).await?;
        Ok(policy.filter(|policy| tags(policy.tags()).have(&ownership::of_op(op))).map(|_| Id::new(arn)))
    }
}

impl ManagedPolicy {
    fn attachments(&self) -> Attachments {
        Attachments {
            groups: self.groups.clone().unwrap_or_default(),
            roles: self.roles.clone().unwrap_or_default(),
            users: self.users.clone().unwrap_or_default(),
        }
    }
}

impl Attachments {
    fn without(&self, other: &Self) -> Self {
        let left = |these: &BTreeSet<String>, those| these.difference(those).cloned().collect();
        Self {
            groups: left(&self.groups, &other.groups),
            roles: left(&self.roles, &other.roles),
            users: left(&self.users, &other.users),
        }
    }
}

async fn attach(aws: &Aws, arn: &str, to: &Attachments) -> Result<()> {
    for name in &to.groups {
        let call = aws.iam().attach_group_policy().policy_arn(arn).group_name(name);
        call.send().await.during("iam:AttachGroupPolicy")?;
    }
    for name in &to.roles {
        let call = aws.iam().attach_role_policy().policy_arn(arn).role_name(name);
        call.send().await.during("iam:AttachRolePolicy")?;
    }
    for name in &to.users {
        let call = aws.iam().attach_user_policy().policy_arn(arn).user_name(name);
        call.send().await.during("iam:AttachUserPolicy")?;
    }
    Ok(())
}

async fn detach(aws: &Aws, arn: &str, from: &Attachments) -> Result<()> {
    for name in &from.groups {
        let call = aws.iam().detach_group_policy().policy_arn(arn).group_name(name);
        found(call.send().await.during("iam:DetachGroupPolicy"))?;
    }
    for name in &from.roles {
        let call = aws.iam().detach_role_policy().policy_arn(arn).role_name(name);
        found(call.send().await.during("iam:DetachRolePolicy"))?;
    }
    for name in &from.users {
        let call = aws.iam().detach_user_policy().policy_arn(arn).user_name(name);
        found(call.send().await.during("iam:DetachUserPolicy"))?;
    }
    Ok(())
}

async fn versions(aws: &Aws, arn: &str) -> Result<Vec<sdk::PolicyVersion>> {
    let pages = aws.iam().list_policy_versions().policy_arn(arn).into_paginator().items().send();
    pages.collect::<std::result::Result<_, _>>().await.during("iam:ListPolicyVersions")
}

async fn delete_version(aws: &Aws, arn: &str, version: &sdk::PolicyVersion) -> Result<()> {
    let call = aws.iam().delete_policy_version().policy_arn(arn).set_version_id(version.version_id.clone());
    found(call.send().await.during("iam:DeletePolicyVersion"))?;
    Ok(())
}

/// Deletes the oldest version that is not in use where there are as many as IAM keeps.
async fn make_room(aws: &Aws, arn: &str) -> Result<()> {
    let mut versions = versions(aws, arn).await?;
    if versions.len() < MAX_VERSIONS {
        return Ok(());
    }
    versions.retain(|version| !version.is_default_version());
    let oldest = versions.iter().min_by_key(|version| number(version));
    match oldest {
        Some(oldest) => delete_version(aws, arn, oldest).await,
        None => Ok(()),
    }
}

/// The number of a version, 12 of `v12`.
fn number(version: &sdk::PolicyVersion) -> u32 {
    let id = version.version_id().unwrap_or_default();
    id.strip_prefix('v').and_then(|number| number.parse().ok()).unwrap_or(u32::MAX)
}

async fn entities(aws: &Aws, arn: &str) -> Result<Attachments> {
    let mut pages = aws.iam().list_entities_for_policy().policy_arn(arn).into_paginator().send();
    let mut all = Attachments::default();
    while let Some(page) = pages.next().await {
        let page = page.during("iam:ListEntitiesForPolicy")?;
        all.groups.extend(page.policy_groups().iter().filter_map(|group| group.group_name.clone()));
        all.roles.extend(page.policy_roles().iter().filter_map(|role| role.role_name.clone()));
        all.users.extend(page.policy_users().iter().filter_map(|user| user.user_name.clone()));
    }
    Ok(all)
}

async fn get(aws: &Aws, arn: &str) -> Result<Option<sdk::Policy>> {
    let answer = found(aws.iam().get_policy().policy_arn(arn).send().await.during("iam:GetPolicy"))?;
    Ok(answer.and_then(|answer| answer.policy))
}

/// The policy, asked for alone.
async fn read_one(aws: &Aws, arn: &str) -> Result<Option<Observed<ManagedPolicy>>> {
    let Some(policy) = get(aws, arn).await? else { return Ok(None) };
    let version = aws.iam().get_policy_version().policy_arn(arn).set_version_id(policy.default_version_id.clone());
    let version = async { version.send().await.during("iam:GetPolicyVersion") };
    let Some((version, attachments)) = found(async { futures::try_join!(version, entities(aws, arn)) }.await)? else {
        return Ok(None);
    };
    let document = version.policy_version().and_then(|version| version.document());
    let document = decoded(document.unwrap_or_default());
    Ok(Some(Observed {
        id: Id::new(arn),
        properties: ManagedPolicy {
            description: policy.description.filter(|text| !text.is_empty()),
            groups: Some(attachments.groups),
            managed_policy_name: policy.policy_name,
            path: policy.path,
            policy_document: document,
            roles: Some(attachments.roles),
            users: Some(attachments.users),
        },
        outputs: Outputs { policy_arn: arn.to_owned(), policy_id: policy.policy_id.unwrap_or_default() },
    }))
}

/// The policy, from what is told of the whole account, where descriptions may be left out.
async fn from_details(
    aws: &Aws,
    policy: &sdk::ManagedPolicyDetail,
    details: &account::Details,
) -> Result<Observed<ManagedPolicy>> {
    let arn = policy.arn().unwrap_or_default();
    let description = match policy.description() {
        Some(description) => Some(description.to_owned()),
        None => get(aws, arn).await?.and_then(|policy| policy.description),
    };
    let has = |attached: &[sdk::AttachedPolicy]| attached.iter().any(|attached| attached.policy_arn() == Some(arn));
    let roles = details.roles.iter().filter(|role| has(role.attached_managed_policies()));
    let users = details.users.iter().filter(|user| has(user.attached_managed_policies()));
    let groups = details.groups.iter().filter(|group| has(group.attached_managed_policies()));
    let version = policy.policy_version_list().iter().find(|version| version.is_default_version());
    Ok(Observed {
        id: Id::new(arn),
        properties: ManagedPolicy {
            description: description.filter(|text| !text.is_empty()),
            groups: Some(groups.filter_map(|group| group.group_name.clone()).collect()),
            managed_policy_name: policy.policy_name().map(str::to_owned),
            path: policy.path().map(str::to_owned),
            policy_document: decoded(version.and_then(|version| version.document()).unwrap_or_default()),
            roles: Some(roles.filter_map(|role| role.role_name.clone()).collect()),
            users: Some(users.filter_map(|user| user.user_name.clone()).collect()),
        },
        outputs: Outputs { policy_arn: arn.to_owned(), policy_id: policy.policy_id().unwrap_or_default().to_owned() },
    })
}
