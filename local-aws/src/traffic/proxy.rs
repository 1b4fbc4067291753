//! The way of one request through a load balancer: to a target and back, or answered at once.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, CONTENT_TYPE, EXPECT, HeaderMap, HeaderName, HeaderValue, LOCATION, PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION, SERVER, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use hyper::http::request::Parts;
use hyper::http::uri::PathAndQuery;
use hyper::{Request, Response, StatusCode, Uri, Version};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::timeout;

use crate::traffic::State;
use crate::traffic::action::Action;
use crate::traffic::groups::{Choice, Chosen};
use crate::traffic::routes::{Balancer, Listener};

/// How long a connection to a target may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Said for a target that no process stands behind, and that is not told what to answer.
const SIMULATED: &str =
    "tasks are simulated here: tell them a `response_status`, or start local-aws with --containers\n";

/// Headers that concern one connection and not the message (RFC 9110, section 7.6.1), and what hyper answers itself.
const HOP_BY_HOP: [HeaderName; 10] = [
    CONNECTION,
    EXPECT,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// The connections to a target, kept open.
pub(super) type Connections = Client<HttpConnector, Body>;

pub(super) fn connections() -> Connections {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector)
}

/// A request that came to a load balancer.
pub(super) struct Arrived<'a> {
    pub(super) balancer: &'a Balancer,
    pub(super) listener: &'a Listener,
    pub(super) peer: SocketAddr,
    /// The path and query as the client means them.
    pub(super) path: PathAndQuery,
}

impl Arrived<'_> {
    /// Answers the request, and counts it.
    pub(super) async fn answer(self, state: &State, request: Request<Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let (group, response) = match self.listener.action(&parts, self.path.path(), self.peer.ip()) {
            Action::Forward(forward) => match forward.next() {
                Some(group) => (Some(group), self.forward(state, group, parts, body).await),
                None => (None, failed(StatusCode::SERVICE_UNAVAILABLE)),
            },
            Action::Fixed { status, kind, body } => (None, fixed(*status, kind, body)),
            Action::Redirect(redirect) => {
                let Listener { protocol, port, .. } = self.listener;
                let location = redirect.location(&parts, self.path.path(), protocol, *port);
                (None, redirected(redirect.status, &location))
            }
            Action::Unknown => (None, failed(StatusCode::NOT_IMPLEMENTED)),
        };
        state.counts().add(&self.balancer.name, group, response.status().as_u16());
        response
    }

    async fn forward(&self, state: &State, group: &str, parts: Parts, body: Body) -> Response<Body> {
        let scale = state.scale();
        let choice = state.groups().choose(group, scale);
        let Chosen { address, connections, under_way } = match choice {
            Choice::At(chosen) => *chosen,
            Choice::None => return failed(StatusCode::SERVICE_UNAVAILABLE),
            Choice::Simulated(None) => return fixed(503, "text/plain", SIMULATED),
            Choice::Simulated(Some(status)) => return empty(status),
            Choice::Secure => return failed(StatusCode::BAD_GATEWAY),
        };
        let Some(request) = self.request(parts, body, address) else { return failed(StatusCode::BAD_REQUEST) };
        match timeout(self.balancer.idle_timeout, connections.request(request)).await {
            Ok(Ok(response)) => {
                // The request is over when its answer is.
                let held = |body: Incoming| body.map_frame(move |frame| (frame, &under_way).0);
                let mut response = response.map(|body| Body::new(held(body)));
                *response.version_mut() = Version::HTTP_11;
                remove_hop_by_hop(response.headers_mut());
                response
            }
            Ok(Err(error)) if timed_out(&error) => failed(StatusCode::GATEWAY_TIMEOUT),
            Ok(Err(_)) => failed(StatusCode::BAD_GATEWAY),
            Err(_) => failed(StatusCode::GATEWAY_TIMEOUT),
        }
    }

    /// Makes the request to the target.
    fn request(&self, mut parts: Parts, body: Body, target: SocketAddr) -> Option<Request<Body>> {
        let uri = Uri::builder().scheme("http").authority(target.to_string()).path_and_query(self.path.clone());
        parts.uri = uri.build().ok()?;
        parts.version = Version::HTTP_11;
        remove_hop_by_hop(&mut parts.headers);
        let headers = &mut parts.headers;
        let before: Vec<&str> =
            headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).collect();
        let client = self.peer.ip().to_string();
        let forwarded_for = before.into_iter().chain([client.as_str()]).collect::<Vec<_>>().join(", ");
        headers.insert("x-forwarded-for", HeaderValue::from_str(&forwarded_for).ok()?);
        let protocol = self.listener.protocol.to_lowercase();
        headers.insert("x-forwarded-proto", HeaderValue::from_str(&protocol).ok()?);
        headers.insert("x-forwarded-port", HeaderValue::from(self.listener.port));
        if !headers.contains_key("x-amzn-trace-id") {
            headers.insert("x-amzn-trace-id", HeaderValue::from_str(&trace()).ok()?);
        }
        Some(Request::from_parts(parts, body))
    }
}

/// Removes what concerns only one connection, with what its `Connection` header names.
fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|names| names.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// Makes a trace id: the second and a number of its own.
fn trace() -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    format!("Root=1-{seconds:08x}-{:024x}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// Says whether a connection was not there in time, which is another failure than one refused.
fn timed_out(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source())
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::TimedOut)
}

/// Makes the answer by which a load balancer says that it failed.
pub(super) fn failed(status: StatusCode) -> Response<Body> {
    let title = format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or_default());
    let body = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    );
    fixed(status.as_u16(), "text/html", &body)
}

/// Makes a simulated target's answer; a status that HTTP does not have is none that can be passed on.
fn empty(status: u16) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    response
}

/// Makes an answer of the load balancer's own.
pub(super) fn fixed(status: u16, kind: &str, body: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_owned()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    headers.insert(SERVER, HeaderValue::from_static("awselb/2.0"));
    if let Ok(kind) = HeaderValue::from_str(kind) {
        headers.insert(CONTENT_TYPE, kind);
    }
    response
}

fn redirected(status: u16, location: &str) -> Response<Body> {
    let Ok(location) = HeaderValue::from_str(location) else { return failed(StatusCode::BAD_REQUEST) };
    let mut response = failed(StatusCode::from_u16(status).unwrap_or(StatusCode::FOUND));
    response.headers_mut().insert(LOCATION, location);
    response
}
