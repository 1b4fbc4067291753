//! `AWS::SNS::Subscription`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{arn_of, subscriptions_of, unsubscribe};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::document::Document;
use crate::aws::error::{During, found};
use crate::aws::resource::{Observed, Resource, Result};
use crate::catalog::Permissions;
use crate::cloud::{CloudError, ErrorKind, Op};
use crate::value::Value;

/// A subscription to a topic.
///
/// One to `email`, `email-json`, or to an `http` or `https` endpoint that does not confirm by itself, is pending until
/// somebody confirms it. AWS has no way to delete it while it is: it is left, and goes with its topic or after two days.
/// Nothing is awaited. SNS hides a password in an endpoint's URL, so an endpoint can't have one here. The API reads
/// subscriptions one by one.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Subscription {
    /// How deliveries are tried again; `http` and `https` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_policy: Option<Document>,
    /// Where messages go: an ARN, URL, e-mail address or telephone number.
    pub endpoint: String,
    /// Which messages are delivered. AWS delivers all where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter_policy: Option<Document>,
    /// What the filter policy looks at. AWS's default is `MessageAttributes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["MessageAttributes", "MessageBody"]))]
    pub filter_policy_scope: Option<String>,
    /// How messages are delivered.
    #[schemars(extend("enum" = [
        "application", "email", "email-json", "firehose", "http", "https", "lambda", "sms", "sqs"
    ]))]
    pub protocol: String,
    /// Whether messages are delivered without SNS's JSON around them. AWS's default is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_message_delivery: Option<bool>,
    /// Where messages go that can't be delivered: `deadLetterTargetArn`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redrive_policy: Option<Document>,
    /// Which of the topic's archived messages are delivered again; FIFO topics only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay_policy: Option<Document>,
    /// The role that SNS takes on to write to Data Firehose; required for `firehose`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscription_role_arn: Option<String>,
    /// The topic.
    pub topic_arn: String,
}

/// What AWS tells of a subscription.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// Its ARN.
    pub arn: String,
}

impl Resource for Subscription {
    const TYPE: &'static str = "AWS::SNS::Subscription";
    const CREATE_ONLY: &'static [&'static str] = &["Endpoint", "Protocol", "TopicArn"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["Endpoint", "Protocol", "TopicArn"]];
    const PERMISSIONS: Permissions = Permissions {
        create: &["sns:Subscribe", "sns:ListSubscriptionsByTopic", "iam:PassRole"],
        read: &["sns:GetSubscriptionAttributes"],
        update: &["sns:SetSubscriptionAttributes", "iam:PassRole"],
        delete: &["sns:Unsubscribe"],
    };
    type Outputs = Outputs;

    fn normalize(properties: &mut Value) {
        if let Value::Map(map) = properties
            && let Some(policy) = map.get_mut("DeliveryPolicy")
        {
            *policy = without_defaults(std::mem::take(policy));
        }
    }

    /// SNS answers with the subscription of this endpoint that is there already, so it does no harm to ask again.
    async fn create(&self, aws: &Aws, _op: &Op) -> Result<Id> {
        const OPERATION: &str = "sns:Subscribe";
        let call = aws
            .sns()
            .subscribe()
            .topic_arn(&self.topic_arn)
            .protocol(&self.protocol)
            .endpoint(&self.endpoint)
            .set_attributes(Some(self.attributes().into_iter().map(|(key, value)| (key.to_owned(), value)).collect()))
            .return_subscription_arn(true);
        let answer = call.send().await.during(OPERATION)?;
        answer.subscription_arn.filter(|arn| arn.starts_with("arn:")).map(Id::new).ok_or_else(|| {
            CloudError::new(ErrorKind::Other, OPERATION, "the answer holds no ARN, though one was asked for")
        })
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let mut read = Vec::with_capacity(ids.len());
        for id in ids {
            let call = aws.sns().get_subscription_attributes().subscription_arn(id.as_str());
            if let Some(answer) = found(call.send().await.during("sns:GetSubscriptionAttributes"))? {
                let attributes = answer.attributes.unwrap_or_default().into_iter().collect();
                read.push(observed(id, &attributes));
            }
        }
        Ok(read)
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        for (name, value) in self.changes(old) {
            let call = aws.sns().set_subscription_attributes().subscription_arn(id.as_str());
            let call = call.attribute_name(name).set_attribute_value(value);
            call.send().await.during("sns:SetSubscriptionAttributes")?;
        }
        Ok(())
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        unsubscribe(aws, id.as_str()).await
    }

    /// One that is pending is not found, because its topic's list leaves out its ARN: it is subscribed again, which
    /// tells it.
    async fn find(&self, aws: &Aws, _op: &Op) -> Result<Option<Id>> {
        let all = subscriptions_of(aws, &self.topic_arn).await?;
        let same = all.iter().find(|subscription| {
            subscription.protocol() == Some(self.protocol.as_str())
                && subscription.endpoint() == Some(self.endpoint.as_str())
        });
        Ok(same.and_then(arn_of).map(Id::new))
    }
}

