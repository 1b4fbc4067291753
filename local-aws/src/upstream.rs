//! The HTTP client towards the emulator.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::header::{HOST, HeaderName};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// Headers that concern one connection and not the message (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [HeaderName; 4] =
    [hyper::header::CONNECTION, hyper::header::TE, hyper::header::TRANSFER_ENCODING, hyper::header::UPGRADE];

/// Why the emulator gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpstreamError {
    /// It did not take the call.
    #[error("the emulator does not answer: {0}")]
    Client(#[from] hyper_util::client::legacy::Error),
    /// Its answer broke off.
    #[error("the emulator's answer broke off: {0}")]
    Body(axum::Error),
    /// The call could not be put into words.
    #[error("no such request can be made: {0}")]
    Request(#[from] hyper::http::Error),
}

/// A pool of connections to one address.
#[derive(Debug, Clone)]
pub(crate) struct Upstream {
    client: Client<HttpConnector, Body>,
    address: SocketAddr,
}

impl Upstream {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).pool_idle_timeout(Duration::from_secs(30)).build(connector);
        Self { client, address }
    }

    /// Hands on `request` as it is, its `Host` included.
    pub(crate) async fn forward(&self, request: Request<Body>) -> Result<Response<Body>, UpstreamError> {
        let (mut parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        parts.uri = Uri::builder().scheme("http").authority(self.address.to_string()).path_and_query(path).build()?;
        for name in HOP_BY_HOP {
            parts.headers.remove(name);
        }
        let mut response = self.client.request(Request::from_parts(parts, body)).await?.map(Body::new);
        for name in HOP_BY_HOP {
            response.headers_mut().remove(name);
        }
        Ok(response)
    }

    /// Hands on a request whose body is at hand, and reads the whole answer.
    pub(crate) async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, UpstreamError> {
        let (parts, body) = self.forward(request.map(Body::from)).await?.into_parts();
        let body = BodyExt::collect(body).await.map_err(UpstreamError::Body)?.to_bytes();
        Ok(Response::from_parts(parts, body))
    }

    /// Says whether the emulator answers.
    pub(crate) async fn answers(&self) -> bool {
        let request = Request::get("/_ministack/health").header(HOST, "localhost").body(Bytes::new());
        let Ok(request) = request else { return false };
        let answer = tokio::time::timeout(Duration::from_secs(5), self.call(request)).await;
        matches!(answer, Ok(Ok(response)) if response.status() == StatusCode::OK)
    }
}
