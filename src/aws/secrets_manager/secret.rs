//! `AWS::SecretsManager::Secret`.

use std::collections::BTreeSet;

use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::types::Tag;
use aws_smithy_types::date_time::Format;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::generate::GenerateSecretString;
use super::replica::{self, ReplicaRegion};
use super::{Concealed, DEFAULT_KEY, describe};
use crate::address::{Id, OpId};
use crate::aws::client::Aws;
use crate::aws::error::During;
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{self as ownership, TagSet, Tags};
use crate::catalog::{GeneratedName, Permissions, Tagging};
use crate::cloud::{CloudError, ErrorKind, Op};
use crate::value::Value;

/// A secret.
///
/// Its value is given with `SecretString`, or made up by AWS with `GenerateSecretString`; with neither it has none, until
/// somebody puts one in. infra never reads it, and keeps of `SecretString` only a keyed digest, to see that it changed.
///
/// Deleting it schedules its deletion: for 30 days it can't be used, and `aws secretsmanager restore-secret` brings it back.
/// The API reads secrets one by one: the list of all lags up to five minutes behind.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Secret {
    /// What the secret is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub description: Option<String>,
    /// Has AWS make the value up, when the secret is made and again whenever something in here changes; nothing else makes up
    /// another. Removing it leaves the value. Not together with `SecretString`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub generate_secret_string: Option<GenerateSecretString>,
    /// The KMS key that the value is encrypted with, by id, ARN or alias. AWS's default is `alias/aws/secretsmanager`. Who
    /// applies needs `kms:GenerateDataKey` and `kms:Decrypt` on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub kms_key_id: Option<String>,
    /// The secret's name; made from the stack's and the resource's where it is not given. A name that is given stays taken for
    /// 30 days after the secret was deleted: a stack that is to be destroyed and applied again should not give one, and pass
    /// `Id` on instead. A name that is made is another each time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512), regex(pattern = r"^[a-zA-Z0-9/_+=.@-]+$"))]
    pub name: Option<String>,
    /// Other regions that the secret is copied to. The copies are deleted at once when the secret is deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica_regions: Option<BTreeSet<ReplicaRegion>>,
    /// The value. Give it from a parameter with `secret: true`, never as plain text. Removing it leaves the value. Not together
    /// with `GenerateSecretString`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 65_536), extend("writeOnly" = true, "x-secret" = true))]
    pub secret_string: Option<Concealed>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// Whose secret it is, where AWS rotates it for another company's service.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub r#type: Option<String>,
}

/// What AWS tells of a secret.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// Its ARN.
    pub id: String,
}

