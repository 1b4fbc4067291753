//! A service whose traffic deployments move between two target groups, as AWS tells of it.

use std::ops::Deref;
use std::time::{Duration, Instant};

use aws_sdk_cloudwatch::types::StateValue;
use infra::aws::Aws;
use local_aws::Behaviour;
use serde_json::{Value as Json, json};

use super::shop::{Run, Shop};

/// How long traffic may take to move.
const PATIENCE: Duration = Duration::from_secs(60);

/// The stack of these tests, applied to a local AWS.
pub(crate) struct Shifted {
    pub(crate) shop: Shop,
    aws: Aws,
}

impl Deref for Shifted {
    type Target = Shop;

    fn deref(&self) -> &Shop {
        &self.shop
    }
}

impl Shifted {
    /// With the image `app:1` deployed and answering.
    pub(crate) async fn open(strategy: &'static str) -> Self {
        let shop = Shop::empty("tests/strategies", &[("strategy", strategy)]).await;
        let aws = Aws::local("us-east-1", &shop.local.endpoint()).await;
        let shifted = Self { shop, aws };
        shifted.behave("app:", answers(200));
        shifted.apply("app:1", &[]).expect(0);
        assert_eq!(shifted.weights("Production").await, [100, 0]);
        shifted
    }

    /// Says how the tasks of an image behave.
    pub(crate) fn behave(&self, image: &str, behaviour: Behaviour) {
        self.local.control().behave(Behaviour { image: image.into(), ..behaviour });
    }

    /// Applies an image, which must come to serve alone, without a request lost, and leave nothing to do.
    pub(crate) async fn deployed(&self, image: &str) -> Run {
        let applied = self.apply(image, &[]).expect(0).says(&["100 % available, SLO 99 % met", "1 changed"]);
        self.serves(image);
        self.plan(image).expect(0);
        applied
    }

    /// Asserts that all tasks are of the image's revision, and healthy targets.
    pub(crate) fn serves(&self, image: &str) {
        let status = self.status();
        let service = &status["services"][0];
        assert_eq!(service["images"], json!([image]), "{status:#}");
        let tasks = service["tasks"].as_array().unwrap();
        let running: Vec<&Json> = tasks.iter().filter(|task| task["state"] == "RUNNING").collect();
        assert!(running.len() == 2 && running.iter().all(|task| task["revision"] == service["revision"]), "{status:#}");
        assert_eq!(self.healthy().len(), 2, "{status:#}");
    }

    /// The target group of each healthy target.
    pub(crate) fn healthy(&self) -> Vec<String> {
        let status = self.status();
        let targets = status["services"][0]["targets"].as_array().unwrap().iter();
        let healthy = targets.filter(|target| target["state"] == "healthy");
        healthy.map(|target| target["group"].as_str().unwrap().to_owned()).collect()
    }

    /// The weights of the two target groups that a rule forwards to.
    pub(crate) async fn weights(&self, rule: &str) -> [i32; 2] {
        let id = |address| self.recorded(address)["id"].as_str().unwrap().to_owned();
        let told = self.aws.elb().describe_rules().rule_arns(id(rule)).send().await.unwrap();
        let config = told.rules()[0].actions()[0].forward_config().unwrap();
        [id("Blue"), id("Green")].map(|group| {
            let own = config.target_groups().iter().find(|own| own.target_group_arn() == Some(&group));
            own.and_then(|own| own.weight()).unwrap_or(0)
        })
    }

    /// Waits until the production traffic is shared out as wanted.
    pub(crate) async fn until_weights(&self, wanted: [i32; 2]) {
        let begun = Instant::now();
        while self.weights("Production").await != wanted {
            assert!(begun.elapsed() < PATIENCE, "never {wanted:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Has the alarm that deployments heed ring, or no longer.
    pub(crate) async fn ring(&self, rings: bool) {
        let state = if rings { StateValue::Alarm } else { StateValue::Ok };
        let call = self.aws.cloudwatch().set_alarm_state().alarm_name(self.alarm());
        call.state_value(state).state_reason("told to").send().await.unwrap();
    }

    /// The name of that alarm.
    pub(crate) fn alarm(&self) -> String {
        self.recorded("ServerErrors")["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn close(self) {
        self.shop.close().await;
    }
}

/// A behaviour of tasks that answer all requests with this status.
pub(crate) fn answers(status: u16) -> Behaviour {
    Behaviour { response_status: Some(status), ..Behaviour::default() }
}

/// The shares of the production traffic that an apply told of, in their order.
pub(crate) fn shares(applied: &Run) -> Vec<&str> {
    let mut shares: Vec<&str> = applied
        .err
        .lines()
        .filter(|line| line.contains("… Api deploying: "))
        .filter_map(|line| line.split(", ").find_map(|part| part.strip_suffix(" % of the traffic")))
        .collect();
    shares.dedup();
    shares
}
