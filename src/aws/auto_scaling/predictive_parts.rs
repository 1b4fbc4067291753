//! The parts of predictive scaling policies, to and from the SDK's types.

use aws_sdk_applicationautoscaling::types as sdk;

use crate::aws::mirror::{Word, mirror};

/// Metrics that AWS can forecast.
const PREDEFINED: [&str; 9] = [
    "ALBRequestCount",
    "ALBRequestCountPerTarget",
    "ECSServiceAverageCPUUtilization",
    "ECSServiceAverageMemoryUtilization",
    "ECSServiceCPUUtilization",
    "ECSServiceMemoryUtilization",
    "ECSServiceTotalCPUUtilization",
    "ECSServiceTotalMemoryUtilization",
    "TotalALBRequestCount",
];

mirror! {
    /// A policy that adds capacity before the load that it forecasts.
    pub struct PredictiveScalingPolicyConfiguration = sdk::PredictiveScalingPolicyConfiguration, fallible {
        /// Whether a forecast may go beyond the target's `MaxCapacity`. AWS's default is `HonorMaxCapacity`.
        #[schemars(extend("enum" = ["HonorMaxCapacity", "IncreaseMaxCapacity"]))]
        max_capacity_breach_behavior(set_max_capacity_breach_behavior):
            Option<Word<sdk::PredictiveScalingMaxCapacityBreachBehavior>>,
        /// Percent by which the capacity may be above the forecast, with `IncreaseMaxCapacity`.
        #[schemars(range(min = 0, max = 100))]
        max_capacity_buffer(set_max_capacity_buffer): Option<i32>,
        /// What is forecast, and what is kept at which value.
        #[schemars(length(min = 1), extend("uniqueItems" = true))]
        metric_specifications(set_metric_specifications): Vec<PredictiveScalingMetricSpecification>,
        /// Whether forecasts change the capacity. AWS's default is `ForecastOnly`.
        #[schemars(extend("enum" = ["ForecastOnly", "ForecastAndScale"]))]
        mode(set_mode): Option<Word<sdk::PredictiveScalingMode>>,
        /// Seconds by which capacity is there before the load. AWS's default is 300.
        #[schemars(range(min = 0, max = 3600))]
        scheduling_buffer_time(set_scheduling_buffer_time): Option<i32>,
    }

    /// What is forecast, and what is kept at which value.
    pub struct PredictiveScalingMetricSpecification = sdk::PredictiveScalingMetricSpecification, fallible {
        /// The capacity, as a metric of one's own.
        customized_capacity_metric_specification(set_customized_capacity_metric_specification):
            Option<PredictiveScalingCustomizedMetric>,
        /// The load, as a metric of one's own.
        customized_load_metric_specification(set_customized_load_metric_specification):
            Option<PredictiveScalingCustomizedMetric>,
        /// What is kept at the target value, as a metric of one's own.
        customized_scaling_metric_specification(set_customized_scaling_metric_specification):
            Option<PredictiveScalingCustomizedMetric>,
        /// The load, as a metric that AWS knows.
        predefined_load_metric_specification(set_predefined_load_metric_specification):
            Option<PredictiveScalingPredefinedLoadMetric>,
        /// The load and what is kept at the target value, as a pair of metrics that AWS knows.
        predefined_metric_pair_specification(set_predefined_metric_pair_specification):
            Option<PredictiveScalingPredefinedMetricPair>,
        /// What is kept at the target value, as a metric that AWS knows.
        predefined_scaling_metric_specification(set_predefined_scaling_metric_specification):
            Option<PredictiveScalingPredefinedScalingMetric>,
        /// The value that the scaling metric is kept at.
        target_value(set_target_value): f64,
    }

    /// A metric of one's own.
    pub struct PredictiveScalingCustomizedMetric = sdk::PredictiveScalingCustomizedMetricSpecification, fallible {
        /// Metrics and expressions over them, of which one is returned.
        #[schemars(length(min = 1), extend("uniqueItems" = true))]
        metric_data_queries(set_metric_data_queries): Vec<PredictiveScalingMetricDataQuery>,
    }

    /// A load metric that AWS knows.
    pub struct PredictiveScalingPredefinedLoadMetric = sdk::PredictiveScalingPredefinedLoadMetricSpecification, fallible {
        /// The metric.
        #[schemars(extend("enum" = PREDEFINED))]
        predefined_metric_type(set_predefined_metric_type): String,
        /// What the metric is of, for a load balancer's metrics: `<LoadBalancerFullName>/<TargetGroupFullName>`.
        #[schemars(length(min = 1, max = 1023))]
        resource_label(set_resource_label): Option<String>,
    }

    /// A pair of metrics that AWS knows.
    pub struct PredictiveScalingPredefinedMetricPair = sdk::PredictiveScalingPredefinedMetricPairSpecification, fallible {
        /// The pair, such as `ECSServiceCPUUtilization`.
        #[schemars(extend("enum" = PREDEFINED))]
        predefined_metric_type(set_predefined_metric_type): String,
        /// What the metrics are of, for a load balancer's metrics: `<LoadBalancerFullName>/<TargetGroupFullName>`.
        #[schemars(length(min = 1, max = 1023))]
        resource_label(set_resource_label): Option<String>,
    }

    /// A scaling metric that AWS knows.
    pub struct PredictiveScalingPredefinedScalingMetric =
        sdk::PredictiveScalingPredefinedScalingMetricSpecification, fallible
    {
        /// The metric.
        #[schemars(extend("enum" = PREDEFINED))]
        predefined_metric_type(set_predefined_metric_type): String,
        /// What the metric is of, for a load balancer's metrics: `<LoadBalancerFullName>/<TargetGroupFullName>`.
        #[schemars(length(min = 1, max = 1023))]
        resource_label(set_resource_label): Option<String>,
    }

    /// A metric, or an expression over other metrics.
    pub struct PredictiveScalingMetricDataQuery = sdk::PredictiveScalingMetricDataQuery, fallible {
        /// A metric math expression over the `Id`s of others; in place of `MetricStat`.
        #[schemars(length(min = 1, max = 2048))]
        expression(set_expression): Option<String>,
        /// What expressions call it.
        #[schemars(length(min = 1, max = 255))]
        id(set_id): String,
        /// What graphs call it.
        label(set_label): Option<String>,
        /// The metric; in place of `Expression`.
        metric_stat(set_metric_stat): Option<PredictiveScalingMetricStat>,
        /// Whether it is what is returned. AWS's default is true, and it must be so of one.
        return_data(set_return_data): Option<bool>,
    }

    /// A metric, and how its values become data points.
    pub struct PredictiveScalingMetricStat = sdk::PredictiveScalingMetricStat, fallible {
        /// The metric.
        metric(set_metric): PredictiveScalingMetric,
        /// The statistic, such as `Average`.
        stat(set_stat): String,
        /// The unit that values must have.
        #[schemars(length(min = 1, max = 1023))]
        unit(set_unit): Option<String>,
    }

    /// A metric.
    pub struct PredictiveScalingMetric = sdk::PredictiveScalingMetric {
        /// Its dimensions.
        #[schemars(extend("uniqueItems" = true))]
        dimensions(set_dimensions): Option<Vec<PredictiveScalingMetricDimension>>,
        /// Its name.
        #[schemars(length(min = 1, max = 255))]
        metric_name(set_metric_name): Option<String>,
        /// Its namespace.
        #[schemars(length(min = 1, max = 255))]
        namespace(set_namespace): Option<String>,
    }

    /// A dimension of a metric.
    pub struct PredictiveScalingMetricDimension = sdk::PredictiveScalingMetricDimension, fallible {
        /// Its name.
        #[schemars(length(min = 1, max = 255))]
        name(set_name): String,
        /// Its value.
        #[schemars(length(min = 1, max = 1024))]
        value(set_value): String,
    }
}
