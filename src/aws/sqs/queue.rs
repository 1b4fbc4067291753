//! `AWS::SQS::Queue`.

use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Attributes, attributes, set_attributes};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::document::Document;
use crate::aws::error::{During, found};
use crate::aws::fifo;
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{self as ownership, TagSet, Tags};
use crate::aws::wait::{self, Probe};
use crate::catalog::{GeneratedName, Permissions, Tagging};
use crate::cloud::Op;

/// Characters of a queue's name.
const MAX_NAME: usize = 80;
/// How long a name stays taken after its queue was deleted: 60 seconds, and some.
const NAME_REUSE: Duration = Duration::from_secs(120);
/// How long AWS may take to show everywhere what was set: 60 seconds for most attributes.
const PROPAGATION: Duration = Duration::from_secs(90);

/// A queue.
///
/// The API reads attributes and tags of queues one by one.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Queue {
    /// Whether messages with the same content are taken for the same; FIFO queues only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_based_deduplication: Option<bool>,
    /// Within what messages are compared; FIFO queues only. AWS's default is `queue`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["queue", "messageGroup"]))]
    pub deduplication_scope: Option<String>,
    /// Seconds until a message can be received. AWS's default is 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 900))]
    pub delay_seconds: Option<i64>,
    /// Whether messages keep their order and come once. The name of such a queue ends with `.fifo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fifo_queue: Option<bool>,
    /// What the limit of throughput is for; FIFO queues only. AWS's default is `perQueue`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["perQueue", "perMessageGroupId"]))]
    pub fifo_throughput_limit: Option<String>,
    /// Seconds for which a data key is used again. AWS's default is 300.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 60, max = 86_400))]
    pub kms_data_key_reuse_period_seconds: Option<i64>,
    /// The KMS key that messages are encrypted with, by id, ARN or alias.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_master_key_id: Option<String>,
    /// The most bytes of a message. AWS's default is 1048576.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1024, max = 1_048_576))]
    pub maximum_message_size: Option<i64>,
    /// Seconds that a message is kept. AWS's default is 345600, 4 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 60, max = 1_209_600))]
    pub message_retention_period: Option<i64>,
    /// The queue's name; made from the stack's and the resource's where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 80), regex(pattern = r"^[a-zA-Z0-9_-]+(\.fifo)?$"))]
    pub queue_name: Option<String>,
    /// Seconds that a call waits for a message where it does not say. AWS's default is 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 20))]
    pub receive_message_wait_time_seconds: Option<i64>,
    /// Which queues may use this one as their dead-letter queue: `redrivePermission`, `sourceQueueArns`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redrive_allow_policy: Option<Document>,
    /// Where messages go that nobody can process: `deadLetterTargetArn`, `maxReceiveCount`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redrive_policy: Option<Document>,
    /// Whether messages are encrypted with a key of SQS's own. AWS's default is true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sqs_managed_sse_enabled: Option<bool>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// Seconds for which a received message is hidden from others. AWS's default is 30.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 43_200))]
    pub visibility_timeout: Option<i64>,
}

/// What AWS tells of a queue.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// Its ARN.
    pub arn: String,
    /// Its URL.
    pub queue_url: String,
}

