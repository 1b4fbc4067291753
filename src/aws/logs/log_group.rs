//! `AWS::Logs::LogGroup`.

use aws_sdk_cloudwatchlogs::types as sdk;
use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::error::{During, found};
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{self as ownership, Tags};
use crate::catalog::{GeneratedName, Permissions, Tagging};
use crate::cloud::{CloudError, Op};

/// Names that one call describes.
const DESCRIBE_BATCH: usize = 50;

/// A log group: where logs are kept, for how long.
///
/// One read describes 50 of them, and their tags one by one.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct LogGroup {
    /// Whether it can't be deleted. AWS's default is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_protection_enabled: Option<bool>,
    /// The ARN of the KMS key that logs are encrypted with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub kms_key_id: Option<String>,
    /// What can be done with the logs, and what they cost. AWS's default is `STANDARD`, and it can't be changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["STANDARD", "INFREQUENT_ACCESS", "DELIVERY"]))]
    pub log_group_class: Option<String>,
    /// The log group's name; made from the stack's and the resource's where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512), regex(pattern = r"^[.\-_/#A-Za-z0-9]+$"))]
    pub log_group_name: Option<String>,
    /// Days that logs are kept. AWS keeps them for ever where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = [
        1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
    ]))]
    pub retention_in_days: Option<i32>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// What AWS tells of a log group.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// Its ARN, ending with `:*`.
    pub arn: String,
}

impl Resource for LogGroup {
    const TYPE: &'static str = "AWS::Logs::LogGroup";
    const CREATE_ONLY: &'static [&'static str] = &["LogGroupClass", "LogGroupName"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["LogGroupName"]];
    const GENERATED_NAME: Option<GeneratedName> =
        Some(GeneratedName { property: "LogGroupName", max_length: 512, lower_case: false });
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &["logs:CreateLogGroup", "logs:PutRetentionPolicy", "logs:TagResource", "logs:DescribeLogGroups"],
        read: &["logs:DescribeLogGroups", "logs:ListTagsForResource"],
        update: &[
            "logs:PutRetentionPolicy",
            "logs:DeleteRetentionPolicy",
            "logs:AssociateKmsKey",
            "logs:DisassociateKmsKey",
            "logs:PutLogGroupDeletionProtection",
            "logs:DescribeLogGroups",
            "logs:TagResource",
            "logs:UntagResource",
        ],
        delete: &["logs:DeleteLogGroup"],
    };
    const READ_BATCH: usize = DESCRIBE_BATCH;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, _op: &Op) -> Result<Id> {
        let name = self.log_group_name.clone().unwrap_or_default();
        let tags = self.tags.0.clone().into_iter().collect();
        let call = aws
            .logs()
            .create_log_group()
            .log_group_name(&name)
            .set_deletion_protection_enabled(self.deletion_protection_enabled)
            .set_kms_key_id(self.kms_key_id.clone())
            .set_log_group_class(self.log_group_class.as_deref().map(Into::into))
            .set_tags(Some(tags));
        call.send().await.during("logs:CreateLogGroup")?;
        Ok(Id::new(name))
    }

    async fn settle(&self, aws: &Aws, _op: &Op, id: &Id) -> Result<()> {
        match self.retention_in_days {
            Some(_) => self.set_retention(aws, id).await,
            None => Ok(()),
        }
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let groups = describe(aws, ids).await?;
        let reads = groups.into_iter().map(|group| async move {
            let tags = tags_of(aws, &arn(&group)).await?;
            Ok::<_, CloudError>(tags.map(|tags| observed(group, tags)))
        });
        Ok(try_join_all(reads).await?.into_iter().flatten().collect())
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        let name = id.as_str();
        if self.retention_in_days != old.retention_in_days {
            self.set_retention(aws, id).await?;
        }
        if self.kms_key_id != old.kms_key_id {
            match &self.kms_key_id {
                Some(key) => {
                    let call = aws.logs().associate_kms_key().log_group_name(name).kms_key_id(key);
                    call.send().await.during("logs:AssociateKmsKey")?;
                }
                None => {
                    let call = aws.logs().disassociate_kms_key().log_group_name(name);
                    call.send().await.during("logs:DisassociateKmsKey")?;
                }
            }
        }
        if self.deletion_protection_enabled.unwrap_or(false) != old.deletion_protection_enabled.unwrap_or(false) {
            let call = aws.logs().put_log_group_deletion_protection().log_group_identifier(name);
            let call = call.deletion_protection_enabled(self.deletion_protection_enabled.unwrap_or(false));
            call.send().await.during("logs:PutLogGroupDeletionProtection")?;
        }
        self.retag(aws, id, old).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        aws.logs().delete_log_group().log_group_name(id.as_str()).send().await.during("logs:DeleteLogGroup")?;
        Ok(())
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        let Some(name) = &self.log_group_name else { return Ok(None) };
        let Some(group) = by_prefix(aws, name).await? else { return Ok(None) };
        let tags = tags_of(aws, &arn(&group)).await?;
        Ok(tags.filter(|tags| tags.have(&ownership::of_op(op))).map(|_| Id::new(name)))
    }
}

