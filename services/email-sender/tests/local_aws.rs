//! The real program over the SQS and SES of the local AWS: every notification is a mail, once.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_sdk_sesv2::types::EmailTemplateContent;
use aws_sdk_sqs::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_sqs::types::{Message, MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName};
use local_aws::{Action, Fault, LocalAws, Options, When};
use serde_json::{Value, json};
use service_runtime::Notification;
use tokio::time::{sleep, timeout};

const SENDER: &str = "no-reply@example.org";
const PATIENCE: Duration = Duration::from_secs(60);

/// A local AWS with a queue, its dead-letter queue, a verified sender and a template.
struct Stage {
    aws: LocalAws,
    sqs: aws_sdk_sqs::Client,
    queue: String,
    dead: String,
}

impl Stage {
    async fn set(suffix: &str) -> Self {
        let aws = LocalAws::start(Options::default()).await.unwrap();
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(aws.endpoint())
            .credentials_provider(Credentials::new("test", "test", None, None, "test"));
        let sqs = aws_sdk_sqs::Client::from_conf(config.build());
        let make = |name: String| {
            let call = sqs.create_queue().queue_name(name + suffix);
            if suffix.is_empty() { call } else { call.attributes(QueueAttributeName::FifoQueue, "true") }
        };
        let dead = make("dead".into()).send().await.unwrap().queue_url.unwrap();
        let policy = json!({"deadLetterTargetArn": format!("arn:aws:sqs:us-east-1:123456789012:dead{suffix}"), "maxReceiveCount": 10});
        let made = make("messages".into()).attributes(QueueAttributeName::VisibilityTimeout, "10");
        let made = made.attributes(QueueAttributeName::RedrivePolicy, policy.to_string());
        let queue = made.send().await.unwrap().queue_url.unwrap();

        let config = aws_sdk_sesv2::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(aws.endpoint())
            .credentials_provider(Credentials::new("test", "test", None, None, "test"));
        let ses = aws_sdk_sesv2::Client::from_conf(config.build());
        ses.create_email_identity().email_identity(SENDER).send().await.unwrap();
        let content = EmailTemplateContent::builder().subject("{{subject}}").text("{{name}}: {{message}}").build();
        ses.create_email_template().template_name("greeting").template_content(content).send().await.unwrap();
        Self { aws, sqs, queue, dead }
    }

    fn program(&self, more: &[(&str, &str)]) -> Program {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(env!("CARGO_BIN_EXE_email-sender"))
            .env_clear()
            .envs(self.aws.environment())
            .envs([("QUEUE_URL", self.queue.as_str()), ("DEAD_LETTER_QUEUE_URL", &self.dead)])
            .envs([("SENDER_ADDRESS", SENDER), ("TEMPLATE_NAME", "greeting"), ("SEND_RATE", "500")])
            .envs([("RECEIVE_WAIT_SECONDS", "2"), ("PORT", &port.to_string())])
            .envs(more.iter().copied())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Program { child, port }
    }

    async fn put(&self, body: &str, group: &str) {
        let trace = MessageAttributeValue::builder().data_type("String").string_value("t1").build().unwrap();
        let mut call =
            self.sqs.send_message().queue_url(&self.queue).message_body(body).message_attributes("Trace", trace);
        if self.queue.ends_with(".fifo") {
            call = call.message_group_id(group).message_deduplication_id(group);
        }
        call.send().await.unwrap();
    }

    async fn notify(&self, message: &str, key: Option<&str>, template_data: Option<Value>) {
        let notification = Notification {
            version: 1,
            id: format!("id {message}"),
            message: message.into(),
            to: "someone@else.example".into(),
            subject: None,
            template_data: template_data.and_then(|data| data.as_object().cloned()),
            idempotency_key: key.map(str::to_owned),
            queued_at: 1,
        };
        self.put(&notification.to_body().unwrap(), &message.replace(' ', "-")).await;
    }

    fn fault(&self, service: &str, operation: &str, when: When, times: Option<u64>, action: Action) {
        let (service, operation) = (service.into(), operation.into());
        let _stays = self.aws.control().add_fault(Fault { service, operation, when, times, action });
    }

