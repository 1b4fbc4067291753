//! Scheduled actions of `AWS::ApplicationAutoScaling::ScalableTarget`.

use std::collections::BTreeMap;

use aws_sdk_applicationautoscaling::types as sdk;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Target, in_turn};
use crate::aws::client::Aws;
use crate::aws::error::{During, found};
use crate::aws::mirror::{Mirror, mirror};
use crate::aws::resource::Result;
use crate::cloud::{CloudError, ErrorKind};
use crate::value::Value;

const OPERATION: &str = "application-autoscaling:PutScheduledAction";

mirror! {
    /// The limits that a scheduled action sets.
    pub struct ScalableTargetAction = sdk::ScalableTargetAction {
        /// The most capacity from then on.
        #[schemars(range(min = 0))]
        max_capacity(set_max_capacity): Option<i32>,
        /// The least capacity from then on.
        #[schemars(range(min = 0))]
        min_capacity(set_min_capacity): Option<i32>,
    }
}

/// Limits that change at some time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ScheduledAction {
    /// When a recurring schedule ends: `2027-01-31T00:00:00Z`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<String>,
    /// The limits from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scalable_target_action: Option<ScalableTargetAction>,
    /// When it happens: `at(2027-01-31T08:00:00)`, `rate(1 hour)` or `cron(0 8 * * ? *)`.
    pub schedule: String,
    /// Its name, one of its kind in the target.
    pub scheduled_action_name: String,
    /// When a recurring schedule begins: `2027-01-01T00:00:00Z`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<String>,
    /// The time zone of `Schedule`, such as `Europe/Berlin`. AWS's default is `UTC`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
}

/// Writes the times of scheduled actions as AWS tells them: in UTC.
pub(super) fn normalize(properties: &mut Value) {
    let Value::Map(properties) = properties else { return };
    let Some(Value::List(actions)) = properties.get_mut("ScheduledActions") else { return };
    for action in actions {
        let Value::Map(action) = action else { continue };
        for key in ["StartTime", "EndTime"] {
            if let Some(Value::String(text)) = action.get_mut(key)
                && let Ok(time) = text.parse::<Timestamp>()
            {
                *text = time.to_string();
            }
        }
    }
}

/// The scheduled actions of all `targets`, which are of one namespace, by their target.
pub(super) async fn of_targets(aws: &Aws, targets: &[Target]) -> Result<BTreeMap<Target, Vec<ScheduledAction>>> {
    let mut actions: BTreeMap<Target, Vec<ScheduledAction>> = BTreeMap::new();
    let Some(first) = targets.first() else { return Ok(actions) };
    let mut call = aws.auto_scaling().describe_scheduled_actions().service_namespace(first.namespace());
    if targets.len() == 1 {
        call = call.resource_id(&first.resource).scalable_dimension(first.dimension());
    }
    let told = call.into_paginator().items().send().collect::<std::result::Result<Vec<_>, _>>().await;
    let told = found(told.during("application-autoscaling:DescribeScheduledActions"))?.unwrap_or_default();
    for action in told {
        let dimension = action.scalable_dimension.as_ref().map(ToString::to_string).unwrap_or_default();
        let target = Target { namespace: first.namespace.clone(), resource: action.resource_id.clone(), dimension };
        actions.entry(target).or_default().push(observed(action));
    }
    Ok(actions)
}

/// Puts those of `new` that are not so in `old`, and deletes those of `old` that are not in `new`.
pub(super) async fn change(aws: &Aws, target: &Target, old: &[ScheduledAction], new: &[ScheduledAction]) -> Result<()> {
    for action in new {
        let before = old.iter().find(|old| old.scheduled_action_name == action.scheduled_action_name);
        if before == Some(action) {
            continue;
        }
        // Putting changes only what is given.
        if before.is_some_and(|before| action.lacks(before)) {
            delete(aws, target, action).await?;
        }
        put(aws, target, action).await?;
    }
    let stays = |old: &&ScheduledAction| new.iter().any(|new| new.scheduled_action_name == old.scheduled_action_name);
    for gone in old.iter().filter(|old| !stays(old)) {
        delete(aws, target, gone).await?;
    }
    Ok(())
}

async fn put(aws: &Aws, target: &Target, action: &ScheduledAction) -> Result<()> {
    let call = aws
        .auto_scaling()
        .put_scheduled_action()
        .service_namespace(target.namespace())
        .resource_id(&target.resource)
        .scalable_dimension(target.dimension())
        .scheduled_action_name(&action.scheduled_action_name)
        .schedule(&action.schedule)
        .set_timezone(action.timezone.clone())
        .set_start_time(time(action.start_time.as_deref())?)
        .set_end_time(time(action.end_time.as_deref())?)
        .set_scalable_target_action(crate::aws::error::built(action.scalable_target_action.sdk(), OPERATION)?);
    in_turn(aws, OPERATION, || async { call.clone().send().await.during(OPERATION) }).await?;
    Ok(())
}

async fn delete(aws: &Aws, target: &Target, action: &ScheduledAction) -> Result<()> {
    const OPERATION: &str = "application-autoscaling:DeleteScheduledAction";
    let call = aws
        .auto_scaling()
        .delete_scheduled_action()
        .service_namespace(target.namespace())
        .resource_id(&target.resource)
        .scalable_dimension(target.dimension())
        .scheduled_action_name(&action.scheduled_action_name);
    found(in_turn(aws, OPERATION, || async { call.clone().send().await.during(OPERATION) }).await)?;
    Ok(())
}

impl ScheduledAction {
    /// Whether `other` says something that this does not.
    fn lacks(&self, other: &Self) -> bool {
        let limits = |action: &Self| match &action.scalable_target_action {
            Some(limits) => [limits.max_capacity.is_some(), limits.min_capacity.is_some()],
            None => [false, false],
        };
        let said = |action: &Self| {
            let [max, min] = limits(action);
            [action.end_time.is_some(), action.start_time.is_some(), action.timezone.is_some(), max, min]
        };
        said(self).into_iter().zip(said(other)).any(|(here, there)| there && !here)
    }
}

/// A time as the API takes it.
fn time(text: Option<&str>) -> Result<Option<DateTime>> {
    let Some(text) = text else { return Ok(None) };
    let time =
        text.parse::<Timestamp>().map_err(|error| CloudError::new(ErrorKind::Invalid, OPERATION, error.to_string()))?;
    Ok(Some(DateTime::from_secs_and_nanos(time.as_second(), time.subsec_nanosecond().unsigned_abs())))
}

fn observed(action: sdk::ScheduledAction) -> ScheduledAction {
    let time = |time: Option<DateTime>| time.and_then(|time| time.fmt(Format::DateTime).ok());
    ScheduledAction {
        end_time: time(action.end_time),
        scalable_target_action: Mirror::of(action.scalable_target_action),
        schedule: action.schedule,
        scheduled_action_name: action.scheduled_action_name,
        start_time: time(action.start_time),
        timezone: action.timezone,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_told_in_utc_however_they_are_written() {
        let of =
            |time: &str| Value::from(json!({"ScheduledActions": [{"Schedule": "rate(1 hour)", "StartTime": time}]}));
        for text in ["2027-01-31T09:00:00+01:00", "2027-01-31T08:00:00Z", "2027-01-31T08:00:00.000Z"] {
            let mut properties = of(text);
            normalize(&mut properties);
            assert_eq!(properties, of("2027-01-31T08:00:00Z"), "{text}");
        }
        let told = time(Some("2027-01-31T09:00:00.5+01:00")).expect("a time").expect("a time");
        assert_eq!(told, DateTime::from_secs_f64(1_801_382_400.5));
    }
}
