//! A connection, whose end waits for answers and for nothing else.

use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// How long a request's head may take, and a connection be kept without one. Longer than the minute for which a load balancer of AWS
/// keeps it, so that it is never this side that closes:
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html>.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// How long the rest of a head may take at the end.
const LAST_HEAD: Duration = Duration::from_secs(1);
/// Bytes that are read ahead, and so of a head: what a load balancer of AWS passes on.
const BUFFER: usize = 65_536;

/// What all connections share.
#[derive(Debug, Clone)]
pub(crate) struct Connections {
    pub(crate) router: Router,
    /// Every request under way has a token of it.
    pub(crate) requests: TaskTracker,
    /// Cancelled when connections are to be closed that have no request under way.
    pub(crate) ending: CancellationToken,
}

impl Connections {
    /// Serves one connection until it is closed.
    pub(crate) async fn serve(self, stream: TcpStream) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot turn Nagle's algorithm off");
        }
        let (busy, mut is_busy) = watch::channel(false);
        let service = service_fn(|request: Request<Incoming>| {
            let (router, under_way) = (self.router.clone(), UnderWay::new(&busy, &self.requests));
            async move {
                let answer = router.oneshot(request.map(Body::new)).await;
                drop(under_way);
                answer
            }
        });
        let mut connection = pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIMEOUT)
                .max_buf_size(BUFFER)
                .serve_connection(TokioIo::new(stream), service)
        );
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.ending.cancelled() => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = connection.as_mut() => ended,
                    () = falls_idle(&mut is_busy) => Ok(()),
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection failed");
        }
    }
}

/// Waits until no request is under way, and none has come for [`LAST_HEAD`].
async fn falls_idle(busy: &mut watch::Receiver<bool>) {
    while busy.wait_for(|busy| !busy).await.is_ok() {
        if timeout(LAST_HEAD, busy.wait_for(|busy| *busy)).await.is_err() {
            return;
        }
    }
}

/// A request from its head to its answer.
struct UnderWay {
    busy: watch::Sender<bool>,
    _token: tokio_util::task::task_tracker::TaskTrackerToken,
}

impl UnderWay {
    fn new(busy: &watch::Sender<bool>, requests: &TaskTracker) -> Self {
        busy.send_replace(true);
        Self { busy: busy.clone(), _token: requests.token() }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.busy.send_replace(false);
    }
}
