//! The one endpoint: accepts connections and answers each request.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower::ServiceExt;

use crate::call::{Call, Scope};
use crate::error::AwsError;
use crate::fault::Action;
use crate::record::Place;
use crate::shared::Shared;
use crate::{control, service};

/// The largest body of a signed request: far above any test's, and what fits in memory.
const LARGEST_BODY: usize = 256 << 20;

/// A connection closed on purpose, without an answer.
#[derive(Debug, thiserror::Error)]
#[error("connection dropped on purpose")]
pub(crate) struct Dropped;

/// Serves until `stop` resolves.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>, stop: impl Future<Output = ()>) {
    let control = control::router(Arc::clone(&shared));
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                // Too many open files passes; spinning on it would not help.
                Err(_) => { tokio::time::sleep(Duration::from_millis(10)).await; continue }
            },
        };
        while connections.try_join_next().is_some() {}
        // Only a matter of speed: small answers would otherwise wait for the client's acknowledgement.
        let _slower = stream.set_nodelay(true);
        let shared = Arc::clone(&shared);
        let control = control.clone();
        connections.spawn(async move {
            let service = service_fn(|request| answer(request, peer, &shared, &control));
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            let _client_left_or_dropped = connection.await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    peer: SocketAddr,
    shared: &Arc<Shared>,
    control: &Router,
) -> Result<Response, Dropped> {
    let request = match shared.traffic.answer(request.map(Body::new), peer).await {
        Ok(response) => return Ok(response),
        Err(request) => request,
    };
    if request.uri().path().starts_with(control::PREFIX) {
        let answered: Result<_, Infallible> = control.clone().oneshot(request).await;
        return Ok(answered.unwrap_or_else(|never| match never {}));
    }
    // What is not signed is no AWS call: a registry's push and pull.
    let Some(scope) = Scope::of(&request) else {
        let answered = shared.upstream.forward(request).await;
        return Ok(answered.unwrap_or_else(|error| (StatusCode::BAD_GATEWAY, error.to_string()).into_response()));
    };
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, LARGEST_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return Ok((StatusCode::PAYLOAD_TOO_LARGE, error.to_string()).into_response()),
    };
    let request = Request::from_parts(parts, body);
    signed(Call::read(scope, &request), request, shared).await
}

/// Answers a signed call: takes it down, lets it go wrong if it is to, and has it done.
async fn signed(call: Call, request: Request<Bytes>, shared: &Arc<Shared>) -> Result<Response, Dropped> {
    let Scope { service, region } = &call.scope;
    let begun = shared.recorder().begin(service, region, &call.operation, !call.is_read());
    let place = begun.ok_or(Dropped)?;
    unless_held(shared, place).await?;
    let verdict = shared.faults().judge(service, &call.operation);
    if verdict.action.is_some() || !verdict.delay.is_zero() {
        shared.recorder().complete(place, |record| record.fault = true);
    }
    if !verdict.delay.is_zero() {
        tokio::time::sleep(verdict.delay).await;
        unless_held(shared, place).await?;
    }
    let action = verdict.action;
    let wrong = match &action {
        Some((_, Action::DropBefore)) => return Err(Dropped),
        Some((by, Action::HoldBefore)) => {
            shared.hold(*by);
            return Err(held(shared, place).await);
        }
        Some((_, Action::Throttle)) => Some(AwsError::throttled(&call)),
        Some((_, Action::Status(status))) => Some(AwsError::failed(&call, *status)),
        Some((_, Action::Error { code, message, status })) => {
            Some(AwsError { status: *status, code: code.clone(), message: message.clone() })
        }
        Some((_, Action::DropAfter | Action::HoldAfter | Action::Latency { .. })) | None => None,
    };
    let after = match &action {
        Some((_, Action::DropAfter)) => After::Drop,
        Some((_, Action::HoldAfter)) => After::Hold,
        _ => After::Answer,
    };
    // AWS ends what it has begun, whoever still listens. Only a listener to a queue is one as long as it listens.
    let response = if call.is_read() || call.operation == "ReceiveMessage" {
        perform(&call, request, shared, place, wrong, after).await
    } else {
        let shared = Arc::clone(shared);
        let doing = tokio::spawn(async move { perform(&call, request, &shared, place, wrong, after).await });
        doing.await.map_err(|_panicked| Dropped)?
    };
    match action {
        Some((_, Action::DropAfter)) => Err(Dropped),
        Some((by, Action::HoldAfter)) => {
            shared.hold(by);
            Err(held(shared, place).await)
        }
        _ => Ok(response),
    }
}

/// What follows a call that was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Answer,
    Drop,
    Hold,
}

/// Does a call, or fails it as asked, and takes down what became of it.
async fn perform(
    call: &Call,
    request: Request<Bytes>,
    shared: &Shared,
    place: Place,
    wrong: Option<AwsError>,
    after: After,
) -> Response {
    let done = match wrong {
        Some(error) => Err(error),
        None => service::perform(call, request, shared).await,
    };
    let refused = done.as_ref().err().map(|error| error.code.clone());
    let response = done.map_or_else(|error| error.response(call, place.number), |response| response.map(Body::from));
    shared.recorder().complete(place, |record| {
        record.status = (after == After::Answer).then_some(response.status().as_u16());
        record.held = after == After::Hold;
        record.refused = refused;
        record.done = response.status().is_success();
    });
    response
}

/// Returns at once, unless calls are held: then when they are let go of, for the connection to be closed.
async fn unless_held(shared: &Shared, place: Place) -> Result<(), Dropped> {
    if shared.holds() { Err(held(shared, place).await) } else { Ok(()) }
}

/// Holds a call until calls are let go of.
async fn held(shared: &Shared, place: Place) -> Dropped {
    shared.recorder().complete(place, |record| record.held = true);
    shared.released().await;
    Dropped
}
