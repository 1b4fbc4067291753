//! A steady load on an HTTP API: a request at each tick, whether or not those before it were answered.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Client, Url};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::MissedTickBehavior;

use crate::shared::held;

/// How long a caller waits for an answer before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is sent, and how often.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// Where it is sent. Names below `localhost` are loopback's, as RFC 6761 has it.
    pub url: Url,
    /// Headers of each request.
    pub headers: HeaderMap,
    /// The JSON text of each request, in which `{n}` becomes the request's number; nothing for a `GET`.
    pub body: Option<String>,
    /// Requests a second.
    pub rate: u32,
}

/// Requests that are sent until told to stop.
#[derive(Debug)]
pub struct Load {
    began: Instant,
    samples: Arc<Mutex<Vec<Sample>>>,
    stop: watch::Sender<bool>,
    sender: JoinHandle<()>,
}

/// One request and what became of it.
#[derive(Debug, Clone)]
struct Sample {
    number: u64,
    sent: Duration,
    took: Duration,
    failure: Option<String>,
}

impl Load {
    /// Begins to send, on the current runtime.
    ///
    /// # Errors
    /// When there can be no HTTP client.
    pub fn start(options: LoadOptions) -> Result<Self, reqwest::Error> {
        let mut client = Client::builder().no_proxy();
        if let Some(host) = options.url.host_str().filter(|host| host.ends_with(".localhost")) {
            client = client.resolve(host, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        }
        let samples: Arc<Mutex<Vec<Sample>>> = Arc::default();
        let (stop, stopped) = watch::channel(false);
        let began = Instant::now();
        let rate = options.rate.max(1);
        let caller =
            Caller { client: client.build()?, options: Arc::new(options), began, samples: Arc::clone(&samples) };
        let sender = tokio::spawn(send(caller, rate, stopped));
        Ok(Self { began, samples, stop, sender })
    }

    /// Returns how long it has run.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Returns what became of requests that were sent once it had run for `from`, as far as they are answered.
    #[must_use]
    pub fn since(&self, from: Duration) -> LoadReport {
        LoadReport::of(held(&self.samples).iter().filter(|sample| sample.sent >= from))
    }

    /// Sends no more, waits for the answers, and returns what became of all.
    pub async fn stop(self) -> LoadReport {
        let _ended_already = self.stop.send(true);
        let _panicked = self.sender.await;
        LoadReport::of(held(&self.samples).iter())
    }
}

#[derive(Clone)]
struct Caller {
    client: Client,
    options: Arc<LoadOptions>,
    began: Instant,
    samples: Arc<Mutex<Vec<Sample>>>,
}

async fn send(caller: Caller, rate: u32, mut stopped: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / rate);
    // A tick that comes late is made up for: the rate holds.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut under_way = JoinSet::new();
    for number in 0.. {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stopped.changed() => break,
        }
        under_way.spawn(caller.clone().request(number));
        while under_way.try_join_next().is_some() {}
    }
    while under_way.join_next().await.is_some() {}
}

impl Caller {
    async fn request(self, number: u64) {
        let LoadOptions { url, headers, body, .. } = &*self.options;
        let request = match body {
            Some(body) => {
                let body = body.replace("{n}", &number.to_string());
                self.client.post(url.clone()).header(CONTENT_TYPE, "application/json").body(body)
            }
            None => self.client.get(url.clone()),
        };
        let sent = self.began.elapsed();
        let failure = match request.headers(headers.clone()).timeout(PATIENCE).send().await {
            Ok(answer) => {
                let status = answer.status();
                // A request is answered when its body is there.
                match answer.text().await {
                    Ok(_) if status.is_success() => None,
                    Ok(text) => Some(format!("{status}: {text}")),
                    Err(error) => Some(reason(&error)),
                }
            }
            Err(error) => Some(reason(&error)),
        };
        let took = self.began.elapsed() - sent;
        held(&self.samples).push(Sample { number, sent, took, failure });
    }
}

/// An error with all that caused it.
fn reason(error: &reqwest::Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// What became of the requests of a stretch of load.
#[derive(Debug, Clone)]
pub struct LoadReport {
    /// How many were answered, or given up.
    pub requests: usize,
    /// Numbers of those that were answered with success.
    pub accepted: Vec<u64>,
    /// Why the others failed.
    pub failures: Vec<String>,
    /// From the first request to the last.
    pub lasted: Duration,
    /// Half of the answers took no longer.
    pub p50: Duration,
    /// 99 of 100 answers took no longer.
    pub p99: Duration,
    /// The longest that an answer took.
    pub slowest: Duration,
}

impl LoadReport {
    fn of<'a>(samples: impl Iterator<Item = &'a Sample>) -> Self {
        let (mut took, mut accepted, mut failures) = (Vec::new(), Vec::new(), Vec::new());
        let (mut first, mut last) = (Duration::MAX, Duration::ZERO);
        for sample in samples {
            took.push(u64::try_from(sample.took.as_micros()).unwrap_or(u64::MAX));
            match &sample.failure {
                Some(failure) => failures.push(failure.clone()),
                None => accepted.push(sample.number),
            }
            (first, last) = (first.min(sample.sent), last.max(sample.sent));
        }
        // Twice the patience is more than any request takes.
        let longest = u64::try_from(PATIENCE.as_micros()).map_or(u64::MAX, |longest| 2 * longest);
        let mut latencies = Histogram::<u64>::new_with_max(longest, 3).ok();
        if let Some(latencies) = &mut latencies {
            took.iter().for_each(|time| latencies.saturating_record(*time));
        }
        let at = |quantile| {
            Duration::from_micros(latencies.as_ref().map_or(0, |latencies| latencies.value_at_quantile(quantile)))
        };
        Self {
            requests: took.len(),
            accepted,
            failures,
            lasted: last.saturating_sub(first),
            p50: at(0.5),
            p99: at(0.99),
            slowest: Duration::from_micros(took.iter().copied().max().unwrap_or(0)),
        }
    }

    /// Returns requests a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        let seconds = self.lasted.as_secs_f64();
        if seconds > 0.0 { self.requests as f64 / seconds } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::StatusCode;
    use axum::routing::post;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_load_counts_what_succeeds_and_quotes_what_fails() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let answer = |text: String| async move {
            match text.as_str() {
                "\"1\"" => (StatusCode::SERVICE_UNAVAILABLE, "no room"),
                _ => (StatusCode::OK, "queued"),
            }
        };
        let server = tokio::spawn(async move { axum::serve(listener, Router::new().route("/", post(answer))).await });
        let url = Url::parse(&format!("http://api.localhost:{port}/")).unwrap();
        let options = LoadOptions { url, headers: HeaderMap::new(), body: Some("\"{n}\"".into()), rate: 1000 };
        let load = Load::start(options).unwrap();
        while load.since(Duration::ZERO).requests < 5 {
            tokio::task::yield_now().await;
        }
        let report = load.stop().await;
        server.abort();
        assert!(report.requests >= 5);
        assert_eq!(report.failures, ["503 Service Unavailable: no room"]);
        assert_eq!(report.accepted.len(), report.requests - 1);
        assert!(!report.accepted.contains(&1));
        assert!(report.p50 <= report.p99 && report.p99 <= report.slowest + Duration::from_millis(10));
    }
}
