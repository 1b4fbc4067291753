//! `AWS::CloudWatch::CompositeAlarm`.

use std::collections::BTreeSet;

use aws_sdk_cloudwatch::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::alarm::Outputs;
use super::alarm_parts::ActionConfiguration;
use super::{
    DESCRIBE_BATCH, arn_of, delete_alarm, describe, each, find_alarm, is_free, retag, some, tag_list, tags_of,
};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::error::{During, built};
use crate::aws::mirror::Mirror;
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::Tags;
use crate::catalog::{GeneratedName, Permissions, Tagging};
use crate::cloud::{CloudError, ErrorKind, Op};

const OPERATION: &str = "cloudwatch:PutCompositeAlarm";

/// An alarm over the states of other alarms.
///
/// An alarm of the same name that is not the stack's is never overwritten. One read describes 100 alarms, and their tags one by
/// one.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CompositeAlarm {
    /// What notifications say beside the alarm's state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_configuration: Option<ActionConfiguration>,
    /// Whether actions are taken. AWS's default is true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actions_enabled: Option<bool>,
    /// An alarm, by name or ARN, while which is raised no actions are taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1600))]
    pub actions_suppressor: Option<String>,
    /// Seconds for which no actions are taken after the suppressor is over; required with `ActionsSuppressor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub actions_suppressor_extension_period: Option<i32>,
    /// Seconds that the suppressor is waited for before actions are taken; required with `ActionsSuppressor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub actions_suppressor_wait_period: Option<i32>,
    /// ARNs of what is done when the alarm is raised, 5 at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 5), inner(length(min = 1, max = 1024)))]
    pub alarm_actions: Option<BTreeSet<String>>,
    /// What the alarm is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub alarm_description: Option<String>,
    /// The alarm's name; made from the stack's and the resource's where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub alarm_name: Option<String>,
    /// When the alarm is raised: `ALARM("name") AND NOT OK("other")`.
    #[schemars(length(min = 1, max = 10_240))]
    pub alarm_rule: String,
    /// ARNs of what is done when it can't be told whether it is raised, 5 at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 5), inner(length(min = 1, max = 1024)))]
    pub insufficient_data_actions: Option<BTreeSet<String>>,
    /// ARNs of what is done when the alarm is over, 5 at most.
    #[serde(rename = "OKActions", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 5), inner(length(min = 1, max = 1024)))]
    pub ok_actions: Option<BTreeSet<String>>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

impl Resource for CompositeAlarm {
    const TYPE: &'static str = "AWS::CloudWatch::CompositeAlarm";
    const CREATE_ONLY: &'static [&'static str] = &["AlarmName"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["AlarmName"]];
    const GENERATED_NAME: Option<GeneratedName> =
        Some(GeneratedName { property: "AlarmName", max_length: 255, lower_case: false });
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &[
            "cloudwatch:PutCompositeAlarm",
            "cloudwatch:DescribeAlarms",
            "cloudwatch:TagResource",
            "cloudwatch:ListTagsForResource",
        ],
        read: &["cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource"],
        update: &[
            "cloudwatch:PutCompositeAlarm",
            "cloudwatch:DescribeAlarms",
            "cloudwatch:TagResource",
            "cloudwatch:UntagResource",
        ],
        delete: &["cloudwatch:DeleteAlarms"],
    };
    const READ_BATCH: usize = DESCRIBE_BATCH;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, op: &Op) -> Result<Id> {
        let name = self.alarm_name.clone().unwrap_or_default();
        is_free(aws, op, &name, OPERATION).await?;
        self.put(aws, &name).await?;
        Ok(Id::new(name))
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let names: Vec<&str> = ids.iter().map(Id::as_str).collect();
        let alarms = describe(aws, &names, &[sdk::AlarmType::CompositeAlarm]).await?;
        each(alarms.composite, |alarm| async move {
            let tags = tags_of(aws, alarm.alarm_arn().unwrap_or_default()).await?;
            Ok(tags.map(|tags| observed(alarm, tags)))
        })
        .await
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        // It replaces the whole alarm, but not its tags: what is no longer given goes back to AWS's default.
        self.put(aws, id.as_str()).await?;
        retag(aws, || arn_of(aws, id.as_str()), &old.tags, &self.tags).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        delete_alarm(aws, id).await
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        find_alarm(aws, op, self.alarm_name.as_deref()).await
    }
}

impl CompositeAlarm {
    async fn put(&self, aws: &Aws, name: &str) -> Result<()> {
        let list = |set: &Option<BTreeSet<String>>| set.as_ref().map(|set| set.iter().cloned().collect());
        let call = aws
            .cloudwatch()
            .put_composite_alarm()
            .alarm_name(name)
            .alarm_rule(&self.alarm_rule)
            .set_action_configuration(built(self.action_configuration.sdk(), OPERATION)?)
            .set_actions_enabled(self.actions_enabled)
            .set_actions_suppressor(self.actions_suppressor.clone())
            .set_actions_suppressor_extension_period(self.actions_suppressor_extension_period)
            .set_actions_suppressor_wait_period(self.actions_suppressor_wait_period)
            .set_alarm_actions(list(&self.alarm_actions))
            .set_alarm_description(self.alarm_description.clone())
            .set_insufficient_data_actions(list(&self.insufficient_data_actions))
            .set_ok_actions(list(&self.ok_actions))
            .set_tags(tag_list(&self.tags));
        call.send().await.during(OPERATION).map_err(|error| {
            // It has no code of its own; an alarm that was just made may not show yet.
            if error.message.contains("in the alarm rule do not exist") {
                CloudError { kind: ErrorKind::NotFound, ..error }
            } else {
                error
            }
        })?;
        Ok(())
    }
}

fn observed(alarm: sdk::CompositeAlarm, tags: Tags) -> Observed<CompositeAlarm> {
    let set = |list: Option<Vec<String>>| list.filter(|list| !list.is_empty()).map(|list| list.into_iter().collect());
    let name = alarm.alarm_name.unwrap_or_default();
    Observed {
        id: Id::new(&name),
        properties: CompositeAlarm {
            action_configuration: Mirror::of(alarm.action_configuration),
            actions_enabled: alarm.actions_enabled,
            actions_suppressor: some(alarm.actions_suppressor),
            actions_suppressor_extension_period: alarm.actions_suppressor_extension_period,
            actions_suppressor_wait_period: alarm.actions_suppressor_wait_period,
            alarm_actions: set(alarm.alarm_actions),
            alarm_description: some(alarm.alarm_description),
            alarm_name: Some(name),
            alarm_rule: alarm.alarm_rule.unwrap_or_default(),
            insufficient_data_actions: set(alarm.insufficient_data_actions),
            ok_actions: set(alarm.ok_actions),
            tags,
        },
        outputs: Outputs { arn: alarm.alarm_arn.unwrap_or_default() },
    }
}
