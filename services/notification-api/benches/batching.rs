//! notification-api against a bare axum handler that does the same without batching, side by side in one run.
//!
//! Both speak HTTP on loopback and call the same stand-in for SQS through the same SDK client. Each call to the stand-in
//! takes a fixed time, as a call to SQS within a region does. Rounds are interleaved.
//!
//! usage: `cargo bench -p notification-api [-- --sqs-ms 5 --rounds 3 --seconds 4]`
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark that fails has nothing to say")]

use std::env;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Config, Credentials, Region};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Json, Router};
use hdrhistogram::Histogram;
use notification_api::queue::SqsQueue;
use serde_json::{Value, json};
use service_runtime::{Notification, notification};
use tokio::net::TcpListener;
use tokio::time::sleep;

#[path = "../tests/api/wiring.rs"]
mod wiring;

const BODY: &str = r#"{"message":"Dear ones, I think it is possible for ordinary people to choose to be extraordinary!","to":"ada@example.org"}"#;
/// Connections that send one request after another, as fast as they are answered.
const CONNECTIONS: [usize; 3] = [1, 32, 256];

struct Options {
    sqs: Duration,
    rounds: usize,
    round: Duration,
}

impl Options {
    fn read() -> Self {
        let arguments: Vec<String> = env::args().collect();
        let number = |name: &str, default: u64| {
            let at = arguments.iter().position(|argument| argument == name);
            at.map_or(default, |at| arguments[at + 1].parse().unwrap())
        };
        Self {
            sqs: Duration::from_millis(number("--sqs-ms", 5)),
            rounds: usize::try_from(number("--rounds", 3)).unwrap(),
            round: Duration::from_secs(number("--seconds", 4)),
        }
    }
}

/// Stands in for SQS: each call takes its time, and is counted.
#[derive(Clone)]
struct StandIn {
    takes: Duration,
    calls: Arc<AtomicU64>,
}

async fn sqs(State(sqs): State<StandIn>, headers: HeaderMap, body: Bytes) -> Json<Value> {
    sqs.calls.fetch_add(1, Ordering::Relaxed);
    sleep(sqs.takes).await;
    let message = json!({ "MessageId": "m", "MD5OfMessageBody": "0" });
    if headers["x-amz-target"] != "AmazonSQS.SendMessageBatch" {
        return Json(message);
    }
    let request: Value = serde_json::from_slice(&body).unwrap();
    let taken = request["Entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| json!({ "Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "0" }));
    Json(json!({ "Successful": taken.collect::<Vec<_>>(), "Failed": [] }))
}

/// What most would write: one call for each request.
async fn bare(State((client, url)): State<(Client, String)>, Json(body): Json<Value>) -> impl IntoResponse {
    let notification = Notification {
        version: notification::VERSION,
        id: String::new(),
        message: body["message"].as_str().unwrap().into(),
        to: body["to"].as_str().unwrap().into(),
        subject: None,
        template_data: None,
        idempotency_key: None,
        queued_at: 0,
    };
    let sent = client.send_message().queue_url(url).message_body(notification.to_body().unwrap()).send().await;
    match sent {
        Ok(_) => (StatusCode::OK, "Notification queued successfully"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "not queued"),
    }
}

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, router).into_future());
    address
}

/// What one side did in all its rounds of one number of connections.
struct Tally {
    micros: Histogram<u64>,
    took: Duration,
    calls: u64,
    failed: u64,
}

async fn round(address: SocketAddr, connections: usize, lasts: Duration, tally: &mut Tally, calls: &AtomicU64) {
    let url = format!("http://{address}/send-notification");
    let (before, began) = (calls.load(Ordering::Relaxed), Instant::now());
    let clients: Vec<_> = (0..connections)
        .map(|_| {
            let (url, http) = (url.clone(), reqwest::Client::new());
            tokio::spawn(async move {
                let (mut micros, mut failed) = (Vec::new(), 0);
                while began.elapsed() < lasts {
                    let asked = Instant::now();
                    let request = http.post(&url).header("content-type", "application/json").body(BODY);
                    let answer = request.send().await.unwrap();
                    failed += u64::from(answer.status() != 200);
                    answer.bytes().await.unwrap();
                    micros.push(u64::try_from(asked.elapsed().as_micros()).unwrap());
                }
                (micros, failed)
            })
        })
        .collect();
    for client in clients {
        let (micros, failed) = client.await.unwrap();
        tally.failed += failed;
        micros.into_iter().for_each(|value| tally.micros.record(value).unwrap());
    }
    tally.took += began.elapsed();
    tally.calls += calls.load(Ordering::Relaxed) - before;
}

#[tokio::main]
async fn main() {
    let options = Options::read();
    let stand_in = StandIn { takes: options.sqs, calls: Arc::default() };
    let calls = Arc::clone(&stand_in.calls);
    let endpoint = serve(Router::new().route("/", post(sqs)).with_state(stand_in)).await;
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(format!("http://{endpoint}"))
        .credentials_provider(Credentials::new("test", "test", None, None, "bench"))
        .build();
    let client = Client::from_conf(config);
    let url = format!("http://{endpoint}/123456789012/messages");
    let bare = Router::new().route("/send-notification", post(bare)).with_state((client.clone(), url.clone()));
    let (ours, _context, _end) = wiring::wire(SqsQueue::new(client, url.clone()), &[("QUEUE_URL", url.as_str())]);
    let sides = [("bare handler", serve(bare).await), ("notification-api", serve(ours).await)];

    println!(
        "a call to SQS takes {} ms; {} rounds of {} s each, interleaved",
        options.sqs.as_millis(),
        options.rounds,
        options.round.as_secs()
    );
    println!(
        "{:>11}  {:<16}  {:>10}  {:>7}  {:>7}  {:>13}  {:>6}",
        "connections", "", "requests/s", "p50 ms", "p99 ms", "calls/request", "failed"
    );
    for connections in CONNECTIONS {
        let empty = || Tally { micros: Histogram::new(3).unwrap(), took: Duration::ZERO, calls: 0, failed: 0 };
        let mut tallies = [empty(), empty()];
        for _ in 0..options.rounds {
            for ((_, address), tally) in sides.iter().zip(&mut tallies) {
                round(*address, connections, options.round, tally, &calls).await;
            }
        }
        for ((name, _), tally) in sides.iter().zip(&tallies) {
            let requests = tally.micros.len();
            let milliseconds = |quantile| tally.micros.value_at_quantile(quantile) as f64 / 1000.0;
            println!(
                "{connections:>11}  {name:<16}  {:>10.0}  {:>7.2}  {:>7.2}  {:>13.3}  {:>6}",
                requests as f64 / tally.took.as_secs_f64(),
                milliseconds(0.5),
                milliseconds(0.99),
                tally.calls as f64 / requests as f64,
                tally.failed
            );
            std::io::stdout().flush().unwrap();
        }
    }
}
