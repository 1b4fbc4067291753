//! `AWS::SES::ConfigurationSetEventDestination`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_sesv2::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::error::{During, built, found};
use crate::aws::mirror::{Mirror, Word, mirror};
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::wait::{self, Probe};
use crate::catalog::{GeneratedName, Permissions};
use crate::cloud::Op;
use crate::value::Value;

/// The name that is made where the stack gives none.
const NAME: GeneratedName = GeneratedName { property: "EventDestination.Name", max_length: 64, lower_case: false };
/// How long another change of the same configuration set is waited for.
const OTHER_CHANGE: Duration = Duration::from_secs(60);

mirror! {
    /// Metrics of CloudWatch.
    pub struct CloudWatchDestination = sdk::CloudWatchDestination, fallible {
        /// The dimensions by which messages are counted.
        #[schemars(extend("uniqueItems" = true))]
        dimension_configurations(set_dimension_configurations): Option<Vec<DimensionConfiguration>>,
    }

    /// A dimension by which messages are counted.
    pub struct DimensionConfiguration = sdk::CloudWatchDimensionConfiguration, fallible {
        /// Its value where a message gives none.
        #[schemars(length(min = 1, max = 256), regex(pattern = r"^[a-zA-Z0-9_-]{1,256}$"))]
        default_dimension_value(set_default_dimension_value): String,
        /// Its name.
        #[schemars(length(min = 1, max = 256), regex(pattern = r"^[a-zA-Z0-9_:-]{1,256}$"))]
        dimension_name(set_dimension_name): String,
        /// Where a message gives its value.
        #[schemars(extend("enum" = [
            "EMAIL_HEADER", "LINK_TAG", "MESSAGE_TAG", "emailHeader", "linkTag", "messageTag"
        ]))]
        dimension_value_source(set_dimension_value_source): Word<sdk::DimensionValueSource>,
    }

    /// An event bus of EventBridge.
    pub struct EventBridgeDestination = sdk::EventBridgeDestination, fallible {
        /// The account's default event bus.
        #[schemars(
            length(min = 36, max = 1024),
            regex(pattern = r"^arn:aws[a-z0-9-]*:events:[a-z0-9-]+:\d{12}:event-bus/[^:]+$")
        )]
        event_bus_arn(set_event_bus_arn): String,
    }

    /// A stream of Data Firehose.
    pub struct KinesisFirehoseDestination = sdk::KinesisFirehoseDestination, fallible {
        /// The stream.
        #[serde(rename = "DeliveryStreamARN")]
        delivery_stream_arn(set_delivery_stream_arn): String,
        /// The role that SES takes on to write to it.
        #[serde(rename = "IAMRoleARN")]
        iam_role_arn(set_iam_role_arn): String,
    }

    /// A topic of SNS.
    pub struct SnsDestination = sdk::SnsDestination, fallible {
        /// The topic, whose policy must let SES publish to it.
        #[serde(rename = "TopicARN")]
        #[schemars(
            length(min = 36, max = 1024),
            regex(pattern = r"^arn:aws[a-z0-9-]*:sns:[a-z0-9-]+:\d{12}:[^:]+$")
        )]
        topic_arn(set_topic_arn): String,
    }
}

/// Which events are told, and where; to exactly one destination.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct EventDestination {
    /// Metrics of CloudWatch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_watch_destination: Option<CloudWatchDestination>,
    /// Whether events are told. AWS's default is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// An event bus of EventBridge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_bridge_destination: Option<EventBridgeDestination>,
    /// A stream of Data Firehose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kinesis_firehose_destination: Option<KinesisFirehoseDestination>,
    /// The kinds of events.
    #[schemars(length(min = 1), extend("items" = { "type": "string", "enum": [
        "send", "reject", "bounce", "complaint", "delivery", "open", "click", "renderingFailure", "deliveryDelay",
        "subscription", "SEND", "REJECT", "BOUNCE", "COMPLAINT", "DELIVERY", "OPEN", "CLICK", "RENDERING_FAILURE",
        "DELIVERY_DELAY", "SUBSCRIPTION"
    ] }))]
    pub matching_event_types: BTreeSet<String>,
    /// Its name; made from the stack's and the resource's where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[a-zA-Z0-9_-]{0,64}$"))]
    pub name: Option<String>,
    /// A topic of SNS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sns_destination: Option<SnsDestination>,
}

