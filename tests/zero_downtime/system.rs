//! The notification stack, applied to a local AWS that runs its tasks as containers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use infra::aws::Aws;
use local_aws::{CONTAINERS_TIME_SCALE, LoadOptions, LocalAws, Options};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Url};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::images::Images;
use crate::message;
use crate::run::Run;
use crate::user::Infra;

const REGION: &str = "us-east-1";
const CLUSTER: &str = "notification-dev";
/// Load between two changes.
const PAUSE: Duration = Duration::from_secs(3);
/// How long the queue may take to be worked off without any mail coming out.
const STILL: Duration = Duration::from_secs(30);

/// The running system.
pub(crate) struct System {
    local: LocalAws,
    aws: Aws,
    infra: Infra,
    sender: String,
}

/// Cargo's target folder.
pub(crate) fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().to_owned()
}

impl System {
    /// Starts a local AWS and applies version 1.
    pub(crate) async fn start(images: &Images) -> Self {
        let local =
            LocalAws::start(Options { containers: true, time_scale: CONTAINERS_TIME_SCALE, ..Options::default() })
                .await
                .unwrap();
        let aws = Aws::local(REGION, &local.endpoint()).await;
        let infra = Infra::new(&local, "stacks/notification", "dev");
        let system = Self { local, aws, infra, sender: images.sender() };
        system.apply(&[("api_image", &images.api("api", 1))]).await.expect(0);
        system
    }

    /// A load on the API, each request with a message of its own.
    pub(crate) async fn load(&self, rate: u32) -> LoadOptions {
        let mut key = HeaderValue::from_str(&self.api_key().await).unwrap();
        key.set_sensitive(true);
        let body = json!({"message": message("{n}"), "to": "somebody@example.com"});
        LoadOptions {
            url: Url::parse(&format!("{}/send-notification", self.output("url"))).unwrap(),
            headers: HeaderMap::from_iter([(HeaderName::from_static("x-api-key"), key)]),
            body: Some(body.to_string()),
            rate,
        }
    }

    /// What callers of the API must know.
    async fn api_key(&self) -> String {
        let arn = self.output("api_key");
        let secret = self.aws.secrets_manager().get_secret_value().secret_id(arn).send().await.unwrap();
        secret.secret_string().unwrap().to_owned()
    }

    fn output(&self, name: &str) -> String {
        let told = self.infra.record("output", &["--format", "json"]).expect(0);
        let told: Value = serde_json::from_str(&told.out).unwrap();
        told["outputs"][name]["value"].as_str().unwrap().to_owned()
    }

    /// Applies the stack with these values.
    pub(crate) async fn apply(&self, values: &[(&str, &str)]) -> Run {
        let mut arguments = vec!["--auto-approve".to_owned()];
        // SES's rate for a new account would take hours for all these mails.
        for (name, value) in [("sender_image", self.sender.as_str()), ("send_rate", "1000")].iter().chain(values) {
            arguments.extend(["--set".to_owned(), format!("{name}={value}")]);
        }
        // The load goes on meanwhile.
        tokio::task::block_in_place(|| {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            self.infra.run("apply", &arguments)
        })
    }

    /// The image of the API that ECS says is deployed.
    pub(crate) async fn serving(&self) -> String {
        let services = self.aws.ecs().describe_services().cluster(CLUSTER).services("notification-dev-api");
        let described = services.send().await.unwrap();
        let definition = described.services()[0].task_definition().unwrap().to_owned();
        let definition = self.aws.ecs().describe_task_definition().task_definition(definition).send().await.unwrap();
        definition.task_definition().unwrap().container_definitions()[0].image().unwrap().to_owned()
    }

    /// Lets some load pass.
    pub(crate) async fn pause(&self) {
        tokio::time::sleep(PAUSE).await;
    }

    /// How often each message was sent, once `expected` were, or none came for long.
    pub(crate) async fn mails(&self, expected: usize) -> BTreeMap<String, usize> {
        let mut moved = Instant::now();
        let mut before = 0;
        loop {
            let asked = Instant::now();
            let mails = self.sent().await;
            let looked = asked.elapsed();
            let count = mails.values().sum::<usize>();
            if count != before {
                (before, moved) = (count, Instant::now());
            }
            if moved.elapsed() > STILL {
                return mails;
            }
            if count >= expected {
                // What would be sent twice is seen a little later.
                self.pause().await;
                return self.sent().await;
            }
            // The emulator sends no mail while it lists those that it sent.
            tokio::time::sleep((looked * 10).max(Duration::from_secs(1))).await;
        }
    }

    async fn sent(&self) -> BTreeMap<String, usize> {
        let url = format!("{}/_ministack/ses/messages", self.local.endpoint());
        let answer: Value = Client::new().get(url).send().await.unwrap().json().await.unwrap();
        let mut mails = BTreeMap::new();
        let accounts = answer["messages"].as_object().unwrap().values();
        for mail in accounts.flat_map(|mails| mails.as_array().unwrap()) {
            *mails.entry(mail["BodyText"].as_str().unwrap().trim().to_owned()).or_insert(0) += 1;
        }
        mails
    }

    /// Destroys the system, which must leave nothing.
    pub(crate) async fn end(self) {
        tokio::task::block_in_place(|| self.infra.run("destroy", &["--auto-approve"])).expect(0);
        assert_eq!(self.local.control().inventory().await.unwrap(), [], "a destroy leaves nothing");
        self.local.stop().await;
    }
}
