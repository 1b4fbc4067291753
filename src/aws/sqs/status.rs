//! How full queues are.

use std::collections::BTreeMap;

use aws_sdk_sqs::types::QueueAttributeName as Name;
use futures::{StreamExt, TryStreamExt};

use super::{Attributes, attributes};
use crate::aws::client::Aws;
use crate::aws::resource::Result;
use crate::cloud::services::{Managed, QueueStatus};

/// Queues that are asked for at the same time: each takes a call of its own.
const CONCURRENT: usize = 8;

/// How full those of `resources` that are queues are, in their order.
pub(in crate::aws) async fn status(aws: &Aws, resources: &[Managed]) -> Result<Vec<QueueStatus>> {
    let asked = resources.iter().filter(|managed| managed.type_name == "AWS::SQS::Queue").map(|managed| async move {
        let names = vec![
            Name::ApproximateNumberOfMessages,
            Name::ApproximateNumberOfMessagesNotVisible,
            Name::ApproximateNumberOfMessagesDelayed,
            Name::QueueArn,
            Name::RedrivePolicy,
        ];
        Ok(attributes(aws, managed.id.as_str(), names).await?.map(|told| (managed, told)))
    });
    let asked: Vec<_> = asked.collect();
    let told: Vec<Option<(&Managed, Attributes)>> =
        futures::stream::iter(asked).buffered(CONCURRENT).try_collect().await?;
    let told: Vec<(&Managed, Attributes)> = told.into_iter().flatten().collect();
    let waiting: BTreeMap<&str, i64> = told
        .iter()
        .filter_map(|(_, told)| {
            Some((told.get(&Name::QueueArn)?.as_str(), count(told, &Name::ApproximateNumberOfMessages)))
        })
        .collect();
    Ok(told
        .iter()
        .map(|(managed, told)| QueueStatus {
            address: managed.address.clone(),
            visible: count(told, &Name::ApproximateNumberOfMessages),
            in_flight: count(told, &Name::ApproximateNumberOfMessagesNotVisible),
            delayed: count(told, &Name::ApproximateNumberOfMessagesDelayed),
            dead: dead_letter_queue(told).and_then(|arn| waiting.get(arn.as_str()).copied()),
        })
        .collect())
}

fn count(told: &Attributes, name: &Name) -> i64 {
    told.get(name).and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn dead_letter_queue(told: &Attributes) -> Option<String> {
    let policy: serde_json::Value = serde_json::from_str(told.get(&Name::RedrivePolicy)?).ok()?;
    policy.get("deadLetterTargetArn")?.as_str().map(str::to_owned)
}