impl LogGroup {
    async fn set_retention(&self, aws: &Aws, id: &Id) -> Result<()> {
        match self.retention_in_days {
            Some(days) => {
                let call = aws.logs().put_retention_policy().log_group_name(id.as_str()).retention_in_days(days);
                call.send().await.during("logs:PutRetentionPolicy")?;
            }
            None => {
                let call = aws.logs().delete_retention_policy().log_group_name(id.as_str());
                call.send().await.during("logs:DeleteRetentionPolicy")?;
            }
        }
        Ok(())
    }

    async fn retag(&self, aws: &Aws, id: &Id, old: &Self) -> Result<()> {
        let (set, removed) = self.tags.changes(&old.tags);
        if set.is_empty() && removed.is_empty() {
            return Ok(());
        }
        let Some(group) = by_prefix(aws, id.as_str()).await? else { return Ok(()) };
        let arn = arn(&group);
        if !set.is_empty() {
            let call = aws.logs().tag_resource().resource_arn(&arn).set_tags(Some(set.0.into_iter().collect()));
            call.send().await.during("logs:TagResource")?;
        }
        if !removed.is_empty() {
            let call = aws.logs().untag_resource().resource_arn(&arn).set_tag_keys(Some(removed));
            call.send().await.during("logs:UntagResource")?;
        }
        Ok(())
    }
}

/// The ARN that tags go by: without the `:*` at its end.
fn arn(group: &sdk::LogGroup) -> String {
    let arn = group.arn().unwrap_or_default();
    group.log_group_arn().unwrap_or_else(|| arn.strip_suffix(":*").unwrap_or(arn)).to_owned()
}

/// Those of `ids` that exist. Where the call fails whole because one is missing, each is asked for alone.
async fn describe(aws: &Aws, ids: &[Id]) -> Result<Vec<sdk::LogGroup>> {
    if let [only] = ids {
        return Ok(by_prefix(aws, only.as_str()).await?.into_iter().collect());
    }
    let names = ids.iter().map(|id| id.as_str().to_owned()).collect();
    let pages = aws.logs().describe_log_groups().set_log_group_identifiers(Some(names)).into_paginator();
    let groups = pages.items().send().collect::<std::result::Result<Vec<_>, _>>().await;
    match found(groups.during("logs:DescribeLogGroups"))? {
        Some(groups) => Ok(groups.into_iter().filter(|group: &sdk::LogGroup| asked(ids, group)).collect()),
        None => {
            let singles = ids.iter().map(|id| by_prefix(aws, id.as_str()));
            Ok(try_join_all(singles).await?.into_iter().flatten().collect())
        }
    }
}

fn asked(ids: &[Id], group: &sdk::LogGroup) -> bool {
    ids.iter().any(|id| Some(id.as_str()) == group.log_group_name())
}

/// Whether there is a log group of that name.
pub(in crate::aws) async fn exists(aws: &Aws, name: &str) -> Result<bool> {
    Ok(by_prefix(aws, name).await?.is_some())
}

async fn by_prefix(aws: &Aws, name: &str) -> Result<Option<sdk::LogGroup>> {
    let mut pages = aws.logs().describe_log_groups().log_group_name_prefix(name).into_paginator().items().send();
    while let Some(group) = pages.next().await {
        let group = group.during("logs:DescribeLogGroups")?;
        // The shortest name with that prefix comes first.
        if group.log_group_name() == Some(name) {
            return Ok(Some(group));
        }
    }
    Ok(None)
}

/// The tags; nothing where the log group went away between two calls.
async fn tags_of(aws: &Aws, arn: &str) -> Result<Option<Tags>> {
    let call = aws.logs().list_tags_for_resource().resource_arn(arn);
    let answer = found(call.send().await.during("logs:ListTagsForResource"))?;
    Ok(answer.map(|answer| answer.tags.unwrap_or_default().into_iter().collect()))
}

fn observed(group: sdk::LogGroup, tags: Tags) -> Observed<LogGroup> {
    let name = group.log_group_name.unwrap_or_default();
    Observed {
        id: Id::new(&name),
        properties: LogGroup {
            deletion_protection_enabled: group.deletion_protection_enabled,
            kms_key_id: group.kms_key_id,
            log_group_class: group.log_group_class.map(|class| class.to_string()),
            log_group_name: Some(name),
            retention_in_days: group.retention_in_days.filter(|days| *days > 0),
            tags,
        },
        outputs: Outputs { arn: group.arn.unwrap_or_default() },
    }
}
