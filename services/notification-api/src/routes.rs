//! The routes, and what every request passes on its way.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::error_handling::HandleErrorLayer;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{BoxError, Router, middleware};
use email_address::EmailAddress;
use serde_json::Value;
use service_runtime::{Context, Metrics, Notification, health, notification};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout_at};
use tower::ServiceBuilder;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{PropagateRequestIdLayer, SetRequestIdLayer};
use ulid::Ulid;

use crate::access::{Access, Activity, MakeUlid, X_REQUEST_ID, tell, without_long_id};
use crate::batch::{Batches, NotQueued};
use crate::body::{self, has_too_many_values};
use crate::key;
use crate::metrics::NOT_QUEUED;
use crate::openapi;
use crate::problem::Problem;
use crate::queue::Entry;
use crate::refusal::{Fault, NotTaken};
use crate::request::SendRequest;
use crate::room::Memory;
use crate::settings::Settings;

/// The path that takes notifications.
pub const SEND: &str = "/send-notification";
/// What a notification that is queued is answered with.
const QUEUED: &str = "Notification queued successfully";
const X_NOTIFICATION_ID: HeaderName = HeaderName::from_static("x-notification-id");

/// What the handlers work with.
#[derive(Debug)]
struct Api {
    settings: Settings,
    batches: Batches,
    memory: Memory,
    metrics: Metrics,
}

/// Returns the whole API, over `batches`; `activity` learns of every notification.
pub fn router(context: &Context, settings: Settings, batches: Batches, activity: Activity) -> Router {
    let shed = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(async |_: BoxError| Problem::Overloaded))
        .layer(LoadShedLayer::new())
        .layer(GlobalConcurrencyLimitLayer::new(settings.max_concurrency));
    let memory = Memory::new(settings.max_bytes_in_flight);
    let access = Access { activity, metrics: context.metrics.clone(), shutdown: context.shutdown.clone() };
    let every = ServiceBuilder::new()
        .map_request(without_long_id)
        .layer(SetRequestIdLayer::new(X_REQUEST_ID, MakeUlid))
        .layer(PropagateRequestIdLayer::new(X_REQUEST_ID))
        .layer(middleware::from_fn_with_state(access, tell))
        .layer(CatchPanicLayer::custom(|_| Problem::Internal.into_response()));
    Router::new()
        .route(SEND, post(send).layer::<_, Infallible>(shed))
        .route("/openapi.json", get(describe))
        .with_state(Arc::new(Api { settings, batches, memory, metrics: context.metrics.clone() }))
        .merge(health::router(context.health.clone()))
        .fallback(async || Problem::NotFound)
        .method_not_allowed_fallback(async || Problem::NoSuchMethod)
        .layer(every)
}

async fn send(State(api): State<Arc<Api>>, request: Request) -> Result<Response, Problem> {
    let deadline = Instant::now() + api.settings.request_timeout;
    if api.settings.api_key.as_ref().is_some_and(|key| !key::is_presented(request.headers(), key)) {
        return Err(Problem::Unauthorized);
    }
    if !is_json(request.headers()) {
        return Err(Problem::NotJsonType);
    }
    let read = body::read(request.into_body(), api.settings.batch.max_bytes, &api.memory);
    let (body, room) = timeout_at(deadline, read).await.map_err(|_| Problem::TooSlow)??;
    let (entry, id) = message(body, &api.settings)?;
    let mut unconfirmed = Unconfirmed(Some(&api.metrics));
    match timeout_at(deadline, api.batches.send(entry, room)).await {
        Ok(Ok(())) => {
            unconfirmed.0 = None;
            Ok(([(X_NOTIFICATION_ID, id)], QUEUED).into_response())
        }
        Ok(Err(error)) => {
            tracing::warn!(notification = id, %error, "not queued");
            let problem = problem(&error);
            if problem.status().is_client_error() {
                unconfirmed.0 = None;
            }
            Err(problem)
        }
        Err(_) => {
            tracing::warn!(notification = id, "not queued in time");
            Err(Problem::NotQueued)
        }
    }
}

/// Says what the caller is told: only of what passes, that it may come again.
fn problem(error: &NotQueued) -> Problem {
    let NotQueued::NotTaken(NotTaken { fault, .. }) = error else { return Problem::NotQueued };
    match fault {
        Fault::Queue => Problem::NotQueued,
        Fault::Size => Problem::TooLargeForQueue,
        Fault::Characters => Problem::Characters,
        Fault::Service => Problem::Internal,
    }
}

/// Counts a notification that is not confirmed while its caller waits, whether it is answered or the caller goes.
struct Unconfirmed<'a>(Option<&'a Metrics>);

impl Drop for Unconfirmed<'_> {
    fn drop(&mut self) {
        if let Some(metrics) = self.0 {
            metrics.count(NOT_QUEUED, 1);
        }
    }
}

/// Whether the body is said to be JSON, with whatever parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let essence = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()?.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// Makes the message that goes to the queue, and its notification's id. While it waits there, nothing else is kept of the body.
fn message(body: Vec<u8>, settings: &Settings) -> Result<(Entry, String), Problem> {
    if has_too_many_values(&body) {
        return Err(Problem::TooManyValues);
    }
    let notification = notification(read(&body, settings.default_recipient.as_ref())?);
    drop(body);
    let mut message = notification.to_body().map_err(|_| Problem::Internal)?;
    if message.len() > settings.batch.max_bytes {
        return Err(Problem::TooLarge(settings.batch.max_bytes));
    }
    message.shrink_to_fit();
    let key = notification.deduplication_key().to_owned();
    Ok((Entry { body: message, key }, notification.id))
}

fn read(body: &[u8], default_recipient: Option<&EmailAddress>) -> Result<SendRequest, Problem> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => SendRequest::check(fields, default_recipient).map_err(Problem::Fields),
        Ok(_) => Err(Problem::NotAnObject),
        Err(error) => Err(Problem::NotJson(error.to_string())),
    }
}

/// Names a notification: the same key makes the same name, so that a repetition is answered with the name of what is in the queue.
fn id(key: Option<&str>) -> Ulid {
    match key.map(Sha256::digest) {
        Some(digest) => Ulid::from_bytes(std::array::from_fn(|byte| digest[byte])),
        None => Ulid::new(),
    }
}

fn notification(request: SendRequest) -> Notification {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Notification {
        version: notification::VERSION,
        id: id(request.idempotency_key.as_deref()).to_string(),
        message: request.message,
        to: request.to.to_string(),
        subject: request.subject,
        template_data: request.template_data,
        idempotency_key: request.idempotency_key,
        queued_at: u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX),
    }
}

async fn describe() -> Result<Response, Problem> {
    let document = openapi::document().map_err(|_| Problem::Internal)?;
    Ok(([(CONTENT_TYPE, "application/json")], document).into_response())
}
