//! The parts that properties of alarms are made of, to and from the SDK's types.

use std::collections::BTreeSet;

use aws_sdk_cloudwatch::types as sdk;
use aws_smithy_types::error::operation::BuildError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::mirror::{Mirror, Word, mirror};

/// CloudWatch's units.
pub(super) const UNITS: [&str; 27] = [
    "Seconds",
    "Microseconds",
    "Milliseconds",
    "Bytes",
    "Kilobytes",
    "Megabytes",
    "Gigabytes",
    "Terabytes",
    "Bits",
    "Kilobits",
    "Megabits",
    "Gigabits",
    "Terabits",
    "Percent",
    "Count",
    "Bytes/Second",
    "Kilobytes/Second",
    "Megabytes/Second",
    "Gigabytes/Second",
    "Terabytes/Second",
    "Bits/Second",
    "Kilobits/Second",
    "Megabits/Second",
    "Gigabits/Second",
    "Terabits/Second",
    "Count/Second",
    "None",
];

mirror! {
    /// What notifications of an alarm say beside its state.
    pub struct ActionConfiguration = sdk::ActionConfiguration {
        /// Which of the alarm's tags they carry.
        alarm_tags_propagation(set_alarm_tags_propagation): Option<AlarmTagsPropagation>,
    }

    /// Which of an alarm's tags its notifications carry.
    pub struct AlarmTagsPropagation = sdk::AlarmTagsPropagation {
        /// Whether they carry any.
        enabled(set_enabled): bool,
        /// Keys of tags that they do not carry; not together with `IncludedTagKeys`.
        #[schemars(length(min = 1, max = 50), inner(length(min = 1, max = 128)))]
        excluded_tag_keys(set_excluded_tag_keys): Option<BTreeSet<String>>,
        /// Keys of the only tags that they carry.
        #[schemars(length(min = 1, max = 50), inner(length(min = 1, max = 128)))]
        included_tag_keys(set_included_tag_keys): Option<BTreeSet<String>>,
    }

    /// A name and value that tell metrics of the same name apart.
    pub struct Dimension = sdk::Dimension {
        /// The dimension's name, such as `ClusterName`.
        #[schemars(length(min = 1, max = 255))]
        name(set_name): String,
        /// Its value.
        #[schemars(length(min = 1, max = 1024))]
        value(set_value): String,
    }

    /// A metric, or an expression over other metrics of the alarm.
    pub struct MetricDataQuery = sdk::MetricDataQuery {
        /// The account that has the metric. AWS's default is the alarm's own.
        #[schemars(length(min = 1, max = 255))]
        account_id(set_account_id): Option<String>,
        /// A metric math expression over the `Id`s of others; in place of `MetricStat`.
        #[schemars(length(min = 1, max = 2048))]
        expression(set_expression): Option<String>,
        /// What expressions call it.
        #[schemars(length(min = 1, max = 255), regex(pattern = r"^[a-z][A-Za-z0-9_]*$"))]
        id(set_id): String,
        /// What graphs call it.
        label(set_label): Option<String>,
        /// The metric; in place of `Expression`.
        metric_stat(set_metric_stat): Option<MetricStat>,
        /// Seconds that one data point of an expression is for.
        #[schemars(range(min = 1))]
        period(set_period): Option<i32>,
        /// Whether it is what the alarm watches. AWS's default is true, and it must be so of one, with an anomaly detection
        /// band of two.
        return_data(set_return_data): Option<bool>,
    }

    /// A metric, and how its values become data points.
    pub struct MetricStat = sdk::MetricStat {
        /// The metric.
        metric(set_metric): Metric,
        /// Seconds that one data point is for.
        #[schemars(range(min = 1))]
        period(set_period): i32,
        /// The statistic: `Average`, `Maximum`, `Minimum`, `SampleCount`, `Sum`, or an extended one such as `p99`.
        stat(set_stat): String,
        /// The unit that values must have. AWS's default is any.
        #[schemars(extend("enum" = UNITS))]
        unit(set_unit): Option<Word<sdk::StandardUnit>>,
    }

    /// A metric.
    pub struct Metric = sdk::Metric {
        /// Its dimensions.
        #[schemars(length(max = 30), extend("uniqueItems" = true))]
        dimensions(set_dimensions): Option<Vec<Dimension>>,
        /// Its name.
        #[schemars(length(min = 1, max = 255))]
        metric_name(set_metric_name): Option<String>,
        /// Its namespace, such as `AWS/ECS`.
        #[schemars(length(min = 1, max = 255), regex(pattern = r"^[^:]"))]
        namespace(set_namespace): Option<String>,
    }

    /// A PromQL query that raises an alarm.
    pub struct AlarmPromQlCriteria = sdk::AlarmPromQlCriteria {
        /// Seconds for which the query must have a result until the alarm is raised.
        pending_period(set_pending_period): Option<i32>,
        /// The query.
        query(set_query): Option<String>,
        /// Seconds for which the query must have no result until the alarm is over.
        recovery_period(set_recovery_period): Option<i32>,
    }

    /// A window that begins with the hour, the day or the week.
    pub struct WallClockWindow = sdk::WallClockWindow {
        /// The time zone of days and weeks. AWS's default is `UTC`.
        timezone(set_timezone): Option<String>,
    }

    /// What an alarm waits for after it was made or changed.
    pub struct WarmUpConfiguration = sdk::WarmUpConfiguration {
        /// Whether it waits the whole time, even where there are data before.
        only_start_evaluating_after_warm_up_period_ends(set_only_start_evaluating_after_warm_up_period_ends): Option<bool>,
        /// Minutes that it waits for data.
        #[schemars(range(min = 1, max = 2880))]
        warm_up_period_duration_in_minutes(set_warm_up_period_duration_in_minutes): Option<i32>,
    }
}

