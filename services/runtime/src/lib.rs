//! What both services share: configuration, logs, metrics, health, and an orderly end.

pub mod address;
pub mod aws;
pub mod environment;
pub mod failure;
pub mod health;
pub mod logs;
pub mod metrics;
pub mod notification;
pub mod probe;
mod secret;
pub mod service;
pub mod shutdown;

pub use environment::{Environment, Faults};
pub use health::Health;
pub use metrics::{Metric, Metrics};
pub use notification::Notification;
pub use secret::Secret;
pub use service::{Context, Fatal, run};
pub use shutdown::Shutdown;
