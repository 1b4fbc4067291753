//! An API over any queue, as its environment sets it: for tests and benchmarks.

use std::time::Duration;

use axum::Router;
use notification_api::access::Activity;
use notification_api::batch::Batches;
use notification_api::queue::Queue;
use notification_api::{End, Settings, metrics, routes};
use service_runtime::{Context, Environment, Health, Metrics, Shutdown};

/// Puts an API together over `queue`, with a stop timeout of a minute and no port.
pub(crate) fn wire<Q: Queue>(queue: Q, environment: &[(&str, &str)]) -> (Router, Context, End) {
    let mut environment = Environment::from_pairs(environment.iter().copied());
    let read = Settings::read(&mut environment);
    let settings = environment.finish(read).unwrap();
    let metrics = Metrics::new("Test".into(), "notification-api", &metrics::ALL);
    let context = Context {
        port: 0,
        region: "us-east-1".into(),
        shutdown: Shutdown::new(Duration::from_secs(60)),
        health: Health::default(),
        metrics: metrics.clone(),
    };
    let (batches, _sending) = Batches::start(queue, settings.batch, metrics);
    let (drain, request_timeout) = (settings.drain, settings.request_timeout);
    let end = End { drain, request_timeout, activity: Activity::default() };
    (routes::router(&context, settings, batches, end.activity.clone()), context, end)
}
