//! Amazon ECS: containers.

mod cluster;
mod connect_parts;
mod container;
mod container_parts;
mod deployment;
mod deployment_parts;
mod gateway_parts;
pub(in crate::aws) mod logs;
pub(in crate::aws) mod rollback;
mod service;
mod service_calls;
mod service_parts;
pub(in crate::aws) mod status;
mod task_definition;
mod task_parts;
mod tasks;

pub use cluster::Cluster;
pub use service::Service;
pub use task_definition::TaskDefinition;

use aws_sdk_ecs::types::Tag;

use super::client::Aws;
use super::error::During;
use super::resource::Result;
use super::tags::Tags;

fn tags(tags: &[Tag]) -> Tags {
    tags.iter().filter_map(|tag| Some((tag.key()?, tag.value().unwrap_or_default()))).collect()
}

fn tag_list(tags: &Tags) -> Option<Vec<Tag>> {
    let list = tags.each(|key, value| Tag::builder().key(key).value(value).build());
    (!list.is_empty()).then_some(list)
}

/// Changes the tags of `arn` from `old` to `new`.
async fn retag(aws: &Aws, arn: &str, old: &Tags, new: &Tags) -> Result<()> {
    let (set, removed) = new.changes(old);
    if !set.is_empty() {
        let call = aws.ecs().tag_resource().resource_arn(arn).set_tags(tag_list(&set));
        call.send().await.during("ecs:TagResource")?;
    }
    if !removed.is_empty() {
        let call = aws.ecs().untag_resource().resource_arn(arn).set_tag_keys(Some(removed));
        call.send().await.during("ecs:UntagResource")?;
    }
    Ok(())
}
