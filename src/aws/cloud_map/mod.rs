//! AWS Cloud Map: names by which services find each other.

mod http_namespace;
mod namespace;
mod operation;
mod private_dns_namespace;
mod service;
mod service_parts;

pub use http_namespace::HttpNamespace;
pub use private_dns_namespace::PrivateDnsNamespace;
pub use service::Service;

use aws_sdk_servicediscovery::types::Tag;

use super::client::Aws;
use super::error::{During, built, found};
use super::resource::Result;
use super::tags::Tags;

/// Resources up to which each is asked for alone; for more, they are listed.
const FEW: usize = 3;
/// Resources that one read takes.
const BATCH: usize = 1000;
/// What an answer to a list holds at most.
const PAGE: i32 = 100;

fn tag_list(tags: &Tags) -> Result<Option<Vec<Tag>>> {
    let list =
        tags.each(|key, value| built(Tag::builder().key(key).value(value).build(), "servicediscovery:TagResource"));
    let list = list.into_iter().collect::<Result<Vec<_>>>()?;
    Ok((!list.is_empty()).then_some(list))
}

/// The tags of `arn`; nothing where there is no such resource.
async fn tags_of(aws: &Aws, arn: &str) -> Result<Option<Tags>> {
    let answer = aws.cloud_map().list_tags_for_resource().resource_arn(arn).send().await;
    let answer = found(answer.during("servicediscovery:ListTagsForResource"))?;
    Ok(answer.map(|answer| answer.tags().iter().map(|tag| (tag.key(), tag.value())).collect()))
}

/// Changes the tags of `arn` from `old` to `new`.
async fn retag(aws: &Aws, arn: &str, old: &Tags, new: &Tags) -> Result<()> {
    let (set, removed) = new.changes(old);
    if !set.is_empty() {
        let call = aws.cloud_map().tag_resource().resource_arn(arn).set_tags(tag_list(&set)?);
        call.send().await.during("servicediscovery:TagResource")?;
    }
    if !removed.is_empty() {
        let call = aws.cloud_map().untag_resource().resource_arn(arn).set_tag_keys(Some(removed));
        call.send().await.during("servicediscovery:UntagResource")?;
    }
    Ok(())
}

/// A description as AWS tells it; none where it is empty.
fn described(description: Option<String>) -> Option<String> {
    description.filter(|text| !text.is_empty())
}
