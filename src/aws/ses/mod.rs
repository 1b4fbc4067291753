//! Amazon SES, by its API version 2: identities, configuration sets, templates.

mod configuration_set;
mod configuration_set_event_destination;
mod configuration_set_parts;
mod email_identity;
mod template;

pub use configuration_set::ConfigurationSet;
pub use configuration_set_event_destination::ConfigurationSetEventDestination;
pub use email_identity::EmailIdentity;
pub use template::Template;

use aws_sdk_sesv2::types::Tag;

use super::arn;
use super::client::Aws;
use super::error::{During, built};
use super::resource::Result;
use super::tags::Tags;

fn tag_list(tags: &Tags) -> Result<Vec<Tag>> {
    let tags = tags.each(|key, value| Tag::builder().key(key).value(value).build());
    tags.into_iter().map(|tag| built(tag, "ses:TagResource")).collect()
}

fn told_tags(tags: Option<Vec<Tag>>) -> Tags {
    tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect()
}

/// Changes the tags of `resource` (`identity/example.com`) from `old` to `new`.
async fn retag(aws: &Aws, resource: &str, old: &Tags, new: &Tags) -> Result<()> {
    let (set, removed) = new.changes(old);
    if set.is_empty() && removed.is_empty() {
        return Ok(());
    }
    let arn = arn::of(aws, "ses", resource).await?;
    if !set.is_empty() {
        let call = aws.ses().tag_resource().resource_arn(&arn).set_tags(Some(tag_list(&set)?));
        call.send().await.during("ses:TagResource")?;
    }
    if !removed.is_empty() {
        let call = aws.ses().untag_resource().resource_arn(&arn).set_tag_keys(Some(removed));
        call.send().await.during("ses:UntagResource")?;
    }
    Ok(())
}
