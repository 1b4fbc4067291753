//! The services as real containers behind a load balancer that routes, under load, while versions come and go: no request fails,
//! every message that was accepted is sent once, and a version that fails is a failed apply.
//!
//! `cargo test --workspace --test zero_downtime` prints the figures of `docs/zero-downtime.md`.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

mod images;
#[path = "../process/run.rs"]
#[allow(dead_code, reason = "others need more of it")]
mod run;
mod system;
#[path = "../story/user.rs"]
#[allow(dead_code, reason = "the story needs more of it")]
mod user;

use std::fmt::Display;
use std::io::{self, Write as _};
use std::time::Duration;

use images::{DIES_AT_START, DIES_LATER, Images, UNHEALTHY};
use local_aws::{Load, LoadReport};
use system::System;

/// Requests a second.
const RATE: u32 = 200;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_while_versions_come_and_go() {
    if !local_aws::docker_available().await {
        tell("skipped: real tasks need Docker's engine, and none answers here");
        return;
    }
    let images = Images::build(&system::target());
    let system = System::start(&images).await;
    let load = Load::start(system.load(RATE).await).unwrap();

    let (one, two) = (images.api("api", 1), images.api("api", 2));
    tell(&format!(
        "\n{:<38} {:>8} {:>8} {:>6} {:>7} {:>7} {:>8}",
        "", "requests", "failures", "a s", "p50 ms", "p99 ms", "max ms"
    ));
    let mut steps = Steps { system: &system, load: &load, failed: Vec::new() };
    steps.good("version 1 serves", None).await;
    steps.good("version 2 takes its place", Some(&[("api_image", &two)])).await;
    steps
        .bad("a version that dies at start", &images.api(DIES_AT_START, 3), &["exit code 64", "BATCH_LINGER_MS"])
        .await;
    steps.bad("a version whose health check fails", &images.api(UNHEALTHY, 4), &["health checks"]).await;
    steps.bad("a version that dies after 3 s", &images.api(DIES_LATER, 5), &["exit code 3", "giving up"]).await;
    steps.good("2 tasks become 4", Some(&[("api_image", &two), ("min_tasks", "4")])).await;
    let fewer = [("api_image", two.as_str()), ("min_tasks", "2"), ("max_tasks", "2")];
    steps.good("4 tasks become 2", Some(&fewer)).await;
    let queue = [("api_image", two.as_str()), ("visibility_timeout", "90")];
    steps.good("the queue's attributes change", Some(&queue)).await;
    steps.good("version 1 comes back", Some(&[("api_image", &one)])).await;
    let failed = steps.failed;

    let all = load.stop().await;
    tell(&row("in all", &all));
    let mails = system.mails(all.accepted.len()).await;
    let came = mails.values().sum::<usize>();
    tell(&format!("{} requests were answered with success; {came} mails came out\n", all.accepted.len()));

    assert_eq!(failed, Vec::<String>::new());
    assert!(all.rate() >= f64::from(RATE) * 0.95, "the load fell to {:.0} requests a second", all.rate());
    let missing: Vec<_> =
        all.accepted.iter().filter(|number| !mails.contains_key(&message(**number))).take(5).collect();
    assert!(missing.is_empty(), "accepted and never sent: {missing:?}");
    let twice: Vec<_> = mails.iter().filter(|(_, count)| **count != 1).take(5).collect();
    assert!(twice.is_empty(), "sent more than once: {twice:?}");
    system.end().await;
}

/// Changes under load, each with what the load saw of it.
struct Steps<'a> {
    system: &'a System,
    load: &'a Load,
    failed: Vec<String>,
}

impl Steps<'_> {
    /// A change that must work; without `values`, some seconds of none.
    async fn good(&mut self, what: &str, values: Option<&[(&str, &str)]>) {
        let from = self.load.elapsed();
        match values {
            Some(values) => {
                let applied = self.system.apply(values).await;
                if applied.code != Some(0) {
                    self.failed.push(format!("{what}: {applied}"));
                }
            }
            None => self.system.pause().await,
        }
        self.look(what, from).await;
    }

    /// A version that must not take over, and why not: what the failed apply must say.
    async fn bad(&mut self, what: &str, image: &str, reasons: &[&str]) {
        let from = self.load.elapsed();
        let before = self.system.serving().await;
        let applied = self.system.apply(&[("api_image", image)]).await;
        let told = format!("{}\n{}", applied.out, applied.err);
        if applied.code != Some(1) || !reasons.iter().all(|reason| told.contains(reason)) {
            self.failed.push(format!("{what}: should fail for {reasons:?}, but {applied}"));
        }
        let after = self.system.serving().await;
        if before != after {
            self.failed.push(format!("{what}: {before} served before, {after} after"));
        }
        self.look(what, from).await;
    }

    async fn look(&mut self, what: &str, from: Duration) {
        self.system.pause().await;
        let seen = self.load.since(from);
        tell(&row(what, &seen));
        if !seen.failures.is_empty() {
            self.failed.push(format!("{what}: {} requests failed: {}", seen.failures.len(), quoted(&seen.failures)));
        }
    }
}

/// Prints a line that no test runner holds back.
fn tell(line: &str) {
    io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// The text of a request's message, and of the mail that comes of it.
fn message(number: impl Display) -> String {
    format!("message {number}")
}

fn quoted(failures: &[String]) -> String {
    failures.iter().take(5).cloned().collect::<Vec<_>>().join("\n")
}

fn row(what: &str, seen: &LoadReport) -> String {
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    format!(
        "{what:<38} {:>8} {:>8} {:>6.0} {:>7.1} {:>7.1} {:>8.1}",
        seen.requests,
        seen.failures.len(),
        seen.rate(),
        ms(seen.p50),
        ms(seen.p99),
        ms(seen.slowest),
    )
}
