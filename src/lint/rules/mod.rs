//! The lints, one a file.

pub(super) mod circuit_breaker;
pub(super) mod deregistration_delay;
pub(super) mod desired_count;
pub(super) mod health_check;
pub(super) mod health_check_grace_period;
pub(super) mod image_tag;
pub(super) mod minimum_healthy_percent;
pub(super) mod single_zone;
pub(super) mod strategy;