/// Where is told what becomes of messages that are sent with a configuration set.
///
/// One read takes all of a configuration set.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ConfigurationSetEventDestination {
    /// The configuration set.
    pub configuration_set_name: String,
    /// Which events are told, and where.
    pub event_destination: EventDestination,
}

/// What AWS tells of an event destination.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// Its name.
    pub id: String,
}

impl Resource for ConfigurationSetEventDestination {
    const TYPE: &'static str = "AWS::SES::ConfigurationSetEventDestination";
    const CREATE_ONLY: &'static [&'static str] = &["ConfigurationSetName", "EventDestination.Name"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["ConfigurationSetName", "EventDestination.Name"]];
    const PERMISSIONS: Permissions = Permissions {
        create: &[
            "ses:CreateConfigurationSetEventDestination",
            "ses:GetConfigurationSetEventDestinations",
            "iam:PassRole",
        ],
        read: &["ses:GetConfigurationSetEventDestinations"],
        update: &["ses:UpdateConfigurationSetEventDestination", "iam:PassRole"],
        delete: &["ses:DeleteConfigurationSetEventDestination"],
    };
    const READ_BATCH: usize = 100;
    type Outputs = Outputs;

    fn normalize(properties: &mut Value) {
        let Some(destination) = entry(properties, "EventDestination") else { return };
        if let Some(Value::List(types)) = entry(destination, "MatchingEventTypes") {
            types.iter_mut().for_each(upper_case);
        }
        let dimensions = entry(destination, "CloudWatchDestination")
            .and_then(|destination| entry(destination, "DimensionConfigurations"));
        if let Some(Value::List(dimensions)) = dimensions {
            dimensions.iter_mut().filter_map(|one| entry(one, "DimensionValueSource")).for_each(upper_case);
        }
    }

    async fn create(&self, aws: &Aws, op: &Op) -> Result<Id> {
        const OPERATION: &str = "ses:CreateConfigurationSetEventDestination";
        let name = self.name(op);
        let call = aws
            .ses()
            .create_configuration_set_event_destination()
            .configuration_set_name(&self.configuration_set_name)
            .event_destination_name(&name)
            .event_destination(self.definition(OPERATION)?);
        alone(aws, OPERATION, || async { call.clone().send().await.during(OPERATION) }).await?;
        Ok(self.id(&name))
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let mut by_set: BTreeMap<&str, Vec<&Id>> = BTreeMap::new();
        for id in ids {
            let [_, set] = id.parts();
            by_set.entry(set).or_default().push(id);
        }
        let mut read = Vec::with_capacity(ids.len());
        for (set, ids) in by_set {
            let told = destinations(aws, set).await?;
            let told = told.into_iter().map(|destination| observed(set, destination));
            read.extend(told.filter(|observed| ids.contains(&&observed.id)));
        }
        Ok(read)
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        const OPERATION: &str = "ses:UpdateConfigurationSetEventDestination";
        if self.event_destination == old.event_destination {
            return Ok(());
        }
        let [name, set] = id.parts();
        let call = aws
            .ses()
            .update_configuration_set_event_destination()
            .configuration_set_name(set)
            .event_destination_name(name)
            .event_destination(self.definition(OPERATION)?);
        alone(aws, OPERATION, || async { call.clone().send().await.during(OPERATION) }).await?;
        Ok(())
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        const OPERATION: &str = "ses:DeleteConfigurationSetEventDestination";
        let [name, set] = id.parts();
        let call = aws.ses().delete_configuration_set_event_destination();
        let call = call.configuration_set_name(set).event_destination_name(name);
        alone(aws, OPERATION, || async { call.clone().send().await.during(OPERATION) }).await?;
        Ok(())
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        let name = self.name(op);
        let all = destinations(aws, &self.configuration_set_name).await?;
        Ok(all.iter().any(|one| one.name() == name).then(|| self.id(&name)))
    }
}

impl ConfigurationSetEventDestination {
    fn name(&self, op: &Op) -> String {
        let given = self.event_destination.name.clone().filter(|name| !name.is_empty());
        given.unwrap_or_else(|| NAME.make(&op.stack, &op.environment, op.address.logical_name(), &op.id))
    }

