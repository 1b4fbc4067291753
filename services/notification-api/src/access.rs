//! What is told of every request: a line of the log, metrics, and, at the end, that the connection closes.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::CONNECTION;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use service_runtime::{Metrics, Shutdown};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tower_http::request_id::{MakeRequestId, RequestId};
use ulid::Ulid;

use crate::metrics::{ERRORS, LATENCY, REJECTED, REQUESTS};
use crate::routes::SEND;

/// The header that carries a request's id, in both directions.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id that is taken over from a request, in bytes: it is written to the log.
const LONGEST_ID: usize = 128;
/// The paths that may stand in the log; others come from who knows where.
const KNOWN: [&str; 4] = [SEND, "/health", "/ready", "/openapi.json"];

/// Gives a ULID to requests that bring no id.
#[derive(Debug, Clone, Copy, Default)]
pub struct MakeUlid;

impl MakeRequestId for MakeUlid {
    fn make_request_id<B>(&mut self, _: &axum::http::Request<B>) -> Option<RequestId> {
        HeaderValue::from_str(&Ulid::new().to_string()).ok().map(RequestId::new)
    }
}

/// Drops an id that is too long to be logged, so that the request gets another.
pub fn without_long_id(mut request: Request) -> Request {
    if request.headers().get(X_REQUEST_ID).is_some_and(|id| id.is_empty() || id.len() > LONGEST_ID) {
        request.headers_mut().remove(X_REQUEST_ID);
    }
    request
}

/// When a notification last came. Clones share it.
#[derive(Debug, Clone)]
pub struct Activity(watch::Sender<Instant>);

impl Default for Activity {
    fn default() -> Self {
        Self(watch::Sender::new(Instant::now()))
    }
}

impl Activity {
    /// Waits until no notification has come for `quiet`.
    pub async fn ceases(&self, quiet: Duration) {
        loop {
            let last = *self.0.borrow();
            if last.elapsed() >= quiet {
                return;
            }
            sleep_until(last + quiet).await;
        }
    }
}

/// What [`tell`] needs.
#[derive(Debug, Clone)]
pub struct Access {
    /// What is told when a notification comes.
    pub activity: Activity,
    /// Where requests are counted.
    pub metrics: Metrics,
    /// Whether connections are to be closed.
    pub shutdown: Shutdown,
}

/// Serves the request, and tells of it. Neither bodies nor addresses are logged.
pub async fn tell(State(access): State<Access>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let path = KNOWN.into_iter().find(|path| *path == request.uri().path());
    let id = request.headers().get(X_REQUEST_ID).cloned();
    let id = id.as_ref().and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
    if path == Some(SEND) {
        access.activity.0.send_replace(began);
    }
    let mut response = next.run(request).await;
    let (status, elapsed) = (response.status(), began.elapsed());
    let milliseconds = elapsed.as_micros() as f64 / 1000.0;
    if path == Some(SEND) {
        access.metrics.count(REQUESTS, 1);
        access.metrics.time(LATENCY, elapsed);
        access.metrics.count(ERRORS, u64::from(status.is_server_error()));
        access.metrics.count(REJECTED, u64::from(status.is_client_error()));
        tracing::info!(request_id = id, %method, path, status = status.as_u16(), milliseconds, "request");
    } else {
        let path = path.unwrap_or("other");
        tracing::debug!(request_id = id, %method, path, status = status.as_u16(), milliseconds, "request");
    }
    if access.shutdown.is_requested() {
        // The load balancer opens its next connection elsewhere; closing this one unasked could cut off a request.
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
