//! `AWS::KMS::Key`.

use std::time::Duration;

use aws_sdk_kms::types::{self as sdk, KeyState};
use futures::{StreamExt, TryStreamExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::key_calls::{
    DEFAULT_ROTATION, POLICY, default_policy, describe, rotation_of, set_enabled, tag_list, tags_of,
};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::document::Document;
use crate::aws::error::{During, found};
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{TagSet, Tags};
use crate::aws::wait::{self, Probe};
use crate::catalog::{Permissions, Tagging};
use crate::cloud::{CloudError, ErrorKind, Op};
use crate::value::Value;

/// The tag that keeps `PendingWindowInDays`, which AWS takes only when the key is deleted.
const PENDING_WINDOW: &str = "infra:pending-window-in-days";
/// The tag that keeps `BypassPolicyLockoutSafetyCheck`, which each later change of the policy needs again.
const BYPASS: &str = "infra:bypass-policy-lockout-safety-check";
/// How long KMS may take to show everywhere what was set.
const PROPAGATION: Duration = Duration::from_secs(120);
/// Keys whose tags are read at the same time, where one is looked for among all.
const CONCURRENT_READS: usize = 8;

/// A KMS key.
///
/// Deleting it schedules its deletion: until `PendingWindowInDays` are over it can't be used, but `aws kms
/// cancel-key-deletion` brings it back. After that, nobody can ever decrypt what was encrypted with it, so consider
/// `prevent_destroy`. The API reads keys, their policies, rotation and tags one by one.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Key {
    /// Whether a policy is taken that does not let the caller change it again. AWS's default is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bypass_policy_lockout_safety_check: Option<bool>,
    /// What the key is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 8192))]
    pub description: Option<String>,
    /// Whether AWS makes new key material from time to time; symmetric encryption keys only. AWS's default is false. It can't
    /// be changed while the key is disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_key_rotation: Option<bool>,
    /// Whether the key can be used. AWS's default is true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Who may do what with the key. AWS's default lets the account's IAM policies decide. KMS refuses a policy that would not
    /// let the caller change it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_policy: Option<Document>,
    /// The kind of key. AWS's default is `SYMMETRIC_DEFAULT`. A change makes another key: what the old one encrypted stays
    /// encrypted with the old one, whose deletion is scheduled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = [
        "SYMMETRIC_DEFAULT", "RSA_2048", "RSA_3072", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521",
        "ECC_SECG_P256K1", "HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512", "SM2", "ML_DSA_44", "ML_DSA_65", "ML_DSA_87",
        "ECC_NIST_EDWARDS25519"
    ]))]
    pub key_spec: Option<String>,
    /// What the key can be used for. AWS's default is `ENCRYPT_DECRYPT`. A change makes another key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["ENCRYPT_DECRYPT", "SIGN_VERIFY", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT"]))]
    pub key_usage: Option<String>,
    /// Whether the key can have replicas in other regions. AWS's default is false. A change makes another key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multi_region: Option<bool>,
    /// Where the key material comes from. AWS's default is `AWS_KMS`. A change makes another key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["AWS_KMS", "EXTERNAL"]))]
    pub origin: Option<String>,
    /// Days from the deletion of this resource to that of the key, during which it can still be brought back. AWS's default is
    /// 30.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 7, max = 30))]
    pub pending_window_in_days: Option<i32>,
    /// Days between two rotations; counts only where `EnableKeyRotation` is true. AWS's default is 365.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 90, max = 2560))]
    pub rotation_period_in_days: Option<i32>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// What AWS tells of a key.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// Its ARN.
    pub arn: String,
    /// Its id.
    pub key_id: String,
}

