//! `AWS::Logs::MetricFilter`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_cloudwatchlogs::types as sdk;
use aws_smithy_types::error::operation::BuildError;
use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::address::Id;
use crate::aws::alike::alike;
use crate::aws::client::Aws;
use crate::aws::error::{During, built, found};
use crate::aws::mirror::{Mirror, Word, mirror};
use crate::aws::resource::{NoOutputs, Observed, Resource, Result};
use crate::catalog::{GeneratedName, Permissions};
use crate::cloud::{CloudError, ErrorKind, Op};

const OPERATION: &str = "logs:PutMetricFilter";
/// Filters of which one read is made; those of a log group come in one paginated call.
const BATCH: usize = 100;

mirror! {
    /// How log events become a metric.
    pub struct MetricTransformation = sdk::MetricTransformation, fallible {
        /// The value of periods without an event that matches; not together with `Dimensions`. AWS's default is none.
        default_value(set_default_value): Option<f64>,
        /// The metric's dimensions, 3 at most.
        #[schemars(length(min = 1, max = 3), extend("uniqueItems" = true))]
        dimensions(set_dimensions): Option<Dimensions>,
        /// The metric's name.
        #[schemars(length(min = 1, max = 255), regex(pattern = r"^[^:*$]+$"))]
        metric_name(set_metric_name): String,
        /// The metric's namespace.
        #[schemars(length(min = 1, max = 256), regex(pattern = r"^[0-9a-zA-Z.\-_/#]+$"))]
        metric_namespace(set_metric_namespace): String,
        /// The value of an event that matches: a number, or a field such as `$.latency`.
        #[schemars(length(min = 1, max = 100), regex(pattern = r"^([+-]?([0-9]*\.?[0-9]*)|(\$.*))$"))]
        metric_value(set_metric_value): String,
        /// The metric's unit. AWS's default is `None`.
        #[schemars(extend("enum" = [
            "Seconds", "Microseconds", "Milliseconds", "Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes", "Bits",
            "Kilobits", "Megabits", "Gigabits", "Terabits", "Percent", "Count", "Bytes/Second", "Kilobytes/Second",
            "Megabytes/Second", "Gigabytes/Second", "Terabytes/Second", "Bits/Second", "Kilobits/Second", "Megabits/Second",
            "Gigabits/Second", "Terabits/Second", "Count/Second", "None"
        ]))]
        unit(set_unit): Option<Word<sdk::StandardUnit>>,
    }
}

/// Dimensions of a metric, which the API has as a map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Dimensions(Vec<Dimension>);

/// A dimension of a metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Dimension {
    /// The dimension's name.
    #[schemars(length(min = 1, max = 255))]
    pub key: String,
    /// The field of a log event that has its value, such as `$.service`.
    #[schemars(length(min = 1, max = 255))]
    pub value: String,
}

impl Mirror for Dimensions {
    type Sdk = HashMap<String, String>;

    fn sdk(&self) -> std::result::Result<Option<Self::Sdk>, BuildError> {
        Ok(Some(self.0.iter().map(|dimension| (dimension.key.clone(), dimension.value.clone())).collect()))
    }

    fn of(sdk: Option<Self::Sdk>) -> Self {
        let sorted: BTreeMap<_, _> = sdk.into_iter().flatten().collect();
        Self(sorted.into_iter().map(|(key, value)| Dimension { key, value }).collect())
    }
}

/// A metric filter: log events that match become a metric.
///
/// One of the same name that is not the stack's is never overwritten. Filters of one log group are read in one paginated call.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct MetricFilter {
    /// Whether it sees log events as the log group's transformer leaves them. AWS's default is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apply_on_transformed_logs: Option<bool>,
    /// System fields that become dimensions too: `@aws.account`, `@aws.region`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emit_system_field_dimensions: Option<BTreeSet<String>>,
    /// An expression over system fields that selects log events.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2000))]
    pub field_selection_criteria: Option<String>,
    /// The filter's name; made from the stack's and the resource's where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512), regex(pattern = r"^[^:*]+$"))]
    pub filter_name: Option<String>,
    /// Which log events match: `{ $.level = "error" }`; all do where it is empty.
    #[schemars(length(max = 1024))]
    pub filter_pattern: String,
    /// The log group.
    #[schemars(length(min = 1, max = 512), regex(pattern = r"^[.\-_/#A-Za-z0-9]+$"))]
    pub log_group_name: String,
    /// How log events become a metric: one.
    #[schemars(length(min = 1, max = 1), extend("uniqueItems" = true))]
    pub metric_transformations: Vec<MetricTransformation>,
}

