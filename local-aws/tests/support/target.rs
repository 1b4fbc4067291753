//! Targets of load balancers for the tests: servers that tell what they were asked, and may be killed.

#![allow(clippy::unwrap_used, unreachable_pub, reason = "a part of a test")]
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::IntoResponse;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

/// A target: a server that answers with its name and what it was asked.
pub struct Server {
    pub address: SocketAddr,
    pub behaviour: Arc<Behaviour>,
    task: JoinHandle<()>,
}

pub struct Behaviour {
    name: String,
    /// The status of `/health`.
    pub health: AtomicU16,
    /// How many requests came, health checks left out.
    served: AtomicUsize,
    /// A request to `/slow` came, and may be answered.
    pub begun: Notify,
    pub go_on: Notify,
}

impl Server {
    pub async fn start(name: &str) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let behaviour = Arc::new(Behaviour {
            name: name.into(),
            health: AtomicU16::new(200),
            served: AtomicUsize::new(0),
            begun: Notify::new(),
            go_on: Notify::new(),
        });
        let task = tokio::spawn(accept(socket, Arc::clone(&behaviour)));
        Self { address, behaviour, task }
    }

    pub fn served(&self) -> usize {
        self.behaviour.served.load(Ordering::SeqCst)
    }

    pub fn port(&self) -> String {
        self.address.port().to_string()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves until it is ended, which breaks all connections, as a process that is killed does.
async fn accept(socket: TcpListener, own: Arc<Behaviour>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = socket.accept().await.unwrap();
        let own = Arc::clone(&own);
        connections.spawn(async move {
            let service = service_fn(|request: Request<Incoming>| {
                let answer = serve(Arc::clone(&own), request.map(Body::new));
                async { Ok::<_, Infallible>(answer.await.into_response()) }
            });
            let _client_left = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn serve(own: Arc<Behaviour>, request: Request<Body>) -> (StatusCode, Body) {
    let path = request.uri().path_and_query().unwrap().to_string();
    if path == "/health" {
        return (StatusCode::from_u16(own.health.load(Ordering::SeqCst)).unwrap(), Body::empty());
    }
    own.served.fetch_add(1, Ordering::SeqCst);
    match path.as_str() {
        "/slow" => {
            own.begun.notify_one();
            own.go_on.notified().await;
        }
        "/long" => tokio::time::sleep(Duration::from_millis(600)).await,
        "/never" => std::future::pending().await,
        "/echo" => return (StatusCode::OK, request.into_body()),
        _ => {}
    }
    let header = |name: &str| request.headers().get(name).map_or("-", |value| value.to_str().unwrap());
    let headers = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-port", "host"].map(header).join(" ");
    let connection = header("connection");
    (StatusCode::OK, Body::from(format!("{} {path} {headers} {connection}", own.name)))
}
