//! How alarms stand.

use aws_sdk_cloudwatch::types::AlarmType;
use futures::future::try_join_all;

use super::{DESCRIBE_BATCH, describe};
use crate::aws::client::Aws;
use crate::aws::resource::Result;
use crate::aws::services::time;
use crate::cloud::services::{AlarmStatus, Managed};

/// The types of alarms: an alarm's name is what AWS calls it.
const TYPES: [&str; 2] = ["AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"];

/// How those of `resources` that are alarms stand, in their order.
pub(in crate::aws) async fn status(aws: &Aws, resources: &[Managed]) -> Result<Vec<AlarmStatus>> {
    let wanted: Vec<&Managed> =
        resources.iter().filter(|managed| TYPES.contains(&managed.type_name.as_str())).collect();
    let batches = wanted.chunks(DESCRIBE_BATCH).map(|batch| async move {
        let names: Vec<&str> = batch.iter().map(|managed| managed.id.as_str()).collect();
        let alarms = describe(aws, &names, &[AlarmType::MetricAlarm, AlarmType::CompositeAlarm]).await?;
        let metric = alarms.metric.into_iter().map(|alarm| {
            let since = time(alarm.state_transitioned_timestamp().or(alarm.state_updated_timestamp()));
            (alarm.alarm_name, alarm.state_value, alarm.state_reason, since)
        });
        let composite = alarms.composite.into_iter().map(|alarm| {
            let since = time(alarm.state_transitioned_timestamp().or(alarm.state_updated_timestamp()));
            (alarm.alarm_name, alarm.state_value, alarm.state_reason, since)
        });
        let told: Vec<_> = metric.chain(composite).collect();
        Ok(batch
            .iter()
            .filter_map(|managed| {
                let (_, state, reason, since) =
                    told.iter().find(|(name, ..)| name.as_deref() == Some(managed.id.as_str()))?;
                Some(AlarmStatus {
                    address: managed.address.clone(),
                    state: state.as_ref().map_or("INSUFFICIENT_DATA", |state| state.as_str()).to_owned(),
                    reason: reason.clone().filter(|reason| !reason.is_empty()),
                    since: *since,
                })
            })
            .collect::<Vec<_>>())
    });
    Ok(try_join_all(batches).await?.into_iter().flatten().collect())
}
