//! The real program over the SQS of the local AWS: what was answered with success is in the queue, once.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_sqs::types::QueueAttributeName::{ContentBasedDeduplication, FifoQueue, MaximumMessageSize};
use futures::future::join_all;
use local_aws::{Action, Fault, LocalAws, Options, When};
use service_runtime::Notification;
use tokio::time::{sleep, timeout};

fn client(aws: &LocalAws) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(aws.endpoint())
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .build();
    Client::from_conf(config)
}

/// The program, with its log on a channel of its own. It is killed when it is dropped.
struct Program {
    child: Child,
    port: u16,
}

impl Program {
    async fn start(aws: &LocalAws, queue_url: &str, more: &[(&str, &str)]) -> Self {
        let port = free_port();
        let mut child = Command::new(env!("CARGO_BIN_EXE_notification-api"))
            .env_clear()
            .envs(aws.environment())
            .envs([("QUEUE_URL", queue_url), ("DEFAULT_RECIPIENT", "ops@example.org"), ("DRAIN_SECONDS", "1")])
            .env("PORT", port.to_string())
            .envs(more.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                serde_json::from_str::<serde_json::Value>(&line).unwrap_or_else(|_| panic!("not JSON: {line}"));
            }
        });
        let program = Self { child, port };
        timeout(Duration::from_secs(30), program.ready()).await.unwrap();
        program
    }

    async fn ready(&self) {
        let url = format!("http://127.0.0.1:{}/ready", self.port);
        while !reqwest::get(&url).await.is_ok_and(|answer| answer.status() == 200) {
            sleep(Duration::from_millis(50)).await;
        }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/send-notification", self.port)
    }

    /// Sends `SIGTERM`, as ECS does, and returns the exit code.
    fn end(&mut self) -> Option<i32> {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _reaped_already = self.child.wait();
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Takes everything off a queue, and returns the notifications in it.
async fn drain(client: &Client, queue: &str) -> Vec<Notification> {
    let mut all = Vec::new();
    loop {
        let answer = client.receive_message().queue_url(queue).max_number_of_messages(10).send().await.unwrap();
        if answer.messages().is_empty() {
            return all;
        }
        for message in answer.messages() {
            all.push(Notification::from_body(message.body().unwrap()).unwrap());
            let receipt = message.receipt_handle().unwrap();
            client.delete_message().queue_url(queue).receipt_handle(receipt).send().await.unwrap();
        }
    }
}

/// Sends `count` notifications at once, and returns the messages of those that were answered with success.
async fn send(http: &reqwest::Client, url: &str, count: usize, prefix: &str) -> HashSet<String> {
    let sent = (0..count).map(|n| async move {
        let message = format!("{prefix}-{n}");
        let body = serde_json::json!({ "message": message });
        let answer = http.post(url).json(&body).send().await.unwrap();
        (answer.status() == 200).then_some(message)
    });
    join_all(sent).await.into_iter().flatten().collect()
}

fn messages(notifications: &[Notification]) -> HashSet<String> {
    notifications.iter().map(|notification| notification.message.clone()).collect()
}

/// What goes wrong with every call that queues.
fn fault(action: Action) -> Fault {
    Fault { service: "sqs".into(), operation: "SendMessageBatch".into(), when: When::Always, times: None, action }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_with_success_is_in_the_queue_once_also_across_failures_and_the_end() {
    let aws = LocalAws::start(Options::default()).await.unwrap();
    let sqs = client(&aws);
    let queue = sqs.create_queue().queue_name("messages").send().await.unwrap().queue_url.unwrap();
    let mut program = Program::start(&aws, &queue, &[("REQUEST_TIMEOUT_SECONDS", "5")]).await;
    let (http, url) = (reqwest::Client::new(), program.url());

    let sent = send(&http, &url, 200, "plain").await;
    assert_eq!(sent.len(), 200);
    let queued = drain(&sqs, &queue).await;
    assert_eq!(queued.len(), 200);
    assert_eq!(messages(&queued), sent);
    let calls = aws.control().calls().counts["sqs:SendMessageBatch"];
    assert!(calls < 200, "{calls} calls for 200 notifications");

    let down = Action::Error { code: "AccessDenied".into(), message: "no".into(), status: 403 };
    let id = aws.control().add_fault(fault(down));
    let refused = http.post(&url).json(&serde_json::json!({ "message": "refused" })).send().await.unwrap();
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    assert!(aws.control().remove_fault(id));

    // Calls of which some fail in a way that passes: they are repeated, so none is lost, and none was promised in vain.
    let flaky = Fault { when: When::Chance { probability: 0.2, seed: 1 }, ..fault(Action::Status(500)) };
    let id = aws.control().add_fault(flaky);
    let sent = send(&http, &url, 100, "flaky").await;
    assert!(aws.control().remove_fault(id));
    assert!(sent.len() >= 90, "{}", sent.len());
    let queued = messages(&drain(&sqs, &queue).await);
    assert!(sent.is_subset(&queued), "{:?}", sent.difference(&queued));

    // Slow enough that requests are under way when the end is asked for.
    aws.control().clear_calls();
    let _until_the_end = aws.control().add_fault(fault(Action::Latency { ms: 300, jitter_ms: 0 }));
    let under_way = tokio::spawn(async move { send(&http, &url, 100, "ending").await });
    sleep(Duration::from_millis(150)).await;
    let code = tokio::task::spawn_blocking(move || program.end()).await.unwrap();
    assert_eq!(code, Some(0));
    let sent = under_way.await.unwrap();
    assert_eq!(sent.len(), 100);
    assert_eq!(messages(&drain(&sqs, &queue).await), sent);
    aws.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_fifo_queue_what_is_the_same_is_queued_once_also_when_an_answer_is_lost() {
    let aws = LocalAws::start(Options::default()).await.unwrap();
    let sqs = client(&aws);
    let made = sqs.create_queue().queue_name("messages.fifo").attributes(FifoQueue, "true");
    let queue = made.attributes(ContentBasedDeduplication, "false").send().await.unwrap().queue_url.unwrap();
    let mut program = Program::start(&aws, &queue, &[]).await;
    let http = reqwest::Client::new();
    for key in ["a", "b", "a"] {
        let body = serde_json::json!({ "message": "m", "idempotency_key": key });
        assert_eq!(http.post(program.url()).json(&body).send().await.unwrap().status(), 200);
    }
    assert_eq!(send(&http, &program.url(), 30, "unnamed").await.len(), 30);
    let queued = drain(&sqs, &queue).await;
    let keys: Vec<_> = queued.iter().filter_map(|notification| notification.idempotency_key.as_deref()).collect();
    assert_eq!((keys.len(), keys.into_iter().collect::<HashSet<_>>()), (2, HashSet::from(["a", "b"])));
    assert_eq!(queued.len(), 32);

    let id = aws.control().add_fault(Fault { times: Some(1), ..fault(Action::DropAfter) });
    assert_eq!(send(&http, &program.url(), 1, "lost").await.len(), 1);
    assert!(aws.control().remove_fault(id));
    assert_eq!(drain(&sqs, &queue).await.len(), 1, "the call was made twice");
    assert_eq!(program.end(), Some(0));
    aws.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_queue_never_takes_is_refused_and_what_comes_with_it_is_queued() {
    let aws = LocalAws::start(Options::default()).await.unwrap();
    let sqs = client(&aws);
    let made = sqs.create_queue().queue_name("messages").attributes(MaximumMessageSize, "1024");
    let queue = made.send().await.unwrap().queue_url.unwrap();
    let mut program = Program::start(&aws, &queue, &[]).await;
    let (http, url) = (reqwest::Client::new(), program.url());
    let large = serde_json::json!({ "message": "m".repeat(2000) });
    let (refused, sent) = tokio::join!(http.post(&url).json(&large).send(), send(&http, &url, 20, "small"));
    let refused = refused.unwrap();
    assert_eq!((refused.status().as_u16(), refused.headers().contains_key("retry-after")), (413, false));
    assert_eq!(sent.len(), 20);
    assert_eq!(messages(&drain(&sqs, &queue).await), sent);
    assert_eq!(program.end(), Some(0));
    aws.stop().await;
}

#[test]
fn a_bad_environment_is_refused_whole_with_64() {
    let output = Command::new(env!("CARGO_BIN_EXE_notification-api"))
        .env_clear()
        .envs([("PORT", "none"), ("BATCH_LINGER_MS", "50")])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(64));
    let said = String::from_utf8(output.stderr).unwrap();
    for name in ["PORT", "AWS_REGION", "QUEUE_URL", "BATCH_LINGER_MS"] {
        assert!(said.contains(&format!("\n  {name} ")), "{said}");
    }
    assert!(output.stdout.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_checks_the_health_of_the_one_that_runs() {
    let aws = LocalAws::start(Options::default()).await.unwrap();
    let sqs = client(&aws);
    let queue = sqs.create_queue().queue_name("messages").send().await.unwrap().queue_url.unwrap();
    let mut program = Program::start(&aws, &queue, &[]).await;
    let port = program.port.to_string();
    let check = move || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_notification-api"));
        command.arg("health").env_clear().env("PORT", &port).stderr(Stdio::null()).status().unwrap().code()
    };
    assert_eq!(check(), Some(0));
    assert_eq!(program.end(), Some(0));
    assert_eq!(check(), Some(1));
    aws.stop().await;
}