impl Resource for Queue {
    const TYPE: &'static str = "AWS::SQS::Queue";
    const CREATE_ONLY: &'static [&'static str] = &["FifoQueue", "QueueName"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["QueueName"]];
    const GENERATED_NAME: Option<GeneratedName> =
        Some(GeneratedName { property: "QueueName", max_length: MAX_NAME - fifo::END.len(), lower_case: false });
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &["sqs:CreateQueue", "sqs:GetQueueUrl", "sqs:GetQueueAttributes", "sqs:ListQueueTags", "sqs:TagQueue"],
        read: &["sqs:GetQueueAttributes", "sqs:ListQueueTags"],
        update: &["sqs:SetQueueAttributes", "sqs:GetQueueAttributes", "sqs:TagQueue", "sqs:UntagQueue"],
        delete: &["sqs:DeleteQueue"],
    };
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, op: &Op) -> Result<Id> {
        const OPERATION: &str = "sqs:CreateQueue";
        let name = self.name(op).unwrap_or_default();
        let tags = self.tags.0.clone().into_iter().collect();
        let mut attributes = self.attributes();
        if self.fifo_queue == Some(true) {
            attributes.insert(QueueAttributeName::FifoQueue, "true".to_owned());
        }
        let call = aws.sqs().create_queue().queue_name(&name).set_attributes(Some(attributes)).set_tags(Some(tags));
        let url = wait::until(aws, OPERATION, NAME_REUSE, || async {
            match call.clone().send().await.during(OPERATION) {
                Ok(answer) => Ok(Probe::Ready(answer.queue_url.unwrap_or_default())),
                Err(error) if error.code.contains("QueueDeletedRecently") => {
                    Ok(Probe::Pending(format!("taken by a queue {name} that was deleted less than a minute ago")))
                }
                Err(error) => Err(error),
            }
        })
        .await?;
        // It answers with the queue of that name that was there before, if it has the same attributes.
        if let Some(found) = tags_of(aws, &url).await? {
            ownership::made_by(op, &format!("a queue named {name}"), &found, OPERATION)?;
        }
        Ok(Id::new(url))
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let mut read = Vec::with_capacity(ids.len());
        for id in ids {
            let url = id.as_str();
            let all = vec![QueueAttributeName::All];
            let (attributes, tags) = futures::try_join!(attributes(aws, url, all), tags_of(aws, url))?;
            if let (Some(attributes), Some(tags)) = (attributes, tags) {
                read.push(observed(url, &attributes, tags));
            }
        }
        Ok(read)
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        let url = id.as_str();
        let changes = self.changes(old);
        if !changes.is_empty() {
            set_attributes(aws, url, changes.clone()).await?;
            wait::until(aws, "sqs:GetQueueAttributes", PROPAGATION, || async {
                let now = attributes(aws, url, vec![QueueAttributeName::All]).await?.unwrap_or_default();
                let shows = |(name, value): (&QueueAttributeName, &String)| {
                    let now = now.get(name).map_or("", String::as_str);
                    Document::parse(now) == Document::parse(value)
                };
                Ok(if changes.iter().all(shows) { Probe::Ready(()) } else { Probe::Pending("as it was".to_owned()) })
            })
            .await?;
        }
        let (set, removed) = self.tags.changes(&old.tags);
        if !set.is_empty() {
            let call = aws.sqs().tag_queue().queue_url(url).set_tags(Some(set.0.into_iter().collect()));
            call.send().await.during("sqs:TagQueue")?;
        }
        if !removed.is_empty() {
            let call = aws.sqs().untag_queue().queue_url(url).set_tag_keys(Some(removed));
            call.send().await.during("sqs:UntagQueue")?;
        }
        Ok(())
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        aws.sqs().delete_queue().queue_url(id.as_str()).send().await.during("sqs:DeleteQueue")?;
        Ok(())
    }

    async fn tagged(aws: &Aws, tags: &TagSet) -> Result<Vec<Id>> {
        let pages = aws.sqs().list_queues().max_results(1000).into_paginator().items().send();
        let urls: Vec<String> = pages.collect::<std::result::Result<_, _>>().await.during("sqs:ListQueues")?;
        let mut ids = Vec::new();
        for url in urls {
            if tags_of(aws, &url).await?.is_some_and(|found| found.have(tags)) {
                ids.push(Id::new(url));
            }
        }
        Ok(ids)
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        let Some(name) = self.name(op) else { return Ok(None) };
        let answer = found(aws.sqs().get_queue_url().queue_name(name).send().await.during("sqs:GetQueueUrl"))?;
        let Some(url) = answer.and_then(|answer| answer.queue_url) else { return Ok(None) };
        let tags = tags_of(aws, &url).await?;
        Ok(tags.filter(|tags| tags.have(&ownership::of_op(op))).map(|_| Id::new(url)))
    }
}

impl Queue {
    /// The name, one that was made with the end that FIFO queues must have.
    fn name(&self, op: &Op) -> Option<String> {
        Some(fifo::name(self.queue_name.as_deref()?, self.fifo_queue == Some(true), op))
    }

    /// The attributes that are given and can change.
    fn attributes(&self) -> Attributes {
        use QueueAttributeName as Name;
        let number = |value: &Option<i64>| value.map(|value| value.to_string());
        let flag = |value: &Option<bool>| value.map(|value| value.to_string());
        let document = |value: &Option<Document>| value.as_ref().map(Document::text);
        let pairs = [
            (Name::ContentBasedDeduplication, flag(&self.content_based_deduplication)),
            (Name::DeduplicationScope, self.deduplication_scope.clone()),
            (Name::DelaySeconds, number(&self.delay_seconds)),
            (Name::FifoThroughputLimit, self.fifo_throughput_limit.clone()),
            (Name::KmsDataKeyReusePeriodSeconds, number(&self.kms_data_key_reuse_period_seconds)),
            (Name::KmsMasterKeyId, self.kms_master_key_id.clone()),
            (Name::MaximumMessageSize, number(&self.maximum_message_size)),
            (Name::MessageRetentionPeriod, number(&self.message_retention_period)),
            (Name::ReceiveMessageWaitTimeSeconds, number(&self.receive_message_wait_time_seconds)),
            (Name::RedriveAllowPolicy, document(&self.redrive_allow_policy)),
            (Name::RedrivePolicy, document(&self.redrive_policy)),
            (Name::SqsManagedSseEnabled, flag(&self.sqs_managed_sse_enabled)),
            (Name::VisibilityTimeout, number(&self.visibility_timeout)),
        ];
        pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// What must be set to come from `old` to this; what is gone to AWS's default.
    fn changes(&self, old: &Self) -> Attributes {
        let (old_managed, old, new) = (old.sqs_managed_sse_enabled, old.attributes(), self.attributes());
        let gone = old.keys().filter(|name| !new.contains_key(*name));
        let reset = gone.map(|name| (name.clone(), default(name).to_owned()));
        let set = new.iter().filter(|(name, value)| old.get(*name) != Some(*value));
        let mut changes: Attributes = set.map(|(name, value)| (name.clone(), value.clone())).chain(reset).collect();
        let is_decrypted = changes.get(&QueueAttributeName::KmsMasterKeyId).is_some_and(String::is_empty);
        if is_decrypted && self.sqs_managed_sse_enabled == old_managed {
            // Without a key, and with the state that the key left behind, nothing would be encrypted.
            changes.insert(QueueAttributeName::SqsManagedSseEnabled, "true".to_owned());
        }
        changes
    }
}

/// AWS's default of an attribute.
fn default(name: &QueueAttributeName) -> &'static str {
    use QueueAttributeName as Name;
    match name {
        Name::ContentBasedDeduplication => "false",
        Name::DeduplicationScope => "queue",
        Name::DelaySeconds | Name::ReceiveMessageWaitTimeSeconds => "0",
        Name::FifoThroughputLimit => "perQueue",
        Name::KmsDataKeyReusePeriodSeconds => "300",
        Name::MaximumMessageSize => "1048576",
        Name::MessageRetentionPeriod => "345600",
        Name::SqsManagedSseEnabled => "true",
        Name::VisibilityTimeout => "30",
        _ => "",
    }
}

