//! The one endpoint: accepts connections and answers each request.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower::ServiceExt;

use crate::upstream::Upstream;

/// What every request may need.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The emulator.
    pub(crate) upstream: Upstream,
}

/// A connection closed on purpose, without an answer.
#[derive(Debug, thiserror::Error)]
#[error("connection dropped on purpose")]
pub(crate) struct Dropped;

/// Serves until `stop` resolves.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>, stop: impl Future<Output = ()>) {
    let control = Router::new();
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        let stream = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                // Too many open files passes; spinning on it would not help.
                Err(_) => { tokio::time::sleep(std::time::Duration::from_millis(10)).await; continue }
            },
        };
        while connections.try_join_next().is_some() {}
        // Only a matter of speed: small answers would otherwise wait for the client's acknowledgement.
        let _slower = stream.set_nodelay(true);
        let shared = Arc::clone(&shared);
        let control = control.clone();
        connections.spawn(async move {
            let service = service_fn(|request| answer(request, &shared, &control));
            let connection =
                http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
            let _client_left_or_dropped = connection.await;
        });
    }
}

async fn answer(request: Request<Incoming>, shared: &Shared, control: &Router) -> Result<Response, Dropped> {
    let request = request.map(Body::new);
    if request.uri().path().starts_with("/_local") {
        let answered: Result<_, Infallible> = control.clone().oneshot(request).await;
        return Ok(answered.unwrap_or_else(|never| match never {}));
    }
    match shared.upstream.forward(request).await {
        Ok(response) => Ok(response),
        Err(error) => Ok((StatusCode::BAD_GATEWAY, error.to_string()).into_response()),
    }
}
