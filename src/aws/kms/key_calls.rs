//! What is asked of one key, and set, with a call each.

use aws_sdk_kms::types::{self as sdk, KeyState};
use serde_json::json;

use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::error::{During, built, found};
use crate::aws::resource::Result;
use crate::aws::tags::Tags;

/// The one policy that a key has.
pub(super) const POLICY: &str = "default";
/// Days between two rotations where the stack says nothing.
pub(super) const DEFAULT_ROTATION: i32 = 365;

/// The policy that KMS gives a key without one, for the key with this ARN.
pub(super) fn default_policy(arn: &str) -> String {
    let mut parts = arn.split(':').skip(1);
    let (partition, account) = (parts.next().unwrap_or("aws"), parts.nth(2).unwrap_or_default());
    let statement = json!({
        "Sid": "Enable IAM User Permissions",
        "Effect": "Allow",
        "Principal": { "AWS": format!("arn:{partition}:iam::{account}:root") },
        "Action": "kms:*",
        "Resource": "*",
    });
    json!({ "Version": "2012-10-17", "Id": "key-default-1", "Statement": [statement] }).to_string()
}

/// The key; nothing where it does not exist or its deletion is scheduled.
pub(super) async fn describe(aws: &Aws, id: &Id) -> Result<Option<sdk::KeyMetadata>> {
    let answer = found(aws.kms().describe_key().key_id(id.as_str()).send().await.during("kms:DescribeKey"))?;
    let key = answer.and_then(|answer| answer.key_metadata);
    Ok(key.filter(|key| !matches!(key.key_state, Some(KeyState::PendingDeletion | KeyState::PendingReplicaDeletion))))
}

pub(super) async fn set_enabled(aws: &Aws, id: &Id, enabled: bool) -> Result<()> {
    if enabled {
        aws.kms().enable_key().key_id(id.as_str()).send().await.during("kms:EnableKey")?;
    } else {
        aws.kms().disable_key().key_id(id.as_str()).send().await.during("kms:DisableKey")?;
    }
    Ok(())
}

/// The tags of a key; nothing where it does not exist.
pub(super) async fn tags_of(aws: &Aws, id: &str) -> Result<Option<Tags>> {
    let pages = aws.kms().list_resource_tags().key_id(id).into_paginator().items().send();
    let tags: std::result::Result<Vec<sdk::Tag>, _> = pages.collect().await;
    let tags = found(tags.during("kms:ListResourceTags"))?;
    Ok(tags.map(|tags| tags.into_iter().map(|tag| (tag.tag_key, tag.tag_value)).collect()))
}

pub(super) fn tag_list(tags: &Tags) -> Result<Vec<sdk::Tag>> {
    let tags = tags.each(|key, value| sdk::Tag::builder().tag_key(key).tag_value(value).build());
    tags.into_iter().map(|tag| built(tag, "kms:TagResource")).collect()
}

/// Whether a key rotates, and after how many days. Only keys whose material AWS makes, and that encrypt symmetrically, can.
pub(super) async fn rotation_of(aws: &Aws, key: &sdk::KeyMetadata) -> Result<(bool, Option<i32>)> {
    let can_rotate =
        key.key_spec == Some(sdk::KeySpec::SymmetricDefault) && key.origin == Some(sdk::OriginType::AwsKms);
    if !can_rotate {
        return Ok((false, None));
    }
    let call = aws.kms().get_key_rotation_status().key_id(key.key_id());
    let answer = found(call.send().await.during("kms:GetKeyRotationStatus"))?;
    let is_on = answer.as_ref().is_some_and(|answer| answer.key_rotation_enabled);
    let days = answer.and_then(|answer| answer.rotation_period_in_days).unwrap_or(DEFAULT_ROTATION);
    Ok((is_on, is_on.then_some(days)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_policy_names_the_account_of_the_key() {
        let policy = default_policy("arn:aws-cn:kms:cn-north-1:111122223333:key/1");
        assert!(policy.contains(r#""arn:aws-cn:iam::111122223333:root""#), "{policy}");
    }
}