/// What an alarm is raised by where that is no threshold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct EvaluationCriteria {
    /// A PromQL query.
    #[serde(rename = "PromQLCriteria", skip_serializing_if = "Option::is_none")]
    pub prom_ql_criteria: Option<AlarmPromQlCriteria>,
}

impl Mirror for EvaluationCriteria {
    type Sdk = sdk::EvaluationCriteria;

    fn sdk(&self) -> Result<Option<Self::Sdk>, BuildError> {
        Ok(self.prom_ql_criteria.sdk()?.map(sdk::EvaluationCriteria::PromQlCriteria))
    }

    fn of(sdk: Option<Self::Sdk>) -> Self {
        let prom_ql = sdk.and_then(|sdk| sdk.as_prom_ql_criteria().ok().cloned());
        Self { prom_ql_criteria: Mirror::of(prom_ql) }
    }
}

/// A window that moves with the time: `{}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlidingWindow {}

impl Mirror for SlidingWindow {
    type Sdk = sdk::SlidingWindow;

    fn sdk(&self) -> Result<Option<Self::Sdk>, BuildError> {
        Ok(Some(sdk::SlidingWindow::builder().build()))
    }

    fn of(_sdk: Option<Self::Sdk>) -> Self {
        Self {}
    }
}

/// Which data an alarm looks at: one of the two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct EvaluationWindow {
    /// The last periods, as the time goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sliding_window: Option<SlidingWindow>,
    /// Periods as the clock has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall_clock_window: Option<WallClockWindow>,
}

impl Mirror for EvaluationWindow {
    type Sdk = sdk::EvaluationWindow;

    fn sdk(&self) -> Result<Option<Self::Sdk>, BuildError> {
        let clock = self.wall_clock_window.sdk()?.map(sdk::EvaluationWindow::WallClockWindow);
        Ok(match clock {
            Some(clock) => Some(clock),
            None => self.sliding_window.sdk()?.map(sdk::EvaluationWindow::SlidingWindow),
        })
    }

    fn of(sdk: Option<Self::Sdk>) -> Self {
        let sliding = sdk.as_ref().and_then(|sdk| sdk.as_sliding_window().ok().cloned());
        let clock = sdk.as_ref().and_then(|sdk| sdk.as_wall_clock_window().ok().cloned());
        Self { sliding_window: Mirror::of(sliding), wall_clock_window: Mirror::of(clock) }
    }
}
