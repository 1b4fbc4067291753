//! `AWS::SNS::Topic`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::topic_attributes::LoggingConfig;
use super::{
    arn_of, retag, set_topic_attribute, subscriptions_of, tag_list, tags_of, topic_attributes_of, unsubscribe,
};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::document::Document;
use crate::aws::error::{During, found};
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{self as ownership, TagSet, Tags};
use crate::aws::{arn, fifo};
use crate::catalog::{GeneratedName, Permissions, Tagging};
use crate::cloud::{CloudError, ErrorKind, Op};

/// Characters of a topic's name.
const MAX_NAME: usize = 256;
/// The tag of a topic whose data protection policy is ours, so that no other is asked for one: AWS no longer offers them
/// to new accounts.
const PROTECTED: &str = "infra:data-protection";
/// The tag of a topic with subscriptions of its own, so that those of no other are listed: there may be millions.
const SUBSCRIBED: &str = "infra:subscriptions";

/// A subscription that a topic brings along.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TopicSubscription {
    /// Where messages go: an ARN, URL, e-mail address or telephone number.
    pub endpoint: String,
    /// How messages are delivered.
    #[schemars(extend("enum" = [
        "application", "email", "email-json", "firehose", "http", "https", "lambda", "sms", "sqs"
    ]))]
    pub protocol: String,
}

/// A topic: what is published to it goes to all its subscriptions.
///
/// The API reads attributes and tags of topics one by one.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Topic {
    /// How long messages are kept to be delivered again: `MessageRetentionPeriod`, in days as text; FIFO topics only. AWS
    /// does not delete a topic that has one: take it away first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive_policy: Option<Document>,
    /// Whether messages with the same content are taken for the same; FIFO topics only. AWS's default is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_based_deduplication: Option<bool>,
    /// What sensitive data in messages is found, and what is done with it; not for FIFO topics. AWS no longer offers it to
    /// new accounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_protection_policy: Option<Document>,
    /// Which deliveries are logged, by protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("uniqueItems" = true))]
    pub delivery_status_logging: Option<Vec<LoggingConfig>>,
    /// The name that messages by SMS and e-mail come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100))]
    pub display_name: Option<String>,
    /// What the limit of throughput and deduplication are for; FIFO topics only. AWS's default is `Topic`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["Topic", "MessageGroup"]))]
    pub fifo_throughput_scope: Option<String>,
    /// Whether messages keep their order and come once. The name of such a topic ends with `.fifo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fifo_topic: Option<bool>,
    /// The KMS key that messages are encrypted with, by id, ARN or alias. AWS does not encrypt them where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_master_key_id: Option<String>,
    /// The most bytes of a message. AWS's default is 262144.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1024, max = 1_048_576))]
    pub maximum_message_size: Option<i64>,
    /// How messages are signed: `1` with SHA1, `2` with SHA256. AWS's default is `1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["1", "2"]))]
    pub signature_version: Option<String>,
    /// Subscriptions that the topic brings along, one for an endpoint; others are left as they are. An
    /// `AWS::SNS::Subscription` can say more of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("uniqueItems" = true, "x-key" = "Endpoint"))]
    pub subscription: Option<Vec<TopicSubscription>>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// The topic's name; made from the stack's and the resource's where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256), regex(pattern = r"^[a-zA-Z0-9_-]+(\.fifo)?$"))]
    pub topic_name: Option<String>,
    /// Whether traces of X-Ray are passed on or added to; not for FIFO topics. AWS's default is `PassThrough`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["PassThrough", "Active"]))]
    pub tracing_config: Option<String>,
}

/// What AWS tells of a topic.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// Its ARN.
    pub topic_arn: String,
}