impl Resource for Key {
    const TYPE: &'static str = "AWS::KMS::Key";
    const CREATE_ONLY: &'static [&'static str] = &["KeySpec", "KeyUsage", "MultiRegion", "Origin"];
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &[
            "kms:CreateKey",
            "kms:DescribeKey",
            "kms:DisableKey",
            "kms:EnableKeyRotation",
            "kms:GetKeyPolicy",
            "kms:GetKeyRotationStatus",
            "kms:ListKeys",
            "kms:ListResourceTags",
            "kms:PutKeyPolicy",
            "kms:TagResource",
        ],
        read: &["kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags"],
        update: &[
            "kms:DescribeKey",
            "kms:DisableKey",
            "kms:DisableKeyRotation",
            "kms:EnableKey",
            "kms:EnableKeyRotation",
            "kms:GetKeyPolicy",
            "kms:GetKeyRotationStatus",
            "kms:ListResourceTags",
            "kms:PutKeyPolicy",
            "kms:TagResource",
            "kms:UntagResource",
            "kms:UpdateKeyDescription",
        ],
        delete: &["kms:DescribeKey", "kms:ListResourceTags", "kms:ScheduleKeyDeletion"],
    };
    type Outputs = Outputs;

    /// KMS tells no period of a rotation that is off.
    fn normalize(properties: &mut Value) {
        if let Value::Map(properties) = properties
            && matches!(properties.get("EnableKeyRotation"), None | Some(Value::Null | Value::Bool(false)))
        {
            properties.remove("RotationPeriodInDays");
        }
    }

    async fn create(&self, aws: &Aws, _op: &Op) -> Result<Id> {
        const OPERATION: &str = "kms:CreateKey";
        let call = aws
            .kms()
            .create_key()
            .set_bypass_policy_lockout_safety_check(self.bypass_policy_lockout_safety_check)
            .set_description(self.description.clone())
            .set_key_spec(self.key_spec.as_deref().map(Into::into))
            .set_key_usage(self.key_usage.as_deref().map(Into::into))
            .set_multi_region(self.multi_region)
            .set_origin(self.origin.as_deref().map(Into::into))
            .set_policy(self.key_policy.as_ref().map(Document::text))
            .set_tags(Some(tag_list(&self.kept_tags())?));
        let answer = call.send().await.during(OPERATION)?;
        let id = answer.key_metadata.map(|key| key.key_id);
        id.map(Id::new).ok_or_else(|| CloudError::new(ErrorKind::Lost, OPERATION, "the answer holds no id"))
    }

    async fn settle(&self, aws: &Aws, _op: &Op, id: &Id) -> Result<()> {
        let key = wait::until(aws, "kms:DescribeKey", PROPAGATION, || async {
            Ok(match describe(aws, id).await? {
                Some(key) if key.key_state != Some(KeyState::Creating) => Probe::Ready(key),
                _ => Probe::Pending("being made".to_owned()),
            })
        })
        .await?;
        let rotation = if self.rotation().0 { rotation_of(aws, &key).await? } else { (false, None) };
        let mut is_changed = false;
        if rotation != self.rotation() {
            self.set_rotation(aws, id).await?;
            is_changed = true;
        }
        if self.enabled == Some(false) && key.enabled {
            set_enabled(aws, id, false).await?;
            is_changed = true;
        }
        if is_changed { self.shows(aws, id).await } else { Ok(()) }
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let mut read = Vec::with_capacity(ids.len());
        for id in ids {
            if let Some(key) = describe(aws, id).await? {
                read.extend(observed(aws, id, key).await?);
            }
        }
        Ok(read)
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        let (is_enabled, was_enabled) = (self.enabled.unwrap_or(true), old.enabled.unwrap_or(true));
        let rotates = self.rotation() != old.rotation();
        // Rotation can be set only while the key is enabled.
        if is_enabled && !was_enabled {
            set_enabled(aws, id, true).await?;
        }
        if rotates {
            self.set_rotation(aws, id).await?;
        }
        if self.key_policy != old.key_policy {
            self.set_policy(aws, id).await?;
        }
        if self.description != old.description {
            let call = aws.kms().update_key_description().key_id(id.as_str());
            let call = call.description(self.description.clone().unwrap_or_default());
            call.send().await.during("kms:UpdateKeyDescription")?;
        }
        if was_enabled && !is_enabled {
            set_enabled(aws, id, false).await?;
        }
        self.retag(aws, id, old).await?;
        if rotates || is_enabled != was_enabled || self.description != old.description {
            self.shows(aws, id).await?;
        }
        Ok(())
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        if describe(aws, id).await?.is_none() {
            return Ok(());
        }
        let tags = tags_of(aws, id.as_str()).await?.unwrap_or_default();
        let call = aws.kms().schedule_key_deletion().key_id(id.as_str());
        let call = call.set_pending_window_in_days(pending_window(&tags));
        call.send().await.during("kms:ScheduleKeyDeletion")?;
        Ok(())
    }

    async fn tagged(aws: &Aws, tags: &TagSet) -> Result<Vec<Id>> {
        let pages = aws.kms().list_keys().limit(1000).into_paginator().items().send();
        let keys: Vec<sdk::KeyListEntry> = pages.collect::<std::result::Result<_, _>>().await.during("kms:ListKeys")?;
        let reads = keys.into_iter().filter_map(|key| key.key_id).map(|id| async move {
            let found = match tags_of(aws, &id).await {
                // The policy of a key may keep its tags from the caller: then it is none that the caller made.
                Err(error) if error.kind == ErrorKind::Denied => None,
                found => found?,
            };
            let id = Id::new(id);
            let is_it = found.is_some_and(|found| found.have(tags)) && describe(aws, &id).await?.is_some();
            Ok(is_it.then_some(id))
        });
        let reads = futures::stream::iter(reads.collect::<Vec<_>>()).buffered(CONCURRENT_READS);
        reads.try_filter_map(|id| async { Ok(id) }).try_collect().await
    }
}

impl Key {
    /// The tags, with those that keep what KMS has no place for.
    fn kept_tags(&self) -> Tags {
        let mut tags = self.tags.clone();
        if let Some(days) = self.pending_window_in_days {
            tags.0.insert(PENDING_WINDOW.to_owned(), days.to_string());
        }
        if self.bypass_policy_lockout_safety_check == Some(true) {
            tags.0.insert(BYPASS.to_owned(), "true".to_owned());
        }
        tags
    }

