//! Availability, watched around an apply.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use local_aws::{Action, Fault, When};
use tokio::net::TcpListener;

use super::shop::{PASSWORD, Shop};

/// A server that answers every second request with 503.
async fn flickering() -> u16 {
    let asked = Arc::new(AtomicU64::new(0));
    let answer = move || async move {
        match asked.fetch_add(1, Ordering::Relaxed) % 2 {
            0 => StatusCode::OK,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", get(answer))).await });
    port
}

/// A stack's `probe`, and what it leaves behind.
fn probe(port: u16, after: &str, slo: &str) -> String {
    let url = format!("http://127.0.0.1:{port}/");
    format!(
        r#"
  Deployed:
    type: AWS::SSM::Parameter
    depends_on: [Api]
    properties: {{ Name: /shop/image, Type: String, Value: "${{params.image}}" }}
probe: {{ url: "{url}", every: 100ms, before: 0s, after: {after}{slo} }}
"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_slo_tells_what_was_measured_and_what_the_rollback_leaves() {
    let shop = super::empty().await.with(&probe(flickering().await, "1s", ", slo: 99.9"));
    let first = shop.apply("app:1", &[]).expect(1);
    first.says(&["availability ", " checks ", " failed), the SLO is 99.9 %", "nothing is rolled back"]);
    let second = shop.apply("app:2", &[]).expect(1);
    second.says(&["the SLO is 99.9 %", "goes back to", "Still at app:2, where app:1 serves: Deployed (Value)"]);
    assert_eq!(shop.status()["services"][0]["images"], serde_json::json!(["app:1"]));
    shop.close().await;
}

/// An apply that goes on beside the test, once it has said `words`.
fn until(shop: &Shop, image: &str, words: &str) -> (Child, BufReader<std::process::ChildStderr>, String) {
    let (image, password) = (format!("image={image}"), format!("password={PASSWORD}"));
    let mut command = shop.command(&["apply", "--auto-approve", "--set", &image, "--set", &password]);
    let mut apply = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(apply.stderr.take().unwrap());
    let mut text = String::new();
    while !text.contains(words) {
        assert_ne!(said.read_line(&mut text).unwrap(), 0, "it never said `{words}`: {text}");
    }
    (apply, said, text)
}

/// Interrupts an apply; how it ended and what it said.
fn interrupt(
    (mut apply, said, mut text): (Child, BufReader<std::process::ChildStderr>, String),
) -> (Option<i32>, String) {
    assert!(Command::new("kill").args(["-TERM", &apply.id().to_string()]).status().unwrap().success());
    for line in said.lines() {
        text.push_str(&line.unwrap());
        text.push('\n');
    }
    (apply.wait().unwrap().code(), text)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_ends_the_watch_and_says_so() {
    let shop = super::empty().await.with(&probe(flickering().await, "600s", ""));
    let (code, said) = tokio::task::block_in_place(|| interrupt(until(&shop, "app:1", " for 10m 00s more\n")));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("Interrupted: http://127.0.0.1:") && said.contains("s of the 10m 00s\n"), "{said}");

    // What is interrupted while it changes something is not watched afterwards.
    let latency = Action::Latency { ms: 2_000, jitter_ms: 0 };
    let fault = Fault {
        service: "ecs".into(),
        operation: "UpdateService".into(),
        when: When::Always,
        times: None,
        action: latency,
    };
    let _ = shop.local.control().add_fault(fault);
    let (code, said) = tokio::task::block_in_place(|| interrupt(until(&shop, "app:2", "~ Api changing")));
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains(" is not watched after the changes\n") && !said.contains(" more\n"), "{said}");
    shop.local.control().clear_faults();
    shop.close().await;
}