impl Resource for Topic {
    const TYPE: &'static str = "AWS::SNS::Topic";
    const CREATE_ONLY: &'static [&'static str] = &["FifoTopic", "TopicName"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["TopicName"]];
    const GENERATED_NAME: Option<GeneratedName> =
        Some(GeneratedName { property: "TopicName", max_length: MAX_NAME - fifo::END.len(), lower_case: false });
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &[
            "sns:CreateTopic",
            "sns:TagResource",
            "sns:PutDataProtectionPolicy",
            "sns:Subscribe",
            "sns:ListSubscriptionsByTopic",
            "sns:ListTagsForResource",
            "iam:PassRole",
        ],
        read: &[
            "sns:GetTopicAttributes",
            "sns:ListTagsForResource",
            "sns:GetDataProtectionPolicy",
            "sns:ListSubscriptionsByTopic",
        ],
        update: &[
            "sns:SetTopicAttributes",
            "sns:PutDataProtectionPolicy",
            "sns:ListSubscriptionsByTopic",
            "sns:Subscribe",
            "sns:Unsubscribe",
            "sns:TagResource",
            "sns:UntagResource",
            "iam:PassRole",
        ],
        delete: &["sns:DeleteTopic"],
    };
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, op: &Op) -> Result<Id> {
        const OPERATION: &str = "sns:CreateTopic";
        let mut attributes = self.attributes();
        if self.fifo_topic == Some(true) {
            attributes.insert("FifoTopic".to_owned(), "true".to_owned());
        }
        let call = aws
            .sns()
            .create_topic()
            .name(self.name(op).unwrap_or_default())
            .set_attributes(Some(attributes.into_iter().collect()))
            .set_tags(Some(tag_list(&self.kept_tags())?))
            .set_data_protection_policy(self.data_protection_policy.as_ref().map(Document::text));
        match call.send().await.during(OPERATION) {
            Ok(answer) => Ok(Id::new(answer.topic_arn.unwrap_or_default())),
            // It answers with the topic of that name that was there before only if it has the same tags.
            Err(error) if error.message.contains("already exists") => {
                Err(CloudError { kind: ErrorKind::Conflict, ..error })
            }
            Err(error) => Err(error),
        }
    }

    async fn settle(&self, aws: &Aws, _op: &Op, id: &Id) -> Result<()> {
        self.subscribe(aws, id, &[]).await
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let mut read = Vec::with_capacity(ids.len());
        for id in ids {
            let arn = id.as_str();
            let (attributes, tags) = futures::try_join!(topic_attributes_of(aws, arn), tags_of(aws, arn))?;
            let (Some(attributes), Some(tags)) = (attributes, tags) else { continue };
            let mut properties = Self::of_attributes(&attributes);
            if tags.0.contains_key(PROTECTED) {
                properties.data_protection_policy = data_protection_policy(aws, arn).await?;
            }
            if tags.0.contains_key(SUBSCRIBED) {
                properties.subscription = Some(told_subscriptions(aws, arn).await?);
            }
            properties.tags = tags;
            read.push(Observed { id: id.clone(), properties, outputs: Outputs { topic_arn: arn.to_owned() } });
        }
        Ok(read)
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        let arn = id.as_str();
        for (name, value) in self.attribute_changes(old) {
            set_topic_attribute(aws, arn, &name, &value).await?;
        }
        if self.data_protection_policy != old.data_protection_policy {
            let policy = self.data_protection_policy.as_ref().map(Document::text).unwrap_or_default();
            let call = aws.sns().put_data_protection_policy().resource_arn(arn).data_protection_policy(policy);
            call.send().await.during("sns:PutDataProtectionPolicy")?;
        }
        if self.subscription != old.subscription {
            self.subscribe(aws, id, old.subscription.as_deref().unwrap_or_default()).await?;
        }
        retag(aws, arn, self.kept_tags().changes(&old.kept_tags())).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        match aws.sns().delete_topic().topic_arn(id.as_str()).send().await.during("sns:DeleteTopic") {
            Err(error) if error.code.contains("InvalidState") => {
                let message = format!("{}; take away its ArchivePolicy and apply to let it be deleted", error.message);
                Err(CloudError { kind: ErrorKind::Invalid, message, ..error })
            }
            outcome => outcome.map(|_| ()),
        }
    }

    async fn tagged(aws: &Aws, tags: &TagSet) -> Result<Vec<Id>> {
        let pages = aws.sns().list_topics().into_paginator().items().send();
        let all = pages.collect::<std::result::Result<Vec<_>, _>>().await.during("sns:ListTopics")?;
        let mut ids = Vec::new();
        for arn in all.into_iter().filter_map(|topic| topic.topic_arn) {
            if tags_of(aws, &arn).await?.is_some_and(|found| found.have(tags)) {
                ids.push(Id::new(arn));
            }
        }
        Ok(ids)
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        let Some(name) = self.name(op) else { return Ok(None) };
        let arn = arn::of(aws, "sns", &name).await?;
        let tags = tags_of(aws, &arn).await?;
        Ok(tags.filter(|tags| tags.have(&ownership::of_op(op))).map(|_| Id::new(arn)))
    }
}

