//! Amazon CloudWatch: alarms and dashboards.

mod alarm;
mod alarm_parts;
mod composite_alarm;
mod dashboard;
pub(in crate::aws) mod status;

pub use alarm::Alarm;
pub use composite_alarm::CompositeAlarm;
pub use dashboard::Dashboard;

use std::future::Future;

use aws_sdk_cloudwatch::types::{AlarmType, CompositeAlarm as SdkCompositeAlarm, MetricAlarm, Tag};
use futures::{StreamExt, TryStreamExt};

use super::client::Aws;
use super::error::{During, found};
use super::resource::Result;
use super::tags::{self as ownership, Tags};
use crate::address::Id;
use crate::cloud::{CloudError, ErrorKind, Op};

/// Alarms that one call describes.
const DESCRIBE_BATCH: usize = 100;
/// Calls about one resource each that are under way at the same time.
const CONCURRENT: usize = 8;

/// Alarms of both kinds.
#[derive(Debug, Default)]
struct Alarms {
    metric: Vec<MetricAlarm>,
    composite: Vec<SdkCompositeAlarm>,
}

/// Those alarms named `names`, at most [`DESCRIBE_BATCH`], that exist.
async fn describe(aws: &Aws, names: &[&str], types: &[AlarmType]) -> Result<Alarms> {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    let call = aws.cloudwatch().describe_alarms().set_alarm_names(Some(names)).set_alarm_types(Some(types.to_vec()));
    let mut pages = call.max_records(100).into_paginator().send();
    let mut alarms = Alarms::default();
    while let Some(page) = pages.next().await {
        let page = page.during("cloudwatch:DescribeAlarms")?;
        alarms.metric.extend(page.metric_alarms.unwrap_or_default());
        alarms.composite.extend(page.composite_alarms.unwrap_or_default());
    }
    Ok(alarms)
}

/// The ARN of the alarm `name`, of whatever kind: they share their names.
async fn arn_of(aws: &Aws, name: &str) -> Result<Option<String>> {
    let alarms = describe(aws, &[name], &[AlarmType::MetricAlarm, AlarmType::CompositeAlarm]).await?;
    let metric = alarms.metric.into_iter().find_map(|alarm| alarm.alarm_arn);
    Ok(metric.or_else(|| alarms.composite.into_iter().find_map(|alarm| alarm.alarm_arn)))
}

/// Refuses to put an alarm over one that `op` did not make: putting would overwrite it.
async fn is_free(aws: &Aws, op: &Op, name: &str, operation: &str) -> Result<()> {
    // Nobody else has a name that was made with the operation's id.
    if name.ends_with(&op.id.short()) {
        return Ok(());
    }
    is_ours(aws, op, arn_of(aws, name).await?, || format!("an alarm named {name}"), operation).await
}

/// Refuses where there is something at `arn` that `op` did not make.
async fn is_ours(aws: &Aws, op: &Op, arn: Option<String>, what: impl Fn() -> String, operation: &str) -> Result<()> {
    let Some(arn) = arn else { return Ok(()) };
    match tags_of(aws, &arn).await? {
        Some(found) => ownership::made_by(op, &what(), &found, operation),
        None => Ok(()),
    }
}

/// The alarm `name`, if `op` made it.
async fn find_alarm(aws: &Aws, op: &Op, name: Option<&str>) -> Result<Option<Id>> {
    let Some(name) = name else { return Ok(None) };
    let Some(arn) = arn_of(aws, name).await? else { return Ok(None) };
    let tags = tags_of(aws, &arn).await?;
    Ok(tags.filter(|tags| tags.have(&ownership::of_op(op))).map(|_| Id::new(name)))
}

async fn delete_alarm(aws: &Aws, id: &Id) -> Result<()> {
    let call = aws.cloudwatch().delete_alarms().alarm_names(id.as_str());
    call.send().await.during("cloudwatch:DeleteAlarms").map_err(|error| {
        // It has no code of its own.
        if error.message.contains("composite alarm(s) depending on it") {
            CloudError { kind: ErrorKind::InUse, ..error }
        } else {
            error
        }
    })?;
    Ok(())
}

/// The tags of the resource at `arn`; nothing where there is none.
async fn tags_of(aws: &Aws, arn: &str) -> Result<Option<Tags>> {
    let call = aws.cloudwatch().list_tags_for_resource().resource_arn(arn);
    let answer = found(call.send().await.during("cloudwatch:ListTagsForResource"))?;
    let tags = answer.map(|answer| answer.tags.unwrap_or_default());
    Ok(tags.map(|tags| tags.into_iter().filter_map(|tag| Some((tag.key?, tag.value?))).collect()))
}

/// Tags as the SDK has them.
fn tag_list(tags: &Tags) -> Option<Vec<Tag>> {
    let list = tags.each(|key, value| Tag::builder().key(key).value(value).build());
    (!list.is_empty()).then_some(list)
}

/// Changes the tags of the resource at `arn`, which is only asked for where they differ.
async fn retag<F>(aws: &Aws, arn: impl FnOnce() -> F + Send, old: &Tags, new: &Tags) -> Result<()>
where
    F: Future<Output = Result<Option<String>>> + Send,
{
    let (set, removed) = new.changes(old);
    if set.is_empty() && removed.is_empty() {
        return Ok(());
    }
    let Some(arn) = arn().await? else { return Ok(()) };
    if let Some(tags) = tag_list(&set) {
        let call = aws.cloudwatch().tag_resource().resource_arn(&arn).set_tags(Some(tags));
        call.send().await.during("cloudwatch:TagResource")?;
    }
    if !removed.is_empty() {
        let call = aws.cloudwatch().untag_resource().resource_arn(&arn).set_tag_keys(Some(removed));
        call.send().await.during("cloudwatch:UntagResource")?;
    }
    Ok(())
}

/// What `read` says of each of `items`, some at a time; what is gone is left out.
async fn each<T, V, F>(items: impl IntoIterator<Item = T>, read: impl Fn(T) -> F) -> Result<Vec<V>>
where
    F: Future<Output = Result<Option<V>>>,
{
    let reads: Vec<F> = items.into_iter().map(read).collect();
    futures::stream::iter(reads).buffered(CONCURRENT).try_filter_map(|found| async { Ok(found) }).try_collect().await
}

/// A text that says something.
fn some(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}