impl Resource for Secret {
    const TYPE: &'static str = "AWS::SecretsManager::Secret";
    const CREATE_ONLY: &'static [&'static str] = &["Name"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["Name"]];
    const GENERATED_NAME: Option<GeneratedName> =
        Some(GeneratedName { property: "Name", max_length: 512, lower_case: false });
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &[
            "secretsmanager:CreateSecret",
            "secretsmanager:DescribeSecret",
            "secretsmanager:GetRandomPassword",
            "secretsmanager:ReplicateSecretToRegions",
            "secretsmanager:TagResource",
        ],
        read: &["secretsmanager:DescribeSecret"],
        update: &[
            "secretsmanager:DescribeSecret",
            "secretsmanager:GetRandomPassword",
            "secretsmanager:RemoveRegionsFromReplication",
            "secretsmanager:ReplicateSecretToRegions",
            "secretsmanager:TagResource",
            "secretsmanager:UntagResource",
            "secretsmanager:UpdateSecret",
        ],
        delete: &[
            "secretsmanager:DeleteSecret",
            "secretsmanager:DescribeSecret",
            "secretsmanager:RemoveRegionsFromReplication",
        ],
    };
    type Outputs = Outputs;

    /// Secrets Manager never tells the key that it takes where none is given.
    fn normalize(properties: &mut Value) {
        without_default_key(properties);
        if let Value::Map(properties) = properties
            && let Some(Value::List(replicas)) = properties.get_mut("ReplicaRegions")
        {
            replicas.iter_mut().for_each(without_default_key);
        }
    }

    async fn create(&self, aws: &Aws, op: &Op) -> Result<Id> {
        const OPERATION: &str = "secretsmanager:CreateSecret";
        let name = self.name.clone().unwrap_or_default();
        let value = self.value(aws).await?;
        let call = aws
            .secrets_manager()
            .create_secret()
            .name(&name)
            .client_request_token(token(&op.id))
            .set_description(self.description.clone())
            .set_kms_key_id(self.kms_key_id.clone())
            .set_secret_string(value.map(|value| value.0))
            .set_tags(Some(tag_list(&self.tags)))
            .set_type(self.r#type.clone());
        match call.send().await.during(OPERATION) {
            Ok(answer) => {
                let lost = || CloudError::new(ErrorKind::Lost, OPERATION, "the answer holds no ARN");
                answer.arn.map(Id::new).ok_or_else(lost)
            }
            Err(error) if matches!(error.kind, ErrorKind::Invalid | ErrorKind::Conflict) => {
                taken(aws, &name, op, error).await
            }
            Err(error) => Err(error),
        }
    }

    async fn settle(&self, aws: &Aws, _op: &Op, id: &Id) -> Result<()> {
        let Some(wanted) = &self.replica_regions else { return Ok(()) };
        let now = describe(aws, id.as_str()).await?.as_ref().and_then(replica::told).unwrap_or_default();
        replica::change(aws, id.as_str(), [], wanted.difference(&now)).await?;
        replica::in_sync(aws, id.as_str()).await
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let mut read = Vec::with_capacity(ids.len());
        for id in ids {
            let secret = describe(aws, id.as_str()).await?;
            read.extend(secret.filter(|secret| secret.deleted_date.is_none()).map(|secret| observed(id, secret)));
        }
        Ok(read)
    }

    /// `SecretString` and `GenerateSecretString` are in `self` only where they change: they are never told, so never in `old`.
    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        let value = self.value(aws).await?;
        let is_changed =
            self.description != old.description || self.kms_key_id != old.kms_key_id || self.r#type != old.r#type;
        if is_changed || value.is_some() {
            let changed = |new: &Option<String>, old: &Option<String>| {
                // What is empty goes back to AWS's default.
                (new != old).then(|| new.clone().unwrap_or_default())
            };
            let call = aws
                .secrets_manager()
                .update_secret()
                .secret_id(id.as_str())
                .set_description(changed(&self.description, &old.description))
                .set_kms_key_id(changed(&self.kms_key_id, &old.kms_key_id))
                .set_secret_string(value.map(|value| value.0))
                .set_type(changed(&self.r#type, &old.r#type));
            call.send().await.during("secretsmanager:UpdateSecret")?;
        }
        if self.replica_regions != old.replica_regions {
            let none = BTreeSet::new();
            let wanted = self.replica_regions.as_ref().unwrap_or(&none);
            let now = old.replica_regions.as_ref().unwrap_or(&none);
            replica::change(aws, id.as_str(), now.difference(wanted), wanted.difference(now)).await?;
        }
        let (set, removed) = self.tags.changes(&old.tags);
        if !set.is_empty() {
            let call = aws.secrets_manager().tag_resource().secret_id(id.as_str()).set_tags(Some(tag_list(&set)));
            call.send().await.during("secretsmanager:TagResource")?;
        }
        if !removed.is_empty() {
            let call = aws.secrets_manager().untag_resource().secret_id(id.as_str()).set_tag_keys(Some(removed));
            call.send().await.during("secretsmanager:UntagResource")?;
        }
        Ok(())
    }

    /// Schedules the deletion, with the 30 days in which AWS can still bring the secret back.
    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        let Some(secret) = describe(aws, id.as_str()).await?.filter(|secret| secret.deleted_date.is_none()) else {
            return Ok(());
        };
        let replicas = replica::told(&secret).unwrap_or_default();
        replica::change(aws, id.as_str(), &replicas, []).await?;
        let call = aws.secrets_manager().delete_secret().secret_id(id.as_str());
        call.send().await.during("secretsmanager:DeleteSecret")?;
        Ok(())
    }

    async fn tagged(aws: &Aws, tags: &TagSet) -> Result<Vec<Id>> {
        let pages = aws.secrets_manager().list_secrets().max_results(100).into_paginator().send();
        let pages = pages.collect::<std::result::Result<Vec<_>, _>>().await.during("secretsmanager:ListSecrets")?;
        let all = pages.into_iter().flat_map(|page| page.secret_list.unwrap_or_default());
        let ids = all.filter(|secret| secret.deleted_date.is_none() && tags_in(secret.tags()).have(tags));
        Ok(ids.filter_map(|secret| secret.arn.map(Id::new)).collect())
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        let Some(name) = &self.name else { return Ok(None) };
        Ok(describe(aws, name).await?.and_then(|secret| made_by(op, secret)))
    }
}

