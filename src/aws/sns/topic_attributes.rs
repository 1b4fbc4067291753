//! The attributes that a topic's settings are to SNS.

use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::topic::Topic;
use crate::aws::document::Document;

/// Attributes by name.
pub(super) type Attributes = BTreeMap<String, String>;

/// Protocols whose deliveries can be logged, and what the names of their attributes begin with.
const LOGGED: [(&str, &str); 5] = [
    ("application", "Application"),
    ("firehose", "Firehose"),
    ("http/s", "HTTP"),
    ("lambda", "Lambda"),
    ("sqs", "SQS"),
];
const SUCCESS_ROLE: &str = "SuccessFeedbackRoleArn";
const SUCCESS_RATE: &str = "SuccessFeedbackSampleRate";
const FAILURE_ROLE: &str = "FailureFeedbackRoleArn";

/// That deliveries by a protocol are logged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct LoggingConfig {
    /// The role that SNS takes on to log deliveries that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_feedback_role_arn: Option<String>,
    /// The protocol.
    #[schemars(extend("enum" = ["http/s", "sqs", "lambda", "firehose", "application"]))]
    pub protocol: String,
    /// The role that SNS takes on to log deliveries that succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success_feedback_role_arn: Option<String>,
    /// The percentage of deliveries that succeeded which is logged, as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^(100|[1-9]?[0-9])$"))]
    pub success_feedback_sample_rate: Option<String>,
}

impl Topic {
    /// The attributes that are given.
    pub(super) fn attributes(&self) -> Attributes {
        let flag = |value: &Option<bool>| value.map(|value| value.to_string());
        let own = [
            ("ArchivePolicy", self.archive_policy.as_ref().map(Document::text)),
            ("ContentBasedDeduplication", flag(&self.content_based_deduplication)),
            ("DisplayName", self.display_name.clone()),
            ("FifoThroughputScope", self.fifo_throughput_scope.clone()),
            ("KmsMasterKeyId", self.kms_master_key_id.clone()),
            ("MaximumMessageSize", self.maximum_message_size.map(|size| size.to_string())),
            ("SignatureVersion", self.signature_version.clone()),
            ("TracingConfig", self.tracing_config.clone()),
        ];
        let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
        let logged = self.delivery_status_logging.iter().flatten().flat_map(|config| {
            let known = LOGGED.iter().find(|(protocol, _)| *protocol == config.protocol);
            let prefix = known.map_or("", |(_, prefix)| prefix);
            let attributes = [
                (SUCCESS_ROLE, &config.success_feedback_role_arn),
                (SUCCESS_RATE, &config.success_feedback_sample_rate),
                (FAILURE_ROLE, &config.failure_feedback_role_arn),
            ];
            attributes.map(|(name, value)| (format!("{prefix}{name}"), value.clone()))
        });
        own.chain(logged).filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// What must be set to come from `old` to this; what is gone to AWS's default.
    pub(super) fn attribute_changes(&self, old: &Self) -> Attributes {
        let (old, new) = (old.attributes(), self.attributes());
        let gone = old.keys().filter(|name| !new.contains_key(*name));
        let reset = gone.map(|name| (name.clone(), default(name).to_owned()));
        let set = new.iter().filter(|(name, value)| old.get(*name) != Some(*value));
        set.map(|(name, value)| (name.clone(), value.clone())).chain(reset).collect()
    }

    /// The settings that SNS tells as `attributes`.
    pub(super) fn of_attributes(attributes: &HashMap<String, String>) -> Self {
        let some = |name: &str| attributes.get(name).filter(|value| !value.is_empty()).cloned();
        let logging: Vec<_> = LOGGED.iter().filter_map(|logged| logging_of(attributes, logged)).collect();
        Self {
            archive_policy: some("ArchivePolicy").filter(|text| text != "{}").map(|text| Document::parse(&text)),
            content_based_deduplication: some("ContentBasedDeduplication").map(|value| value == "true"),
            delivery_status_logging: (!logging.is_empty()).then_some(logging),
            display_name: attributes.get("DisplayName").cloned(),
            fifo_throughput_scope: some("FifoThroughputScope"),
            fifo_topic: Some(some("FifoTopic").is_some_and(|value| value == "true")),
            kms_master_key_id: some("KmsMasterKeyId"),
            maximum_message_size: some("MaximumMessageSize").and_then(|size| size.parse().ok()),
            signature_version: some("SignatureVersion"),
            topic_name: some("TopicArn").and_then(|arn| arn.rsplit(':').next().map(str::to_owned)),
            tracing_config: some("TracingConfig"),
            ..Self::default()
        }
    }
}

/// How deliveries by a protocol are logged, if they are.
fn logging_of(attributes: &HashMap<String, String>, (protocol, prefix): &(&str, &str)) -> Option<LoggingConfig> {
    let told = |name: &str| attributes.get(&format!("{prefix}{name}")).filter(|value| !value.is_empty()).cloned();
    let (success, failure, rate) = (told(SUCCESS_ROLE), told(FAILURE_ROLE), told(SUCCESS_RATE));
    let is_logged = success.is_some() || failure.is_some() || rate.as_deref().is_some_and(|rate| rate != "0");
    is_logged.then(|| LoggingConfig {
        failure_feedback_role_arn: failure,
        protocol: (*protocol).to_owned(),
        success_feedback_role_arn: success,
        success_feedback_sample_rate: rate,
    })
}

/// AWS's default of an attribute.
fn default(name: &str) -> &'static str {
    match name {
        "ArchivePolicy" => "{}",
        "ContentBasedDeduplication" => "false",
        "FifoThroughputScope" => "Topic",
        "MaximumMessageSize" => "262144",
        "SignatureVersion" => "1",
        "TracingConfig" => "PassThrough",
        name if name.ends_with(SUCCESS_RATE) => "0",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_goes_back_to_its_default() {
        let logging = LoggingConfig {
            failure_feedback_role_arn: None,
            protocol: "http/s".to_owned(),
            success_feedback_role_arn: Some("role".to_owned()),
            success_feedback_sample_rate: Some("50".to_owned()),
        };
        let old = Topic {
            delivery_status_logging: Some(vec![logging]),
            display_name: Some("x".to_owned()),
            signature_version: Some("2".to_owned()),
            ..Topic::default()
        };
        let new = Topic { display_name: Some("y".to_owned()), ..Topic::default() };
        let expected = [
            ("DisplayName", "y"),
            ("HTTPSuccessFeedbackRoleArn", ""),
            ("HTTPSuccessFeedbackSampleRate", "0"),
            ("SignatureVersion", "1"),
        ];
        let expected: Attributes = expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(new.attribute_changes(&old), expected);
        assert!(new.attribute_changes(&new).is_empty());
    }

    #[test]
    fn a_protocol_whose_logging_was_reset_is_not_logged() {
        let reset = [("SQSSuccessFeedbackRoleArn", ""), ("SQSSuccessFeedbackSampleRate", "0")];
        let reset = reset.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        assert_eq!(Topic::of_attributes(&reset).delivery_status_logging, None);
    }
}