/// The tags of the queue at `url`; nothing where there is no such queue.
async fn tags_of(aws: &Aws, url: &str) -> Result<Option<Tags>> {
    let answer = found(aws.sqs().list_queue_tags().queue_url(url).send().await.during("sqs:ListQueueTags"))?;
    Ok(answer.map(|answer| answer.tags.unwrap_or_default().into_iter().collect()))
}

fn observed(url: &str, attributes: &Attributes, tags: Tags) -> Observed<Queue> {
    use QueueAttributeName as Name;
    let text = |name: Name| attributes.get(&name).filter(|text| !text.is_empty()).cloned();
    let number = |name: Name| text(name).and_then(|text| text.parse().ok());
    let flag = |name: Name| text(name).and_then(|text| text.parse().ok());
    let document = |name: Name| Document::parse_some(text(name).as_deref());
    let is_encrypted = text(Name::KmsMasterKeyId).is_some();
    Observed {
        id: Id::new(url),
        properties: Queue {
            content_based_deduplication: flag(Name::ContentBasedDeduplication),
            deduplication_scope: text(Name::DeduplicationScope),
            delay_seconds: number(Name::DelaySeconds),
            fifo_queue: Some(flag(Name::FifoQueue).unwrap_or(false)),
            fifo_throughput_limit: text(Name::FifoThroughputLimit),
            kms_data_key_reuse_period_seconds: number(Name::KmsDataKeyReusePeriodSeconds).filter(|_| is_encrypted),
            kms_master_key_id: text(Name::KmsMasterKeyId),
            maximum_message_size: number(Name::MaximumMessageSize),
            message_retention_period: number(Name::MessageRetentionPeriod),
            queue_name: url.rsplit('/').next().map(str::to_owned),
            receive_message_wait_time_seconds: number(Name::ReceiveMessageWaitTimeSeconds),
            redrive_allow_policy: document(Name::RedriveAllowPolicy),
            redrive_policy: document(Name::RedrivePolicy).map(|policy| policy.with_number("maxReceiveCount")),
            sqs_managed_sse_enabled: flag(Name::SqsManagedSseEnabled),
            tags,
            visibility_timeout: number(Name::VisibilityTimeout),
        },
        outputs: Outputs { arn: text(Name::QueueArn).unwrap_or_default(), queue_url: url.to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_goes_back_to_its_default() {
        let old = Queue { visibility_timeout: Some(60), delay_seconds: Some(5), ..Queue::default() };
        let new = Queue { delay_seconds: Some(6), ..Queue::default() };
        let expected = [
            (QueueAttributeName::VisibilityTimeout, "30".to_owned()),
            (QueueAttributeName::DelaySeconds, "6".to_owned()),
        ];
        assert_eq!(new.changes(&old), Attributes::from(expected));
        assert_eq!(new.changes(&new), Attributes::new());
    }

    #[test]
    fn a_queue_that_loses_its_key_stays_encrypted() {
        let managed = Some(false);
        let old = Queue { kms_master_key_id: Some("k".into()), sqs_managed_sse_enabled: managed, ..Queue::default() };
        let new = Queue { sqs_managed_sse_enabled: managed, ..Queue::default() };
        let expected = [
            (QueueAttributeName::KmsMasterKeyId, String::new()),
            (QueueAttributeName::SqsManagedSseEnabled, "true".to_owned()),
        ];
        assert_eq!(new.changes(&old), Attributes::from(expected));
    }
}