    fn id(&self, name: &str) -> Id {
        Id::compound(&[name, &self.configuration_set_name])
    }

    fn definition(&self, operation: &str) -> Result<sdk::EventDestinationDefinition> {
        let destination = &self.event_destination;
        let types = destination.matching_event_types.iter().map(|kind| kind.as_str().into()).collect();
        let definition = sdk::EventDestinationDefinition::builder()
            .enabled(destination.enabled.unwrap_or(false))
            .set_matching_event_types(Some(types))
            .set_cloud_watch_destination(built(destination.cloud_watch_destination.sdk(), operation)?)
            .set_event_bridge_destination(built(destination.event_bridge_destination.sdk(), operation)?)
            .set_kinesis_firehose_destination(built(destination.kinesis_firehose_destination.sdk(), operation)?)
            .set_sns_destination(built(destination.sns_destination.sdk(), operation)?);
        Ok(definition.build())
    }
}

/// Repeats a change of a configuration set as long as SES refuses it because another is under way.
async fn alone<T, F, Fut>(aws: &Aws, operation: &str, call: F) -> Result<T>
where
    F: Fn() -> Fut + Send + Sync,
    Fut: Future<Output = Result<T>> + Send,
    T: Send,
{
    wait::until(aws, operation, OTHER_CHANGE, || async {
        match call().await {
            Err(error) if error.code == "ConcurrentModificationException" => {
                Ok(Probe::Pending("held up by another change of the configuration set".to_owned()))
            }
            outcome => outcome.map(Probe::Ready),
        }
    })
    .await
}

async fn destinations(aws: &Aws, set: &str) -> Result<Vec<sdk::EventDestination>> {
    let call = aws.ses().get_configuration_set_event_destinations().configuration_set_name(set);
    let answer = found(call.send().await.during("ses:GetConfigurationSetEventDestinations"))?;
    Ok(answer.and_then(|answer| answer.event_destinations).unwrap_or_default())
}

fn observed(set: &str, told: sdk::EventDestination) -> Observed<ConfigurationSetEventDestination> {
    let id = Id::compound(&[&told.name, set]);
    let outputs = Outputs { id: told.name.clone() };
    let event_destination = EventDestination {
        cloud_watch_destination: Mirror::of(told.cloud_watch_destination),
        enabled: Some(told.enabled),
        event_bridge_destination: Mirror::of(told.event_bridge_destination),
        kinesis_firehose_destination: Mirror::of(told.kinesis_firehose_destination),
        matching_event_types: told.matching_event_types.iter().map(ToString::to_string).collect(),
        name: Some(told.name),
        sns_destination: Mirror::of(told.sns_destination),
    };
    let configuration_set_name = set.to_owned();
    Observed { id, properties: ConfigurationSetEventDestination { configuration_set_name, event_destination }, outputs }
}

fn entry<'v>(value: &'v mut Value, key: &str) -> Option<&'v mut Value> {
    match value {
        Value::Map(map) => map.get_mut(key),
        _ => None,
    }
}

/// Writes `renderingFailure`, as version 1 of the API does, as `RENDERING_FAILURE`, as version 2 does.
fn upper_case(word: &mut Value) {
    let Value::String(text) = word else { return };
    let mut upper = String::with_capacity(text.len() + 2);
    let mut after_lower = false;
    for letter in text.chars() {
        if letter.is_ascii_uppercase() && after_lower {
            upper.push('_');
        }
        after_lower = letter.is_ascii_lowercase();
        upper.push(letter.to_ascii_uppercase());
    }
    *text = upper;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_ways_to_write_events_and_sources_are_the_same() {
        let mut given = Value::from(json!({"EventDestination": {
            "MatchingEventTypes": ["send", "renderingFailure", "DELIVERY_DELAY"],
            "CloudWatchDestination": {"DimensionConfigurations": [{"DimensionValueSource": "messageTag"}]},
        }}));
        ConfigurationSetEventDestination::normalize(&mut given);
        let wanted = json!({"EventDestination": {
            "MatchingEventTypes": ["SEND", "RENDERING_FAILURE", "DELIVERY_DELAY"],
            "CloudWatchDestination": {"DimensionConfigurations": [{"DimensionValueSource": "MESSAGE_TAG"}]},
        }});
        assert_eq!(given, Value::from(wanted));
    }
}
