//! Topics: one that is there with other tags, one with an archive, subscriptions that nobody confirmed.

use std::collections::BTreeMap;

use crate::ACCOUNT_ID;
use crate::call::Call;
use crate::error::AwsError;
use crate::facts::Facts;
use crate::view::sns::{attribute, is_pending};

pub(super) async fn check(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    match call.operation.as_str() {
        "CreateTopic" => same_tags(call, facts).await,
        "DeleteTopic" => {
            let arn = call.parameter("TopicArn").unwrap_or_default();
            let told = facts.sns("GetTopicAttributes", &[("TopicArn", arn)]).await?;
            let archive = told.as_ref().and_then(|told| attribute(told, "ArchivePolicy")).unwrap_or_default();
            if archive.is_empty() || archive == "{}" {
                return Ok(());
            }
            let message = "Invalid state: Cannot delete a topic with an ArchivePolicy";
            Err(AwsError::refused("InvalidState", message))
        }
        "Unsubscribe" => {
            let arn = call.parameter("SubscriptionArn").unwrap_or_default();
            if !is_pending(facts, arn).await? {
                return Ok(());
            }
            let message = "Invalid parameter: SubscriptionArn Reason: \
                           Cannot unsubscribe a subscription that is pending confirmation";
            Err(AwsError::refused("InvalidParameter", message))
        }
        _ => Ok(()),
    }
}

/// Refuses to answer with a topic that is there and has other tags.
async fn same_tags(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    let name = call.parameter("Name").unwrap_or_default();
    let arn = format!("arn:aws:sns:{}:{ACCOUNT_ID}:{name}", call.scope.region);
    let Some(told) = facts.sns("ListTagsForResource", &[("ResourceArn", &arn)]).await? else { return Ok(()) };
    let members = told.at("ListTagsForResourceResult").map(|result| result.list("Tags")).unwrap_or_default();
    let there: BTreeMap<_, _> = members.iter().map(|tag| (tag.text_at("Key"), tag.text_at("Value"))).collect();
    let text = |number: usize, part: &str| call.parameter(&format!("Tags.member.{number}.{part}"));
    let given: BTreeMap<_, _> =
        (1..).map_while(|number| Some((text(number, "Key")?, text(number, "Value").unwrap_or_default()))).collect();
    if there == given {
        return Ok(());
    }
    let message = "Invalid parameter: Tags Reason: Topic already exists with different tags";
    Err(AwsError::refused("InvalidParameter", message))
}