impl Topic {
    /// The name, one that was made with the end that FIFO topics must have.
    fn name(&self, op: &Op) -> Option<String> {
        Some(fifo::name(self.topic_name.as_deref()?, self.fifo_topic == Some(true), op))
    }

    /// The tags, with those that tell what must be asked for to read the topic.
    fn kept_tags(&self) -> Tags {
        let mut tags = self.tags.clone();
        let subscribed = self.subscription.as_ref().is_some_and(|list| !list.is_empty());
        for (key, is_kept) in [(PROTECTED, self.data_protection_policy.is_some()), (SUBSCRIBED, subscribed)] {
            if is_kept {
                tags.0.insert(key.to_owned(), "true".to_owned());
            }
        }
        tags
    }

    /// Subscribes what is not subscribed yet, and unsubscribes what was in `old` and no longer is.
    async fn subscribe(&self, aws: &Aws, id: &Id, old: &[TopicSubscription]) -> Result<()> {
        let wanted = self.subscription.as_deref().unwrap_or_default();
        if wanted.is_empty() && old.is_empty() {
            return Ok(());
        }
        let there = subscriptions_of(aws, id.as_str()).await?;
        let is = |one: &TopicSubscription, other: &aws_sdk_sns::types::Subscription| {
            other.endpoint() == Some(one.endpoint.as_str()) && other.protocol() == Some(one.protocol.as_str())
        };
        for one in wanted.iter().filter(|one| !there.iter().any(|other| is(one, other))) {
            let call = aws.sns().subscribe().topic_arn(id.as_str()).protocol(&one.protocol).endpoint(&one.endpoint);
            call.return_subscription_arn(true).send().await.during("sns:Subscribe")?;
        }
        for gone in old.iter().filter(|gone| !wanted.contains(gone)) {
            if let Some(arn) = there.iter().find(|other| is(gone, other)).and_then(arn_of) {
                unsubscribe(aws, arn).await?;
            }
        }
        Ok(())
    }
}

/// The subscriptions, one for each endpoint.
async fn told_subscriptions(aws: &Aws, arn: &str) -> Result<Vec<TopicSubscription>> {
    let mut told: Vec<TopicSubscription> = Vec::new();
    for subscription in subscriptions_of(aws, arn).await? {
        let (Some(endpoint), Some(protocol)) = (subscription.endpoint, subscription.protocol) else { continue };
        if !told.iter().any(|other| other.endpoint == endpoint) {
            told.push(TopicSubscription { endpoint, protocol });
        }
    }
    Ok(told)
}

async fn data_protection_policy(aws: &Aws, arn: &str) -> Result<Option<Document>> {
    let call = aws.sns().get_data_protection_policy().resource_arn(arn);
    let answer = found(call.send().await.during("sns:GetDataProtectionPolicy"))?;
    Ok(answer.and_then(|answer| Document::parse_some(answer.data_protection_policy())))
}
