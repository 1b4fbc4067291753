//! Amazon SNS: topics, their policies and subscriptions.

mod subscription;
mod topic;
mod topic_attributes;
mod topic_policy;

pub use subscription::Subscription;
pub use topic::Topic;
pub use topic_policy::TopicPolicy;

use std::collections::HashMap;

use aws_sdk_sns::types::{self as sdk, Tag};

use super::client::Aws;
use super::error::{During, built, found};
use super::resource::Result;
use super::tags::Tags;

/// The attributes of a topic; nothing where there is no such topic.
async fn topic_attributes_of(aws: &Aws, arn: &str) -> Result<Option<HashMap<String, String>>> {
    let answer = found(aws.sns().get_topic_attributes().topic_arn(arn).send().await.during("sns:GetTopicAttributes"))?;
    Ok(answer.map(|answer| answer.attributes.unwrap_or_default()))
}

async fn set_topic_attribute(aws: &Aws, arn: &str, name: &str, value: &str) -> Result<()> {
    let call = aws.sns().set_topic_attributes().topic_arn(arn).attribute_name(name).attribute_value(value);
    call.send().await.during("sns:SetTopicAttributes")?;
    Ok(())
}

/// The tags of a topic; nothing where there is no such topic.
async fn tags_of(aws: &Aws, arn: &str) -> Result<Option<Tags>> {
    let call = aws.sns().list_tags_for_resource().resource_arn(arn);
    let answer = found(call.send().await.during("sns:ListTagsForResource"))?;
    Ok(answer.map(|answer| answer.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect()))
}

fn tag_list(tags: &Tags) -> Result<Vec<Tag>> {
    let tags = tags.each(|key, value| Tag::builder().key(key).value(value).build());
    tags.into_iter().map(|tag| built(tag, "sns:TagResource")).collect()
}

/// Sets and removes tags of a topic.
async fn retag(aws: &Aws, arn: &str, (set, removed): (Tags, Vec<String>)) -> Result<()> {
    if !set.is_empty() {
        let call = aws.sns().tag_resource().resource_arn(arn).set_tags(Some(tag_list(&set)?));
        call.send().await.during("sns:TagResource")?;
    }
    if !removed.is_empty() {
        let call = aws.sns().untag_resource().resource_arn(arn).set_tag_keys(Some(removed));
        call.send().await.during("sns:UntagResource")?;
    }
    Ok(())
}

/// The subscriptions of a topic; none where there is no such topic.
///
/// Those that wait to be confirmed are among them, without their ARN.
async fn subscriptions_of(aws: &Aws, topic: &str) -> Result<Vec<sdk::Subscription>> {
    let pages = aws.sns().list_subscriptions_by_topic().topic_arn(topic).into_paginator().items().send();
    let all = pages.collect::<std::result::Result<Vec<_>, _>>().await.during("sns:ListSubscriptionsByTopic");
    let is_deleted = |subscription: &sdk::Subscription| subscription.subscription_arn() == Some("Deleted");
    Ok(found(all)?.unwrap_or_default().into_iter().filter(|subscription| !is_deleted(subscription)).collect())
}

/// The ARN of a subscription, which a topic's list leaves out until it is confirmed.
fn arn_of(subscription: &sdk::Subscription) -> Option<&str> {
    subscription.subscription_arn().filter(|arn| arn.starts_with("arn:"))
}

/// Unsubscribes. One that waits to be confirmed can't be: it goes with its topic, or after two days.
async fn unsubscribe(aws: &Aws, arn: &str) -> Result<()> {
    match aws.sns().unsubscribe().subscription_arn(arn).send().await.during("sns:Unsubscribe") {
        Err(error) if error.message.contains("pending confirmation") => Ok(()),
        outcome => outcome.map(|_| ()),
    }
}