impl Subscription {
    /// The attributes that are given.
    fn attributes(&self) -> BTreeMap<&'static str, String> {
        let document = |value: &Option<Document>| value.as_ref().map(Document::text);
        let pairs = [
            ("DeliveryPolicy", document(&self.delivery_policy)),
            ("FilterPolicy", document(&self.filter_policy)),
            ("FilterPolicyScope", self.filter_policy_scope.clone()),
            ("RawMessageDelivery", self.raw_message_delivery.map(|raw| raw.to_string())),
            ("RedrivePolicy", document(&self.redrive_policy)),
            ("ReplayPolicy", document(&self.replay_policy)),
            ("SubscriptionRoleArn", self.subscription_role_arn.clone()),
        ];
        pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// What must be set, in this order, to come from `old` to this; what is gone to AWS's default.
    fn changes(&self, old: &Self) -> Vec<(&'static str, Option<String>)> {
        let (old, new) = (old.attributes(), self.attributes());
        let gone = old.keys().filter(|name| !new.contains_key(*name));
        let reset = gone.map(|name| (*name, default(name).map(str::to_owned)));
        let set = new.iter().filter(|(name, value)| old.get(*name) != Some(*value));
        let mut changes: Vec<_> = set.map(|(name, value)| (*name, Some(value.clone()))).chain(reset).collect();
        // Only the scope `MessageBody` takes nested policies, so it comes before one and goes after it.
        let widens = self.filter_policy_scope.as_deref() == Some("MessageBody");
        changes.sort_by_key(|(name, _)| (*name == "FilterPolicyScope") != widens);
        changes
    }
}

/// What sets an attribute back to AWS's default; nothing where SNS wants it left empty.
fn default(name: &str) -> Option<&'static str> {
    match name {
        "FilterPolicy" => Some("{}"),
        "FilterPolicyScope" => Some("MessageAttributes"),
        "RawMessageDelivery" => Some("false"),
        "RedrivePolicy" | "ReplayPolicy" => None,
        _ => Some(""),
    }
}

/// A delivery policy without what SNS adds to it when it tells it.
fn without_defaults(policy: Value) -> Value {
    match policy {
        Value::String(text) => match serde_json::from_str::<serde_json::Value>(&text) {
            Ok(json @ serde_json::Value::Object(_)) => without_defaults(Value::from(json)),
            _ => Value::String(text),
        },
        Value::Map(map) => {
            let map = map.into_iter().filter(|(key, value)| match key.as_str() {
                "numNoDelayRetries" | "numMinDelayRetries" | "numMaxDelayRetries" => *value != Value::Int(0),
                "backoffFunction" => value.as_str() != Some("linear"),
                "guaranteed" => *value != Value::Bool(false),
                _ => *value != Value::Null,
            });
            map.map(|(key, value)| (key, without_defaults(value))).collect()
        }
        other => other,
    }
}

fn observed(id: &Id, attributes: &BTreeMap<String, String>) -> Observed<Subscription> {
    let text = |name: &str| attributes.get(name).filter(|value| !value.is_empty()).cloned();
    let document = |name: &str| text(name).filter(|text| text != "{}").map(|text| Document::parse(&text));
    let delivery_policy = document("DeliveryPolicy").map(|policy| {
        let policy = without_defaults(Value::String(policy.text()));
        Document::parse(&policy.reveal().to_string())
    });
    Observed {
        id: id.clone(),
        properties: Subscription {
            delivery_policy,
            endpoint: text("Endpoint").unwrap_or_default(),
            filter_policy: document("FilterPolicy"),
            filter_policy_scope: text("FilterPolicyScope"),
            protocol: text("Protocol").unwrap_or_default(),
            raw_message_delivery: text("RawMessageDelivery").map(|raw| raw == "true"),
            redrive_policy: document("RedrivePolicy"),
            replay_policy: document("ReplayPolicy"),
            subscription_role_arn: text("SubscriptionRoleArn"),
            topic_arn: text("TopicArn").unwrap_or_default(),
        },
        outputs: Outputs { arn: id.as_str().to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_scope_of_a_filter_changes_before_a_policy_that_needs_it_and_after_one_that_needed_it() {
        let plain = Subscription { filter_policy: Some(Document::parse(r#"{"a": ["x"]}"#)), ..Subscription::default() };
        let nested = Subscription {
            filter_policy: Some(Document::parse(r#"{"a": {"b": ["x"]}}"#)),
            filter_policy_scope: Some("MessageBody".to_owned()),
            ..Subscription::default()
        };
        let names = |changes: Vec<(&'static str, Option<String>)>| changes.into_iter().map(|(name, _)| name).collect();
        let (there, back): (Vec<_>, Vec<_>) = (names(nested.changes(&plain)), names(plain.changes(&nested)));
        assert_eq!(there, ["FilterPolicyScope", "FilterPolicy"]);
        assert_eq!(back, ["FilterPolicy", "FilterPolicyScope"]);
        assert!(plain.changes(&plain).is_empty());
    }

    #[test]
    fn what_sns_adds_to_a_delivery_policy_is_no_difference() {
        let given = json!({"healthyRetryPolicy": {"minDelayTarget": 5, "maxDelayTarget": 20, "numRetries": 0}});
        let told = json!({
            "healthyRetryPolicy": {
                "minDelayTarget": 5, "maxDelayTarget": 20, "numRetries": 0, "numMaxDelayRetries": 0,
                "numNoDelayRetries": 0, "numMinDelayRetries": 0, "backoffFunction": "linear",
            },
            "sicklyRetryPolicy": null, "throttlePolicy": null, "guaranteed": false,
        });
        let told = Value::String(told.to_string());
        assert_eq!(without_defaults(told), without_defaults(Value::from(given)));
    }
}