impl Secret {
    /// The value that the stack gives, or one made up now.
    async fn value(&self, aws: &Aws) -> Result<Option<Concealed>> {
        match (&self.secret_string, &self.generate_secret_string) {
            (Some(_), Some(_)) => {
                let why = "give either SecretString or GenerateSecretString, not both";
                Err(CloudError::new(ErrorKind::Invalid, Self::TYPE, why))
            }
            (Some(value), None) => Ok(Some(value.clone())),
            (None, Some(rule)) => rule.generated(aws).await.map(Some),
            (None, None) => Ok(None),
        }
    }
}

/// The client token, which has at least 32 characters.
fn token(op: &OpId) -> String {
    format!("infra-{:0>26}", op.as_str())
}

/// What `op` made, if `secret` is that.
fn made_by(op: &Op, secret: DescribeSecretOutput) -> Option<Id> {
    let is_it = secret.deleted_date.is_none() && tags_in(secret.tags()).have(&ownership::of_op(op));
    secret.arn.filter(|_| is_it).map(Id::new)
}

/// What to make of `error`, which may be that the name is taken.
async fn taken(aws: &Aws, name: &str, op: &Op, error: CloudError) -> Result<Id> {
    let Some(secret) = describe(aws, name).await? else { return Err(error) };
    if let Some(date) = &secret.deleted_date {
        let date = date.fmt(Format::DateTime).unwrap_or_default();
        let date = date.split('T').next().unwrap_or_default();
        let command = |verb: &str| format!("`aws secretsmanager {verb} --region {} --secret-id {name}`", aws.region());
        let message = format!(
            "a secret named {name} is scheduled for deletion on {date}, and its name is taken until then. Either leave Name \
             out, or give another; or delete the old one for good, value and all, with {} \
             --force-delete-without-recovery, and apply again. To look at its value first, restore it with {}",
            command("delete-secret").trim_end_matches('`'),
            command("restore-secret"),
        );
        return Err(CloudError { kind: ErrorKind::Conflict, message, ..error });
    }
    // A call that is repeated after its answer was lost may carry another value that was made up.
    made_by(op, secret).ok_or(error)
}

fn without_default_key(properties: &mut Value) {
    if let Value::Map(properties) = properties
        && properties.get("KmsKeyId").and_then(Value::as_str) == Some(DEFAULT_KEY)
    {
        properties.remove("KmsKeyId");
    }
}

fn tag_list(tags: &Tags) -> Vec<Tag> {
    tags.each(|key, value| Tag::builder().key(key).value(value).build())
}

fn tags_in(tags: &[Tag]) -> Tags {
    tags.iter().filter_map(|tag| Some((tag.key()?, tag.value().unwrap_or_default()))).collect()
}

fn observed(id: &Id, secret: DescribeSecretOutput) -> Observed<Secret> {
    let text = |text: Option<String>| text.filter(|text| !text.is_empty());
    let (tags, replica_regions) = (tags_in(secret.tags()), replica::told(&secret));
    Observed {
        id: id.clone(),
        properties: Secret {
            description: text(secret.description),
            generate_secret_string: None,
            kms_key_id: text(secret.kms_key_id),
            name: secret.name,
            replica_regions,
            secret_string: None,
            tags,
            r#type: text(secret.r#type),
        },
        outputs: Outputs { id: id.as_str().to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_not_shown() {
        let secret: Secret = serde_json::from_value(json!({ "SecretString": "canary" })).expect("a secret");
        assert!(!format!("{secret:?}").contains("canary"));
    }

    #[test]
    fn the_key_that_is_taken_anyway_is_not_told() {
        let mut given = Value::from(json!({
            "KmsKeyId": DEFAULT_KEY,
            "ReplicaRegions": [{ "Region": "eu-west-1", "KmsKeyId": DEFAULT_KEY }, { "Region": "r", "KmsKeyId": "k" }],
        }));
        Secret::normalize(&mut given);
        let expected = json!({ "ReplicaRegions": [{ "Region": "eu-west-1" }, { "Region": "r", "KmsKeyId": "k" }] });
        assert_eq!(given, Value::from(expected));
    }

    #[test]
    fn a_token_is_long_enough() {
        assert!((32..=64).contains(&token(&OpId::generate()).len()));
    }
}