    /// Whether the key rotates, and after how many days.
    fn rotation(&self) -> (bool, Option<i32>) {
        let is_on = self.enable_key_rotation == Some(true);
        (is_on, is_on.then(|| self.rotation_period_in_days.unwrap_or(DEFAULT_ROTATION)))
    }

    async fn set_rotation(&self, aws: &Aws, id: &Id) -> Result<()> {
        match self.rotation() {
            (true, days) => {
                let call = aws.kms().enable_key_rotation().key_id(id.as_str()).set_rotation_period_in_days(days);
                call.send().await.during("kms:EnableKeyRotation")?;
            }
            (false, _) => {
                let call = aws.kms().disable_key_rotation().key_id(id.as_str());
                call.send().await.during("kms:DisableKeyRotation")?;
            }
        }
        Ok(())
    }

    async fn set_policy(&self, aws: &Aws, id: &Id) -> Result<()> {
        let policy = match &self.key_policy {
            Some(policy) => policy.text(),
            None => {
                let key = describe(aws, id).await?;
                default_policy(key.as_ref().and_then(|key| key.arn()).unwrap_or_default())
            }
        };
        let call = aws.kms().put_key_policy().key_id(id.as_str()).policy_name(POLICY).policy(policy);
        let call = call.set_bypass_policy_lockout_safety_check(self.bypass_policy_lockout_safety_check);
        call.send().await.during("kms:PutKeyPolicy")?;
        Ok(())
    }

    async fn retag(&self, aws: &Aws, id: &Id, old: &Self) -> Result<()> {
        let (set, removed) = self.kept_tags().changes(&old.kept_tags());
        if !set.is_empty() {
            let call = aws.kms().tag_resource().key_id(id.as_str()).set_tags(Some(tag_list(&set)?));
            call.send().await.during("kms:TagResource")?;
        }
        if !removed.is_empty() {
            let call = aws.kms().untag_resource().key_id(id.as_str()).set_tag_keys(Some(removed));
            call.send().await.during("kms:UntagResource")?;
        }
        Ok(())
    }

    /// Waits until KMS tells what was set.
    async fn shows(&self, aws: &Aws, id: &Id) -> Result<()> {
        wait::until(aws, "kms:DescribeKey", PROPAGATION, || async {
            let now = Self::read(aws, std::slice::from_ref(id)).await?.pop().map(|now| now.properties);
            let shows = now.is_some_and(|now| {
                now.rotation() == self.rotation()
                    && now.enabled.unwrap_or(true) == self.enabled.unwrap_or(true)
                    && now.description.unwrap_or_default() == self.description.clone().unwrap_or_default()
            });
            Ok(if shows { Probe::Ready(()) } else { Probe::Pending("as it was".to_owned()) })
        })
        .await
    }
}

fn pending_window(tags: &Tags) -> Option<i32> {
    tags.0.get(PENDING_WINDOW).and_then(|days| days.parse().ok())
}

/// All of a key; nothing where it went away between two calls.
async fn observed(aws: &Aws, id: &Id, key: sdk::KeyMetadata) -> Result<Option<Observed<Key>>> {
    let policy = async {
        let call = aws.kms().get_key_policy().key_id(id.as_str()).policy_name(POLICY);
        found(call.send().await.during("kms:GetKeyPolicy"))
    };
    let (policy, tags, (rotates, days)) =
        futures::try_join!(policy, tags_of(aws, id.as_str()), rotation_of(aws, &key))?;
    let (Some(policy), Some(tags)) = (policy, tags) else { return Ok(None) };
    Ok(Some(Observed {
        id: id.clone(),
        properties: Key {
            bypass_policy_lockout_safety_check: Some(tags.0.contains_key(BYPASS)),
            description: key.description.filter(|text| !text.is_empty()),
            enable_key_rotation: Some(rotates),
            enabled: Some(key.key_state != Some(KeyState::Disabled)),
            key_policy: Document::parse_some(policy.policy.as_deref()),
            key_spec: key.key_spec.map(|spec| spec.to_string()),
            key_usage: key.key_usage.map(|usage| usage.to_string()),
            multi_region: Some(key.multi_region.unwrap_or(false)),
            origin: key.origin.map(|origin| origin.to_string()),
            pending_window_in_days: pending_window(&tags),
            rotation_period_in_days: days,
            tags,
        },
        outputs: Outputs { arn: key.arn.unwrap_or_default(), key_id: key.key_id },
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_period_counts_only_where_the_key_rotates() {
        for (given, expected) in [
            (json!({"RotationPeriodInDays": 90}), json!({})),
            (json!({"EnableKeyRotation": false, "RotationPeriodInDays": 90}), json!({"EnableKeyRotation": false})),
            (
                json!({"EnableKeyRotation": true, "RotationPeriodInDays": 90}),
                json!({"EnableKeyRotation": true, "RotationPeriodInDays": 90}),
            ),
        ] {
            let mut properties = Value::from(given);
            Key::normalize(&mut properties);
            assert_eq!(properties, Value::from(expected));
        }
    }
}
