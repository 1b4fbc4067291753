//! `AWS::CloudWatch::Alarm`.

use std::collections::BTreeSet;

use aws_sdk_cloudwatch::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::alarm_parts::{
    ActionConfiguration, Dimension, EvaluationCriteria, EvaluationWindow, MetricDataQuery, UNITS, WarmUpConfiguration,
};
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
use crate::cloud::Op;

const OPERATION: &str = "cloudwatch:PutMetricAlarm";

/// An alarm: it watches a metric, an expression over several, or a PromQL query.
///
/// It has one of `MetricName`, `Metrics` and `EvaluationCriteria`. An alarm of the same name that is not the stack's is never
/// overwritten. One read describes 100 alarms, and their tags one by one.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Alarm {
    /// What notifications say beside the alarm's state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_configuration: Option<ActionConfiguration>,
    /// Whether actions are taken. AWS's default is true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actions_enabled: Option<bool>,
    /// ARNs of what is done when the alarm is raised, 5 at most: an SNS topic, a scaling policy, a function.
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
    /// How data points are compared with the threshold. The three with `Upper` or `Lower` compare with an anomaly detection band.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = [
        "GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold",
        "LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold"
    ]))]
    pub comparison_operator: Option<String>,
    /// How many of the periods must be beyond the threshold. AWS's default is all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub datapoints_to_alarm: Option<i32>,
    /// The metric's dimensions, 30 at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 30), extend("uniqueItems" = true))]
    pub dimensions: Option<Vec<Dimension>>,
    /// What a percentile alarm does while there are few samples: `evaluate` or `ignore`. AWS's default is `evaluate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub evaluate_low_sample_count_percentile: Option<String>,
    /// What raises the alarm, in place of a metric and a threshold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluation_criteria: Option<EvaluationCriteria>,
    /// Seconds between two evaluations of `EvaluationCriteria`: 10, 20, 30, or a multiple of 60.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 10, max = 3600))]
    pub evaluation_interval: Option<i32>,
    /// Periods that the alarm looks at.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub evaluation_periods: Option<i32>,
    /// Whether periods move with the time or with the clock. AWS's default is a sliding window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluation_window: Option<EvaluationWindow>,
    /// A percentile or another extended statistic, such as `p99`; in place of `Statistic`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extended_statistic: Option<String>,
    /// ARNs of what is done when there are too few data, 5 at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 5), inner(length(min = 1, max = 1024)))]
    pub insufficient_data_actions: Option<BTreeSet<String>>,
    /// The metric's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub metric_name: Option<String>,
    /// Metrics and expressions over them, of which one is watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 20), extend("uniqueItems" = true))]
    pub metrics: Option<Vec<MetricDataQuery>>,
    /// The metric's namespace, such as `AWS/ECS`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255), regex(pattern = r"^[^:]"))]
    pub namespace: Option<String>,
    /// ARNs of what is done when the alarm is over, 5 at most.
    #[serde(rename = "OKActions", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 5), inner(length(min = 1, max = 1024)))]
    pub ok_actions: Option<BTreeSet<String>>,
    /// Seconds that one data point is for: 10, 20, 30, or a multiple of 60.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub period: Option<i32>,
    /// How the metric's values become a data point.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["SampleCount", "Average", "Sum", "Minimum", "Maximum"]))]
    pub statistic: Option<String>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// What data points are compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// The `Id` of the `ANOMALY_DETECTION_BAND` expression that data points are compared with, in place of `Threshold`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub threshold_metric_id: Option<String>,
    /// What missing data points count as. AWS's default is `missing`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["breaching", "notBreaching", "ignore", "missing"]))]
    pub treat_missing_data: Option<String>,
    /// The unit that the metric's values must have. AWS's default is any.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = UNITS))]
    pub unit: Option<String>,
    /// What the alarm waits for after it was made or changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warm_up_configuration: Option<WarmUpConfiguration>,
}

/// What AWS tells of an alarm.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// Its ARN.
    pub arn: String,
}

