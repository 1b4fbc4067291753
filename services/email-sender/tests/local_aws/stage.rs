//! A local AWS with what the program needs, and the program.

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
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A local AWS with a queue, its dead-letter queue, a verified sender and a template.
pub(crate) struct Stage {
    pub(crate) aws: LocalAws,
    pub(crate) sqs: aws_sdk_sqs::Client,
    ses: aws_sdk_sesv2::Client,
    pub(crate) queue: String,
    dead: String,
}

impl Stage {
    pub(crate) async fn set(suffix: &str) -> Self {
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
        let stage = Self { aws, sqs, ses, queue, dead };
        stage.template("greeting").await;
        stage
    }

    pub(crate) async fn template(&self, name: &str) {
        let content = EmailTemplateContent::builder().subject("{{subject}}").text("{{name}}: {{message}}").build();
        self.ses.create_email_template().template_name(name).template_content(content).send().await.unwrap();
    }

    pub(crate) fn program(&self, more: &[(&str, &str)]) -> Program {
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

    pub(crate) async fn put(&self, body: &str, group: &str) {
        let trace = MessageAttributeValue::builder().data_type("String").string_value("t1").build().unwrap();
        let mut call =
            self.sqs.send_message().queue_url(&self.queue).message_body(body).message_attributes("Trace", trace);
        if self.queue.ends_with(".fifo") {
            call = call.message_group_id(group).message_deduplication_id(group);
        }
        call.send().await.unwrap();
    }

    pub(crate) async fn notify(&self, message: &str, key: Option<&str>, template_data: Option<Value>) {
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

    pub(crate) fn fault(&self, service: &str, operation: &str, when: When, times: Option<u64>, action: Action) {
        let (service, operation) = (service.into(), operation.into());
        let _stays = self.aws.control().add_fault(Fault { service, operation, when, times, action });
    }

    /// The texts of all mails, with how often each was sent.
    pub(crate) async fn mails(&self) -> BTreeMap<String, u32> {
        let url = format!("{}/_ministack/ses/messages", self.aws.endpoint());
        let told: Value = serde_json::from_str(&reqwest::get(url).await.unwrap().text().await.unwrap()).unwrap();
        let mut mails = BTreeMap::new();
        let accounts = told["messages"].as_object().unwrap().values();
        for mail in accounts.flat_map(|mails| mails.as_array().unwrap()) {
            *mails.entry(mail["BodyText"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        mails
    }

    pub(crate) async fn until_mails(&self, count: usize) {
        let waiting = async {
            while self.mails().await.len() < count {
                sleep(Duration::from_millis(50)).await;
            }
        };
        assert!(timeout(PATIENCE, waiting).await.is_ok(), "{} of {count} mails", self.mails().await.len());
    }

    /// Messages that are waiting, and that are hidden.
    pub(crate) async fn left(&self) -> (u32, u32) {
        use QueueAttributeName::{ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible};
        let asked = self.sqs.get_queue_attributes().queue_url(&self.queue);
        let told = asked.attribute_names(QueueAttributeName::All).send().await.unwrap().attributes.unwrap();
        let number = |name| told[&name].parse().unwrap();
        (number(ApproximateNumberOfMessages), number(ApproximateNumberOfMessagesNotVisible))
    }

    pub(crate) async fn until_empty(&self) {
        let waiting = async {
            while self.left().await != (0, 0) {
                sleep(Duration::from_millis(50)).await;
            }
        };
        assert!(timeout(PATIENCE, waiting).await.is_ok(), "{:?} left", self.left().await);
    }

    pub(crate) async fn dead_letters(&self) -> Vec<Message> {
        let asked = self.sqs.receive_message().queue_url(&self.dead).max_number_of_messages(10);
        let asked =
            asked.message_attribute_names("All").message_system_attribute_names(MessageSystemAttributeName::All);
        asked.send().await.unwrap().messages.unwrap_or_default()
    }
}

/// The program. It is killed when it is dropped.
pub(crate) struct Program {
    child: Child,
    pub(crate) port: u16,
}

impl Program {
    pub(crate) async fn is_ready(&self) {
        let url = format!("http://127.0.0.1:{}/ready", self.port);
        let waiting = async {
            while !reqwest::get(&url).await.is_ok_and(|answer| answer.status() == 200) {
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(PATIENCE, waiting).await.unwrap();
    }

    /// Sends `SIGTERM`, as ECS does, and returns the exit code.
    pub(crate) async fn end(mut self) -> Option<i32> {
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

pub(crate) fn attribute<'a>(message: &'a Message, name: &str) -> &'a str {
    let value = message.message_attributes().and_then(|attributes| attributes.get(name));
    value.and_then(MessageAttributeValue::string_value).unwrap_or_default()
}
