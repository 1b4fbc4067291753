//! From the first connection to the last: listening, and an end that loses nothing.

use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use aws_sdk_sqs::Client;
use axum::Router;
use service_runtime::aws::{self, Patience};
use service_runtime::health::Condition;
use service_runtime::{Context, Fatal};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::Activity;
use crate::batch::Batches;
use crate::connection::Connections;
use crate::queue::SqsQueue;
use crate::routes;
use crate::settings::Settings;

/// How long one attempt at a call may take; SQS answers within some tens of milliseconds.
const ATTEMPT: Duration = Duration::from_secs(3);
const ATTEMPTS: u32 = 3;
/// How often the queue is asked whether it answers.
const REACH_EVERY: Duration = Duration::from_secs(10);
/// How long no connection is taken after one could not be.
const ACCEPT_AGAIN: Duration = Duration::from_secs(1);
/// How long no notification must have come at the end.
const QUIET: Duration = Duration::from_secs(1);

/// Serves until it is asked to end, and has ended.
///
/// # Errors
/// When it can't be started.
pub async fn serve(context: Context, settings: Settings) -> Result<(), Fatal> {
    let patience = Patience { attempt: ATTEMPT, call: settings.request_timeout, attempts: ATTEMPTS };
    let config = aws::config(&context.region, patience)
        .await
        .map_err(|error| Fatal::new("cannot make the HTTPS client", error))?;
    let queue = SqsQueue::new(Client::new(&config), settings.queue_url.clone());
    if settings.api_key.is_none() {
        tracing::warn!("API_KEY is not set: whoever reaches this service can send notifications");
    }
    context.health.warm_up(settings.warm_up);
    let watch = tokio::spawn(watch(queue.clone(), context.health.condition("queue")));
    let (batches, mut sending) = Batches::start(queue, settings.batch, context.metrics.clone());
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, context.port))
        .await
        .map_err(|error| Fatal::new("cannot listen", error))?;
    tracing::info!(port = context.port, queue = settings.queue_url, "listening");
    let end = End { drain: settings.drain, request_timeout: settings.request_timeout, activity: Activity::default() };
    let router = routes::router(&context, settings, batches, end.activity.clone());
    tokio::select! {
        cut_off = listen(listener, router, &context, end) => {
            if cut_off > 0 {
                tracing::error!(requests = cut_off, "the stop timeout is near: requests under way are cut off");
            }
        }
        // The task has to outlast the listener, which holds handles on it.
        _ = &mut sending => return Err(Fatal::new("cannot queue", "the task that sends batches failed")),
    }
    watch.abort();
    // Every notification belongs to a request, so there is hardly one left; but a caller may have gone.
    tokio::select! {
        _ = sending => {}
        () = context.shutdown.expired() => tracing::error!("ended before the queue had everything"),
    }
    Ok(())
}

/// How a service ends.
#[derive(Debug, Clone)]
pub struct End {
    /// How long new connections are taken at least.
    pub drain: Duration,
    /// How long the last request may take.
    pub request_timeout: Duration,
    /// What tells whether notifications still come.
    pub activity: Activity,
}

/// Serves `router` on `listener` until the end is asked for; then on as before, though connections close after their next
/// answer, for as long as [`End::drain`] and until no more notifications come; then what is under way, until it is done or
/// the budget is used up.
///
/// Returns how many requests are cut off.
pub async fn listen(listener: TcpListener, router: Router, context: &Context, end: End) -> usize {
    let connections = Connections { router, requests: TaskTracker::new(), ending: CancellationToken::new() };
    let requests = connections.requests.clone();
    let served = async {
        let open = TaskTracker::new();
        tokio::select! {
            never = accept(&listener, &connections, &open) => match never {},
            () = drained(context, end) => {}
        }
        drop(listener);
        connections.ending.cancel();
        open.close();
        open.wait().await;
    };
    tokio::select! {
        () = served => 0,
        () = context.shutdown.expired() => requests.len(),
    }
}

async fn accept(listener: &TcpListener, connections: &Connections, open: &TaskTracker) -> Infallible {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(open.spawn(connections.clone().serve(stream))),
            Err(error) if is_of_one_connection(&error) => tracing::debug!(%error, "a connection failed"),
            Err(error) => {
                tracing::error!(%error, "cannot take connections");
                // Such as too many open files: it passes when others are closed.
                sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Waits until the end is asked for, and then until no new connections are to be taken.
async fn drained(context: &Context, end: End) {
    context.shutdown.requested().await;
    context.health.drain();
    // Who sends the requests is told of the end when this process is, or later, and goes on until it knows.
    let quiet = async {
        sleep(end.drain).await;
        end.activity.ceases(QUIET).await;
    };
    let budget = context.shutdown.budget();
    let latest = budget.saturating_sub(end.request_timeout).max(budget / 2);
    let ceased = timeout(latest, quiet).await.is_ok();
    tracing::info!(requests_ceased = ceased, "no new connections");
}

/// Tells readiness whether the queue answers.
async fn watch(queue: SqsQueue, condition: Condition) -> Infallible {
    loop {
        condition.set(queue.reach().await);
        sleep(REACH_EVERY).await;
    }
}
