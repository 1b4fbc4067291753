//! An API over a queue that does as it is told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::request::Builder;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use http_body_util::BodyExt;
use notification_api::End;
use notification_api::queue::{Entry, Queue};
use notification_api::refusal::{Fault, NotTaken};
use serde_json::Value;
use service_runtime::{Context, Notification};
use tokio::sync::Semaphore;
use tower::ServiceExt;

use crate::wiring::wire;

/// How long new connections are taken at least, after the end was asked for.
pub(crate) const DRAIN: Duration = Duration::from_millis(300);

/// What the queue does with messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Does {
    Take,
    /// Refuses them, for whose fault it is.
    Refuse(Fault),
    /// Neither takes nor refuses, until it is let go.
    Hang,
}

/// A queue that does as it is told, and keeps what it took.
#[derive(Debug, Clone)]
pub(crate) struct Obedient {
    does: Does,
    taken: Arc<Mutex<Vec<Entry>>>,
    go: Arc<Semaphore>,
}

impl Obedient {
    pub(crate) fn new(does: Does) -> Self {
        Self { does, taken: Arc::default(), go: Arc::new(Semaphore::new(0)) }
    }

    pub(crate) fn taken(&self) -> Vec<Notification> {
        self.taken.lock().unwrap().iter().map(|entry| Notification::from_body(&entry.body).unwrap()).collect()
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.taken.lock().unwrap().iter().map(|entry| entry.key.clone()).collect()
    }

    /// Lets it take what it holds, and everything from then on.
    pub(crate) fn let_go(&self) {
        self.go.close();
    }
}

impl Queue for Obedient {
    async fn send(&self, batch: Vec<Entry>) -> Vec<Result<(), NotTaken>> {
        match self.does {
            Does::Refuse(fault) => {
                let reason = "AWS.SimpleQueueService.NonExistentQueue".to_owned();
                return vec![Err(NotTaken { reason, fault }); batch.len()];
            }
            Does::Hang => drop(self.go.acquire().await),
            Does::Take => {}
        }
        let size = batch.len();
        self.taken.lock().unwrap().extend(batch);
        vec![Ok(()); size]
    }
}

pub(crate) struct Api {
    pub(crate) router: Router,
    pub(crate) context: Context,
    pub(crate) queue: Obedient,
    pub(crate) end: End,
}

/// Starts an API with the environment given, besides a queue and a recipient.
pub(crate) fn start(does: Does, more: &[(&str, &str)]) -> Api {
    let least =
        [("QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/1/messages"), ("DEFAULT_RECIPIENT", "ops@example.org")];
    let queue = Obedient::new(does);
    let environment: Vec<_> = least.iter().chain(more).copied().collect();
    let (router, context, end) = wire(queue.clone(), &environment);
    Api { router, context, queue, end: End { drain: DRAIN, ..end } }
}

/// Begins a request that sends a notification.
pub(crate) fn post() -> Builder {
    Request::post("/send-notification").header("content-type", "application/json")
}

impl Api {
    pub(crate) async fn call(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Sends `body`, and returns the status and the answer's text.
    pub(crate) async fn send(&self, body: impl Into<Body>) -> (StatusCode, String) {
        text(self.call(post().body(body.into()).unwrap()).await).await
    }
}

pub(crate) async fn text(response: Response) -> (StatusCode, String) {
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// Returns the status, the answer, and the fields that it names.
pub(crate) async fn problem(response: Response) -> (u16, Value, Vec<String>) {
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let (status, text) = text(response).await;
    let problem: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(problem["status"], status.as_u16());
    let errors = problem["errors"].as_array().cloned().unwrap_or_default();
    let fields = errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect();
    (status.as_u16(), problem, fields)
}
