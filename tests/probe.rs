//! A watch over a real server on loopback: what counts as an answer, and by which names it is found.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Redirect;
use axum::routing::get;
use infra::probe::{Phase, Report, Watch};
use infra::stack::Probe;
use tokio::net::TcpListener;

async fn serve() -> u16 {
    let never = || async {
        std::future::pending::<()>().await;
    };
    let routes = Router::new()
        .route("/ok", get(|| async { "ok and well" }))
        .route("/moved", get(|| async { Redirect::temporary("/ok") }))
        .route("/busy", get(|| async { StatusCode::SERVICE_UNAVAILABLE }))
        .route("/never", get(never));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    port
}

/// What a short watch sees.
async fn seen(url: &str, probe: Probe) -> Report {
    let probe = Probe { every: Duration::from_millis(20), timeout: Duration::from_millis(300), ..probe };
    let watch = Watch::start(&probe, url, Phase::After).unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    watch.end().await
}

/// Why all checks failed; nothing where all succeeded.
fn reason(report: &Report) -> Option<&str> {
    assert!(report.checks > 0, "nothing was checked");
    match report.reasons.as_slice() {
        [] => None,
        [only] => {
            assert_eq!(only.count, report.checks, "some succeeded");
            Some(&only.reason)
        }
        many => panic!("{many:?}"),
    }
}

#[tokio::test]
async fn an_answer_is_one_with_the_status_and_the_body_that_are_expected() {
    let port = serve().await;
    let at = |path: &str| format!("http://127.0.0.1:{port}/{path}");
    let body = |text: &str| Probe { body: Some(text.to_owned()), ..Probe::of(None) };
    let any = || Probe::of(None);
    assert_eq!(reason(&seen(&at("ok"), any()).await), None);
    assert_eq!(reason(&seen(&at("ok"), body("well")).await), None);
    assert_eq!(reason(&seen(&at("ok"), body("sick")).await), Some("a body without \"sick\""));
    assert_eq!(reason(&seen(&at("busy"), any()).await), Some("status 503"));
    assert_eq!(reason(&seen(&at("busy"), Probe { status: 503, ..any() }).await), None);
    assert_eq!(reason(&seen(&at("moved"), any()).await), Some("status 307"), "redirects are not followed");
    assert_eq!(reason(&seen(&at("never"), any()).await), Some("no answer in 300ms"));
}

#[tokio::test]
async fn names_below_localhost_are_this_machine() {
    let port = serve().await;
    let report = seen(&format!("http://web-1.elb.localhost:{port}/ok"), Probe::of(None)).await;
    assert_eq!(reason(&report), None);
    assert!(report.p50 > 0.0 && report.p50 <= report.p99);
}

#[tokio::test]
async fn where_nobody_listens_the_connection_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let probe = Probe { slo: Some(99.0), ..Probe::of(None) };
    let report = seen(&format!("http://127.0.0.1:{port}/"), probe).await;
    assert_eq!(reason(&report), Some("connection refused"));
    assert_eq!((report.availability, report.met), (0.0, false));
}
