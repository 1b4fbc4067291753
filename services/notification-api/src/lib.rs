//! Takes notifications over HTTP, checks them, and queues them to SQS in batches.
//!
//! A request goes through [`routes`] (limits, key, log), is checked by [`request`], and waits in [`batch`] until
//! [`queue`] says that SQS has it. Only then it is answered with success.

pub mod access;
pub mod batch;
mod body;
mod connection;
mod key;
pub mod metrics;
pub mod openapi;
pub mod problem;
pub mod queue;
pub mod refusal;
pub mod request;
pub mod room;
pub mod routes;
mod serve;
pub mod settings;

use service_runtime::service::Service;

pub use serve::{End, listen, serve};
pub use settings::Settings;

/// The service, as [`service_runtime::run`] takes it.
pub const SERVICE: Service<Settings> =
    Service { name: "notification-api", metrics: &metrics::ALL, settings: Settings::read };