    /// The texts of all mails, with how often each was sent.
    async fn mails(&self) -> BTreeMap<String, u32> {
        let url = format!("{}/_ministack/ses/messages", self.aws.endpoint());
        let told: Value = serde_json::from_str(&reqwest::get(url).await.unwrap().text().await.unwrap()).unwrap();
        let mut mails = BTreeMap::new();
        let accounts = told["messages"].as_object().unwrap().values();
        for mail in accounts.flat_map(|mails| mails.as_array().unwrap()) {
            *mails.entry(mail["BodyText"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        mails
    }

    async fn until_mails(&self, count: usize) {
        let waiting = async {
            while self.mails().await.len() < count {
                sleep(Duration::from_millis(50)).await;
            }
        };
        assert!(timeout(PATIENCE, waiting).await.is_ok(), "{} of {count} mails", self.mails().await.len());
    }

    /// Messages that are waiting, and that are hidden.
    async fn left(&self) -> (u32, u32) {
        use QueueAttributeName::{ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible};
        let asked = self.sqs.get_queue_attributes().queue_url(&self.queue);
        let told = asked.attribute_names(QueueAttributeName::All).send().await.unwrap().attributes.unwrap();
        let number = |name| told[&name].parse().unwrap();
        (number(ApproximateNumberOfMessages), number(ApproximateNumberOfMessagesNotVisible))
    }

    async fn until_empty(&self) {
        let waiting = async {
            while self.left().await != (0, 0) {
                sleep(Duration::from_millis(50)).await;
            }
        };
        assert!(timeout(PATIENCE, waiting).await.is_ok(), "{:?} left", self.left().await);
    }

    async fn dead_letters(&self) -> Vec<Message> {
        let asked = self.sqs.receive_message().queue_url(&self.dead).max_number_of_messages(10);
        let asked =
            asked.message_attribute_names("All").message_system_attribute_names(MessageSystemAttributeName::All);
        asked.send().await.unwrap().messages.unwrap_or_default()
    }
}

/// The program. It is killed when it is dropped.
struct Program {
    child: Child,
    port: u16,
}

impl Program {
    async fn is_ready(&self) {
        let url = format!("http://127.0.0.1:{}/ready", self.port);
        let waiting = async {
            while !reqwest::get(&url).await.is_ok_and(|answer| answer.status() == 200) {
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(PATIENCE, waiting).await.unwrap();
    }

    /// Sends `SIGTERM`, as ECS does, and returns the exit code.
    async fn end(mut self) -> Option<i32> {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        tokio::task::spawn_blocking(move || self.child.wait().unwrap().code()).await.unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _reaped_already = self.child.wait();
    }
}

fn attribute<'a>(message: &'a Message, name: &str) -> &'a str {
    let value = message.message_attributes().and_then(|attributes| attributes.get(name));
    value.and_then(MessageAttributeValue::string_value).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_notification_is_one_mail_across_failures_and_poison_is_set_aside() {
    let stage = Stage::set("").await;
    stage.fault("ses", "SendEmail", When::Nth(5), Some(5), Action::Throttle);
    stage.fault("ses", "SendEmail", When::Nth(20), Some(5), Action::Status(500));
    // The first are deleted, and the program is not told.
    stage.fault("sqs", "DeleteMessageBatch", When::Always, Some(2), Action::DropAfter);
    stage.fault("sqs", "ReceiveMessage", When::Nth(3), Some(2), Action::Status(500));
    stage.put("poison", "p").await;
    for number in 0..60 {
        stage.notify(&format!("plain {number}"), None, None).await;
    }
    for number in 0..6 {
        stage.notify(&format!("copy {}", number % 2), Some(&format!("key {}", number % 2)), None).await;
    }
    stage.notify("hello", None, Some(json!({"name": "Ada"}))).await;

    let program = stage.program(&[]);
    program.is_ready().await;
    let mut health = Command::new(env!("CARGO_BIN_EXE_email-sender"));
    assert!(health.arg("health").env("PORT", program.port.to_string()).status().unwrap().success());
    stage.until_mails(63).await;
    stage.until_empty().await;
    let faults = stage.aws.control().faults();
    assert!(
        faults.iter().all(|fault| Some(fault.applied) == fault.fault.times),
        "all went wrong that should: {faults:?}"
    );
    assert_eq!(program.end().await, Some(0));
    assert!(!health.status().unwrap().success());

    let mails = stage.mails().await;
    assert_eq!(mails.len(), 63, "{mails:?}");
    assert!(mails.values().all(|times| *times == 1), "{mails:?}");
    assert!(mails.contains_key("Ada: hello"), "{mails:?}");
    let dead = stage.dead_letters().await;
    assert_eq!(dead.len(), 1);
    assert_eq!((dead[0].body(), attribute(&dead[0], "Trace")), (Some("poison"), "t1"));
    assert_eq!(attribute(&dead[0], "ErrorCode"), "InvalidNotification");
    assert!(attribute(&dead[0], "ErrorMessage").contains("not JSON"));
    assert!(attribute(&dead[0], "FailedAt").ends_with('Z'));
    assert_eq!(attribute(&dead[0], "SourceMessageId").len(), 36);
    stage.aws.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_in_the_midst_of_work_loses_nothing_and_sends_nothing_twice() {
    let stage = Stage::set("").await;
    stage.fault("ses", "SendEmail", When::Always, None, Action::Latency { ms: 300, jitter_ms: 200 });
    for number in 0..120 {
        stage.notify(&format!("m{number}"), None, None).await;
    }
    let mut sent = 0;
    for _ in 0..2 {
        let program = stage.program(&[]);
        stage.until_mails(sent + 10).await;
        assert_eq!(program.end().await, Some(0));
        let (waiting, hidden) = stage.left().await;
        sent = stage.mails().await.len();
        assert_eq!(hidden, 0, "what was not sent is given back");
        assert_eq!(waiting as usize, 120 - sent, "what was sent is deleted");
        assert!(waiting > 0, "it ended in the midst of work");
    }
    let last = [stage.program(&[]), stage.program(&[])];
    stage.until_empty().await;
    for program in last {
        assert_eq!(program.end().await, Some(0));
    }
    let mails = stage.mails().await;
    assert_eq!(mails.len(), 120);
    assert!(mails.values().all(|times| *times == 1), "{mails:?}");
    stage.aws.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fifo_queue_is_worked_and_its_poison_set_aside_in_its_group() {
    let stage = Stage::set(".fifo").await;
    for number in 0..20 {
        stage.notify(&format!("m{number}"), None, None).await;
        stage.notify(&format!("m{number}"), None, None).await;
    }
    stage.put("poison", "bad").await;
    let programs = [stage.program(&[]), stage.program(&[])];
    stage.until_empty().await;
    for program in programs {
        assert_eq!(program.end().await, Some(0));
    }
    let mails = stage.mails().await;
    assert_eq!(mails.len(), 20);
    assert!(mails.values().all(|times| *times == 1), "{mails:?}");
    let dead = stage.dead_letters().await;
    assert_eq!(dead.len(), 1);
    let group = dead[0].attributes().and_then(|told| told.get(&MessageSystemAttributeName::MessageGroupId));
    assert_eq!(group.map(String::as_str), Some("bad"));
    stage.aws.stop().await;
}

#[test]
fn a_bad_environment_is_refused_whole_with_64() {
    let output = Command::new(env!("CARGO_BIN_EXE_email-sender"))
        .env_clear()
        .envs([("PORT", "none"), ("QUEUE_URL", "messages"), ("SENDER_ADDRESS", "grüße@example.org")])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(64));
    let said = String::from_utf8(output.stderr).unwrap();
    for name in ["PORT", "AWS_REGION", "QUEUE_URL", "DEAD_LETTER_QUEUE_URL", "SENDER_ADDRESS"] {
        assert!(said.contains(&format!("\n  {name} ")), "{said}");
    }
}