impl Resource for Alarm {
    const TYPE: &'static str = "AWS::CloudWatch::Alarm";
    const CREATE_ONLY: &'static [&'static str] = &["AlarmName"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["AlarmName"]];
    const GENERATED_NAME: Option<GeneratedName> =
        Some(GeneratedName { property: "AlarmName", max_length: 255, lower_case: false });
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &[
            "cloudwatch:PutMetricAlarm",
            "cloudwatch:DescribeAlarms",
            "cloudwatch:TagResource",
            "cloudwatch:ListTagsForResource",
        ],
        read: &["cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource"],
        update: &[
            "cloudwatch:PutMetricAlarm",
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
        let alarms = describe(aws, &names, &[sdk::AlarmType::MetricAlarm]).await?;
        each(alarms.metric, |alarm| async move {
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

impl Alarm {
    async fn put(&self, aws: &Aws, name: &str) -> Result<()> {
        let list = |set: &Option<BTreeSet<String>>| set.as_ref().map(|set| set.iter().cloned().collect());
        let call = aws
            .cloudwatch()
            .put_metric_alarm()
            .alarm_name(name)
            .set_action_configuration(built(self.action_configuration.sdk(), OPERATION)?)
            .set_actions_enabled(self.actions_enabled)
            .set_alarm_actions(list(&self.alarm_actions))
            .set_alarm_description(self.alarm_description.clone())
            .set_comparison_operator(self.comparison_operator.as_deref().map(Into::into))
            .set_datapoints_to_alarm(self.datapoints_to_alarm)
            .set_dimensions(built(self.dimensions.sdk(), OPERATION)?)
            .set_evaluate_low_sample_count_percentile(self.evaluate_low_sample_count_percentile.clone())
            .set_evaluation_criteria(built(self.evaluation_criteria.sdk(), OPERATION)?)
            .set_evaluation_interval(self.evaluation_interval)
            .set_evaluation_periods(self.evaluation_periods)
            .set_evaluation_window(built(self.evaluation_window.sdk(), OPERATION)?)
            .set_extended_statistic(self.extended_statistic.clone())
            .set_insufficient_data_actions(list(&self.insufficient_data_actions))
            .set_metric_name(self.metric_name.clone())
            .set_metrics(built(self.metrics.sdk(), OPERATION)?)
            .set_namespace(self.namespace.clone())
            .set_ok_actions(list(&self.ok_actions))
            .set_period(self.period)
            .set_statistic(self.statistic.as_deref().map(Into::into))
            .set_tags(tag_list(&self.tags))
            .set_threshold(self.threshold)
            .set_threshold_metric_id(self.threshold_metric_id.clone())
            .set_treat_missing_data(self.treat_missing_data.clone())
            .set_unit(self.unit.as_deref().map(Into::into))
            .set_warm_up_configuration(built(self.warm_up_configuration.sdk(), OPERATION)?);
        call.send().await.during(OPERATION)?;
        Ok(())
    }
}

fn observed(alarm: sdk::MetricAlarm, tags: Tags) -> Observed<Alarm> {
    let set = |list: Option<Vec<String>>| list.filter(|list| !list.is_empty()).map(|list| list.into_iter().collect());
    let name = alarm.alarm_name.unwrap_or_default();
    Observed {
        id: Id::new(&name),
        properties: Alarm {
            action_configuration: Mirror::of(alarm.action_configuration),
            actions_enabled: alarm.actions_enabled,
            alarm_actions: set(alarm.alarm_actions),
            alarm_description: some(alarm.alarm_description),
            alarm_name: Some(name),
            comparison_operator: alarm.comparison_operator.map(|operator| operator.to_string()),
            datapoints_to_alarm: alarm.datapoints_to_alarm,
            dimensions: Mirror::of(alarm.dimensions.filter(|list| !list.is_empty())),
            evaluate_low_sample_count_percentile: some(alarm.evaluate_low_sample_count_percentile),
            evaluation_criteria: Mirror::of(alarm.evaluation_criteria),
            evaluation_interval: alarm.evaluation_interval,
            evaluation_periods: alarm.evaluation_periods,
            evaluation_window: Mirror::of(alarm.evaluation_window),
            extended_statistic: some(alarm.extended_statistic),
            insufficient_data_actions: set(alarm.insufficient_data_actions),
            metric_name: some(alarm.metric_name),
            metrics: Mirror::of(alarm.metrics.filter(|list| !list.is_empty())),
            namespace: some(alarm.namespace),
            ok_actions: set(alarm.ok_actions),
            period: alarm.period,
            statistic: alarm.statistic.map(|statistic| statistic.to_string()),
            tags,
            threshold: alarm.threshold,
            threshold_metric_id: some(alarm.threshold_metric_id),
            treat_missing_data: some(alarm.treat_missing_data),
            unit: alarm.unit.map(|unit| unit.to_string()),
            warm_up_configuration: Mirror::of(alarm.warm_up_configuration),
        },
        outputs: Outputs { arn: alarm.alarm_arn.unwrap_or_default() },
    }
}