impl Resource for MetricFilter {
    const TYPE: &'static str = "AWS::Logs::MetricFilter";
    const CREATE_ONLY: &'static [&'static str] = &["FilterName", "LogGroupName"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["FilterName", "LogGroupName"]];
    const GENERATED_NAME: Option<GeneratedName> =
        Some(GeneratedName { property: "FilterName", max_length: 512, lower_case: false });
    const PERMISSIONS: Permissions = Permissions {
        create: &["logs:PutMetricFilter", "logs:DescribeMetricFilters"],
        read: &["logs:DescribeMetricFilters"],
        update: &["logs:PutMetricFilter"],
        delete: &["logs:DeleteMetricFilter"],
    };
    const READ_BATCH: usize = BATCH;
    type Outputs = NoOutputs;

    async fn create(&self, aws: &Aws, op: &Op) -> Result<Id> {
        let id = self.id();
        let [group, name] = id.parts();
        // Nobody else has a name that was made with the operation's id.
        if !name.ends_with(&op.id.short()) && describe(aws, group, Some(name)).await?.iter().any(|it| is(it, name)) {
            let why = format!("a metric filter named {name} of {group} exists already, and is not on record");
            return Err(CloudError::new(ErrorKind::Conflict, OPERATION, why));
        }
        self.put(aws).await?;
        Ok(id)
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let mut groups: BTreeMap<&str, Vec<&Id>> = BTreeMap::new();
        for id in ids {
            let [group, _] = id.parts();
            groups.entry(group).or_default().push(id);
        }
        let reads = groups.into_iter().map(|(group, ids)| async move {
            let prefix = if let [only] = ids.as_slice() { Some(only.parts::<2>()[1]) } else { None };
            let filters = describe(aws, group, prefix).await?;
            let read = ids.into_iter().filter_map(|id| {
                let [_, name] = id.parts();
                filters.iter().find(|filter| is(filter, name)).map(|filter| observed(id, filter.clone()))
            });
            Ok::<_, CloudError>(read.collect::<Vec<_>>())
        });
        Ok(try_join_all(reads).await?.into_iter().flatten().collect())
    }

    async fn update(&self, aws: &Aws, _op: &Op, _id: &Id, _old: &Self) -> Result<()> {
        self.put(aws).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        let [group, name] = id.parts();
        let call = aws.logs().delete_metric_filter().log_group_name(group).filter_name(name);
        call.send().await.during("logs:DeleteMetricFilter")?;
        Ok(())
    }

    /// It takes no tags; what says the same is as good as what was lost.
    async fn find(&self, aws: &Aws, _op: &Op) -> Result<Option<Id>> {
        let id = self.id();
        let found = Self::read(aws, std::slice::from_ref(&id)).await?.pop();
        Ok(found.filter(|found| alike(self, &found.properties)).map(|_| id))
    }
}

impl MetricFilter {
    fn id(&self) -> Id {
        Id::compound(&[&self.log_group_name, self.filter_name.as_deref().unwrap_or_default()])
    }

    /// Puts the whole filter: what is not given goes back to AWS's default.
    async fn put(&self, aws: &Aws) -> Result<()> {
        let fields = self.emit_system_field_dimensions.as_ref().map(|fields| fields.iter().cloned().collect());
        let call = aws
            .logs()
            .put_metric_filter()
            .log_group_name(&self.log_group_name)
            .set_filter_name(self.filter_name.clone())
            .filter_pattern(&self.filter_pattern)
            .set_apply_on_transformed_logs(self.apply_on_transformed_logs)
            .set_emit_system_field_dimensions(fields)
            .set_field_selection_criteria(self.field_selection_criteria.clone())
            .set_metric_transformations(built(self.metric_transformations.sdk(), OPERATION)?);
        call.send().await.during(OPERATION)?;
        Ok(())
    }
}

/// Filters of a log group whose names begin with `prefix`; none where there is no such log group.
async fn describe(aws: &Aws, group: &str, prefix: Option<&str>) -> Result<Vec<sdk::MetricFilter>> {
    let call = aws.logs().describe_metric_filters().log_group_name(group);
    let call = call.set_filter_name_prefix(prefix.map(str::to_owned));
    let filters = call.into_paginator().items().send().collect::<std::result::Result<Vec<_>, _>>().await;
    Ok(found(filters.during("logs:DescribeMetricFilters"))?.unwrap_or_default())
}

fn is(filter: &sdk::MetricFilter, name: &str) -> bool {
    filter.filter_name() == Some(name)
}

fn observed(id: &Id, filter: sdk::MetricFilter) -> Observed<MetricFilter> {
    let [log_group_name, name] = id.parts().map(str::to_owned);
    let fields = filter.emit_system_field_dimensions.filter(|fields| !fields.is_empty());
    let properties = MetricFilter {
        apply_on_transformed_logs: Some(filter.apply_on_transformed_logs),
        emit_system_field_dimensions: fields.map(|fields| fields.into_iter().collect()),
        field_selection_criteria: filter.field_selection_criteria.filter(|criteria| !criteria.is_empty()),
        filter_name: Some(name),
        filter_pattern: filter.filter_pattern.unwrap_or_default(),
        log_group_name,
        metric_transformations: Mirror::of(filter.metric_transformations),
    };
    Observed { id: id.clone(), properties, outputs: NoOutputs {} }
}
