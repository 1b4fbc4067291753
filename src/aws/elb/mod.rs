//! Elastic Load Balancing, version 2.

mod action;
mod attributes;
mod condition;
mod listener;
mod listener_rule;
mod load_balancer;
mod target_group;

pub use listener::Listener;
pub use listener_rule::ListenerRule;
pub use load_balancer::LoadBalancer;
pub use target_group::TargetGroup;

use std::collections::HashMap;
use std::future::Future;

use aws_sdk_elasticloadbalancingv2::types::Tag;
use futures::future::try_join_all;

use super::client::Aws;
use super::error::{During, found};
use super::resource::Result;
use super::tags::{self as ownership, TagSet, Tags};
use crate::address::Id;
use crate::cloud::{CloudError, ErrorKind, Op};

/// ARNs that one call describes, and that `DescribeTags` takes.
const BATCH: usize = 20;

fn tag_list(tags: &Tags) -> Option<Vec<Tag>> {
    let list = tags.each(|key, value| Tag::builder().key(key).value(value).build());
    (!list.is_empty()).then_some(list)
}

/// The tags of any number of ARNs, all of which exist.
async fn tags_of(aws: &Aws, arns: &[&str]) -> Result<HashMap<String, Tags>> {
    let calls = arns.chunks(BATCH).map(|arns| async move {
        let arns = arns.iter().map(|arn| (*arn).to_owned()).collect();
        let call = aws.elb().describe_tags().set_resource_arns(Some(arns));
        call.send().await.during("elasticloadbalancing:DescribeTags")
    });
    let answers = try_join_all(calls).await?;
    let described = answers.into_iter().flat_map(|answer| answer.tag_descriptions.unwrap_or_default());
    let by_arn = described.filter_map(|description| {
        let tags = description.tags().iter();
        let tags = tags.filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())));
        let tags = tags.collect();
        Some((description.resource_arn?, tags))
    });
    Ok(by_arn.collect())
}

/// Changes the tags of `arn` from `old` to `new`.
async fn retag(aws: &Aws, arn: &str, old: &Tags, new: &Tags) -> Result<()> {
    let (set, removed) = new.changes(old);
    if !set.is_empty() {
        let call = aws.elb().add_tags().resource_arns(arn).set_tags(tag_list(&set));
        call.send().await.during("elasticloadbalancing:AddTags")?;
    }
    if !removed.is_empty() {
        let call = aws.elb().remove_tags().resource_arns(arn).set_tag_keys(Some(removed));
        call.send().await.during("elasticloadbalancing:RemoveTags")?;
    }
    Ok(())
}

/// Those of `arns` that have all of `tags`.
async fn having(aws: &Aws, arns: Vec<String>, tags: &TagSet) -> Result<Vec<Id>> {
    let refs: Vec<_> = arns.iter().map(String::as_str).collect();
    let by_arn = tags_of(aws, &refs).await?;
    let have = arns.iter().filter(|arn| by_arn.get(*arn).is_some_and(|found| found.have(tags)));
    Ok(have.map(Id::new).collect())
}

/// The id of what `operation` made. Its calls answer with what was there before where that has the same settings, so
/// what does not have the tag of `op` belongs to somebody else.
async fn made(aws: &Aws, op: &Op, arn: Option<&str>, operation: &str) -> Result<Id> {
    let arn = arn.ok_or_else(|| CloudError::new(ErrorKind::Lost, operation, "the answer holds no ARN"))?;
    let found = tags_of(aws, &[arn]).await?.remove(arn).unwrap_or_default();
    ownership::made_by(op, arn, &found, operation)?;
    Ok(Id::new(arn))
}

/// What `describe` says of `ids`. A call fails whole where one of them is missing; each is then asked for alone.
async fn each_found<T, F, Fut>(ids: &[Id], describe: F) -> Result<Vec<T>>
where
    F: Fn(Vec<String>) -> Fut,
    Fut: Future<Output = Result<Vec<T>>>,
{
    let arns: Vec<_> = ids.iter().map(|id| id.as_str().to_owned()).collect();
    match found(describe(arns.clone()).await)? {
        Some(all) => Ok(all),
        None if arns.len() == 1 => Ok(Vec::new()),
        None => {
            let singles = arns.into_iter().map(|arn| async { found(describe(vec![arn]).await) });
            Ok(try_join_all(singles).await?.into_iter().flatten().flatten().collect())
        }
    }
}
