//! The parts of target tracking and step scaling policies, to and from the SDK's types.

use aws_sdk_applicationautoscaling::types as sdk;

use crate::aws::mirror::{Word, mirror};

mirror! {
    /// A policy that keeps a metric at a value.
    pub struct TargetTrackingScalingPolicyConfiguration = sdk::TargetTrackingScalingPolicyConfiguration, fallible {
        /// A metric of one's own; in place of `PredefinedMetricSpecification`.
        customized_metric_specification(set_customized_metric_specification): Option<CustomizedMetricSpecification>,
        /// Whether it only adds capacity. AWS's default is false.
        disable_scale_in(set_disable_scale_in): Option<bool>,
        /// A metric that AWS knows.
        predefined_metric_specification(set_predefined_metric_specification): Option<PredefinedMetricSpecification>,
        /// Seconds between taking capacity away twice. AWS's default is 300 for ECS.
        #[schemars(range(min = 0))]
        scale_in_cooldown(set_scale_in_cooldown): Option<i32>,
        /// Seconds between adding capacity twice. AWS's default is 300 for ECS.
        #[schemars(range(min = 0))]
        scale_out_cooldown(set_scale_out_cooldown): Option<i32>,
        /// The value that the metric is kept at.
        target_value(set_target_value): f64,
    }

    /// A metric that AWS knows.
    pub struct PredefinedMetricSpecification = sdk::PredefinedMetricSpecification, fallible {
        /// The metric.
        #[schemars(extend("enum" = [
            "ECSServiceAverageCPUUtilization", "ECSServiceAverageMemoryUtilization", "ALBRequestCountPerTarget",
            "ECSServiceAverageCPUUtilizationHighResolution", "ECSServiceAverageMemoryUtilizationHighResolution",
            "DynamoDBReadCapacityUtilization", "DynamoDBWriteCapacityUtilization", "RDSReaderAverageCPUUtilization",
            "RDSReaderAverageDatabaseConnections", "EC2SpotFleetRequestAverageCPUUtilization",
            "EC2SpotFleetRequestAverageNetworkIn", "EC2SpotFleetRequestAverageNetworkOut",
            "SageMakerVariantInvocationsPerInstance", "SageMakerVariantProvisionedConcurrencyUtilization",
            "SageMakerInferenceComponentInvocationsPerCopy",
            "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution",
            "SageMakerVariantConcurrentRequestsPerModelHighResolution", "AppStreamAverageCapacityUtilization",
            "ComprehendInferenceUtilization", "LambdaProvisionedConcurrencyUtilization", "CassandraReadCapacityUtilization",
            "CassandraWriteCapacityUtilization", "KafkaBrokerStorageUtilization", "ElastiCacheEngineCPUUtilization",
            "ElastiCachePrimaryEngineCPUUtilization", "ElastiCacheReplicaEngineCPUUtilization",
            "ElastiCacheDatabaseMemoryUsagePercentage", "ElastiCacheDatabaseMemoryUsageCountedForEvictPercentage",
            "ElastiCacheDatabaseCapacityUsageCountedForEvictPercentage", "NeptuneReaderAverageCPUUtilization",
            "WorkSpacesAverageUserSessionsCapacityUtilization"
        ]))]
        predefined_metric_type(set_predefined_metric_type): Word<sdk::MetricType>,
        /// What the metric is of, for `ALBRequestCountPerTarget`:
        /// `<LoadBalancerFullName>/<TargetGroupFullName>`.
        #[schemars(length(min = 1, max = 1023))]
        resource_label(set_resource_label): Option<String>,
    }

    /// A metric of one's own: one by name, or an expression over several.
    pub struct CustomizedMetricSpecification = sdk::CustomizedMetricSpecification {
        /// The metric's dimensions.
        #[schemars(extend("uniqueItems" = true))]
        dimensions(set_dimensions): Option<Vec<MetricDimension>>,
        /// The metric's name.
        metric_name(set_metric_name): Option<String>,
        /// Metrics and expressions over them, of which one is kept at the target; in place of the other properties.
        #[schemars(extend("uniqueItems" = true))]
        metrics(set_metrics): Option<Vec<TargetTrackingMetricDataQuery>>,
        /// The metric's namespace.
        namespace(set_namespace): Option<String>,
        /// How the metric's values become a data point.
        #[schemars(extend("enum" = ["Average", "Minimum", "Maximum", "SampleCount", "Sum"]))]
        statistic(set_statistic): Option<Word<sdk::MetricStatistic>>,
        /// The unit that the metric's values must have.
        unit(set_unit): Option<String>,
    }

    /// A dimension of a metric.
    pub struct MetricDimension = sdk::MetricDimension, fallible {
        /// Its name.
        name(set_name): String,
        /// Its value.
        value(set_value): String,
    }

    /// A metric, or an expression over other metrics.
    pub struct TargetTrackingMetricDataQuery = sdk::TargetTrackingMetricDataQuery, fallible {
        /// A metric math expression over the `Id`s of others; in place of `MetricStat`.
        #[schemars(length(min = 1, max = 2048))]
        expression(set_expression): Option<String>,
        /// What expressions call it.
        #[schemars(length(min = 1, max = 255))]
        id(set_id): String,
        /// What graphs call it.
        label(set_label): Option<String>,
        /// The metric; in place of `Expression`.
        metric_stat(set_metric_stat): Option<TargetTrackingMetricStat>,
        /// Whether it is what is kept at the target. AWS's default is true, and it must be so of one.
        return_data(set_return_data): Option<bool>,
    }

    /// A metric, and how its values become data points.
    pub struct TargetTrackingMetricStat = sdk::TargetTrackingMetricStat, fallible {
        /// The metric.
        metric(set_metric): TargetTrackingMetric,
        /// The statistic, such as `Average`.
        stat(set_stat): String,
        /// The unit that values must have.
        #[schemars(length(min = 1, max = 1023))]
        unit(set_unit): Option<String>,
    }

    /// A metric.
    pub struct TargetTrackingMetric = sdk::TargetTrackingMetric {
        /// Its dimensions.
        #[schemars(extend("uniqueItems" = true))]
        dimensions(set_dimensions): Option<Vec<TargetTrackingMetricDimension>>,
        /// Its name.
        #[schemars(length(min = 1, max = 255))]
        metric_name(set_metric_name): Option<String>,
        /// Its namespace.
        #[schemars(length(min = 1, max = 255))]
        namespace(set_namespace): Option<String>,
    }

    /// A dimension of a metric.
    pub struct TargetTrackingMetricDimension = sdk::TargetTrackingMetricDimension, fallible {
        /// Its name.
        #[schemars(length(min = 1, max = 255))]
        name(set_name): String,
        /// Its value.
        #[schemars(length(min = 1, max = 1024))]
        value(set_value): String,
    }

    /// A policy that changes the capacity by how far an alarm's metric is beyond its threshold.
    pub struct StepScalingPolicyConfiguration = sdk::StepScalingPolicyConfiguration {
        /// What adjustments are: more or less capacity, the capacity itself, or percent of it.
        #[schemars(extend("enum" = ["ChangeInCapacity", "PercentChangeInCapacity", "ExactCapacity"]))]
        adjustment_type(set_adjustment_type): Option<Word<sdk::AdjustmentType>>,
        /// Seconds after an adjustment for which the next waits. AWS's default is 300 for ECS.
        #[schemars(range(min = 0))]
        cooldown(set_cooldown): Option<i32>,
        /// How the metric's data points are taken together. AWS's default is `Average`.
        #[schemars(extend("enum" = ["Average", "Minimum", "Maximum"]))]
        metric_aggregation_type(set_metric_aggregation_type): Option<Word<sdk::MetricAggregationType>>,
        /// The least that the capacity changes by, for `PercentChangeInCapacity`.
        min_adjustment_magnitude(set_min_adjustment_magnitude): Option<i32>,
        /// Adjustments, each for a range above or below the threshold.
        #[schemars(extend("uniqueItems" = true))]
        step_adjustments(set_step_adjustments): Option<Vec<StepAdjustment>>,
    }

    /// An adjustment for a range above or below the threshold.
    pub struct StepAdjustment = sdk::StepAdjustment, fallible {
        /// Where the range begins, as a distance from the threshold; none for minus infinity.
        metric_interval_lower_bound(set_metric_interval_lower_bound): Option<f64>,
        /// Where the range ends, as a distance from the threshold; none for infinity.
        metric_interval_upper_bound(set_metric_interval_upper_bound): Option<f64>,
        /// By how much the capacity changes, or the capacity itself.
        scaling_adjustment(set_scaling_adjustment): i32,
    }
}
