//! Amazon CloudWatch Logs.

mod log_group;
mod metric_filter;

pub use log_group::LogGroup;
pub(in crate::aws) use log_group::exists;
pub use metric_filter::MetricFilter;
