//! Blue/green, linear and canary deployments: the stages, the weights of the target groups, and the way back.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use local_aws::{Behaviour, Health};
use serde_json::{Value, json};
use support::world::World;

/// A service whose two target groups a production and a test listener forward to.
struct Shifted {
    world: World,
    /// The listener for tests.
    tests: String,
}

impl Shifted {
    async fn start(strategy: Value) -> Self {
        let world = World::start().await;
        let blue = world.target_groups[0].clone();
        let tests = support::listener(&world.balancer, "81", &blue);
        let tests = world.aws.elb("CreateListener", &tests).await.ok().get("ListenerArn");
        let rule = async |listener: &str| {
            let rules = world.aws.elb("DescribeRules", &[("ListenerArn", listener)]).await.ok();
            rules.get("RuleArn")
        };
        let balancer = json!({
            "targetGroupArn": blue, "containerName": "app", "containerPort": 80,
            "advancedConfiguration": {
                "alternateTargetGroupArn": world.target_groups[1],
                "productionListenerRule": rule(&world.listener).await, "testListenerRule": rule(&tests).await,
                "roleArn": "arn:aws:iam::123456789012:role/ecs",
            },
        });
        let mut configuration = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}});
        configuration.as_object_mut().unwrap().extend(strategy.as_object().unwrap().clone());
        world.create_behind("web", 2, configuration, balancer).await;
        world.steady("web").await;
        Self { world, tests }
    }

    /// Returns which share of the requests to a listener goes to the alternate target group.
    async fn share(&self, listener: &str) -> String {
        let weights = self.world.weights_of(listener).await;
        let own = weights.iter().find(|(group, _)| *group == self.world.target_groups[1]);
        own.map_or_else(|| "0".to_owned(), |(_, weight)| weight.clone())
    }

    /// Follows the deployment to its end, and tells each stage with the shares of production and test traffic in it.
    async fn stages(&self) -> Vec<(String, String, String)> {
        let mut stages: Vec<(String, String, String)> = Vec::new();
        loop {
            // The weights follow the stage by a moment, so that they are asked for before and after.
            let production = self.share(&self.world.listener).await;
            let test = self.share(&self.tests).await;
            let told = self.world.service_deployment("web").await;
            let stage = told["lifecycleStage"].as_str().unwrap_or_default().to_owned();
            let now = (stage, production, test);
            let again = (self.share(&self.world.listener).await, self.share(&self.tests).await);
            if again == (now.1.clone(), now.2.clone()) && stages.last() != Some(&now) {
                stages.push(now);
            }
            if told["finishedAt"].is_number() {
                return stages;
            }
        }
    }
}

#[tokio::test]
async fn blue_green_moves_all_traffic_at_once_and_back_to_blue_with_the_next() {
    let shifted = Shifted::start(json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1})).await;
    let world = &shifted.world;
    assert_eq!(shifted.share(&world.listener).await, "0");
    world.deploy("web", "v2").await;
    let stages = shifted.stages().await;
    let has = |stage: &str, production: &str, test: &str| {
        let wanted = (stage.to_owned(), production.to_owned(), test.to_owned());
        assert!(stages.contains(&wanted), "{wanted:?} {stages:?}");
    };
    has("SCALE_UP", "0", "0");
    has("BAKE_TIME", "100", "100");
    let untested = stages.iter().find(|(_, production, test)| production == "100" && test == "0");
    assert_eq!(untested, None, "{stages:?}");
    let told = world.service_deployment("web").await;
    assert_eq!(told["status"], "SUCCESSFUL");
    assert_eq!(told["targetServiceRevision"]["requestedProductionTrafficWeight"], 100.0);
    world.steady("web").await;
    let strategy = async |strategy: &str| {
        let input = json!({"cluster": "main", "service": "web", "deploymentConfiguration": {"strategy": strategy}});
        world.ecs("UpdateService", input).await;
    };
    strategy("ROLLING").await;
    world.deploy("web", "v3").await;
    world.steady("web").await;
    let serving = world.aws.elb("DescribeTargetHealth", &[("TargetGroupArn", &*world.target_groups[1])]).await.ok();
    assert_eq!(serving.all("State"), ["healthy", "healthy"], "a rolling update leaves the traffic where it is");
    strategy("BLUE_GREEN").await;
    world.deploy("web", "v4").await;
    shifted.stages().await;
    assert_eq!((shifted.share(&world.listener).await, shifted.share(&shifted.tests).await), ("0".into(), "0".into()));
    shifted.world.end().await;
}

#[tokio::test]
async fn linear_and_canary_move_traffic_in_steps() {
    let linear = json!({"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 40, "stepBakeTimeInMinutes": 1}});
    let canary =
        json!({"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 10, "canaryBakeTimeInMinutes": 1}});
    for (strategy, wanted) in [(linear, &["0", "40", "80", "100"][..]), (canary, &["0", "10", "100"][..])] {
        let shifted = Shifted::start(strategy).await;
        shifted.world.deploy("web", "v2").await;
        let mut shares: Vec<String> = shifted.stages().await.into_iter().map(|(_, share, _)| share).collect();
        shares.dedup();
        assert_eq!(shares, wanted);
        assert_eq!(shifted.world.service_deployment("web").await["status"], "SUCCESSFUL");
        shifted.world.end().await;
    }
}

#[tokio::test]
async fn green_tasks_that_are_never_healthy_get_no_traffic_and_are_rolled_back() {
    let shifted = Shifted::start(json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1})).await;
    let bad = Behaviour { image: "bad".into(), target_health: Some(Health::Unhealthy), ..Behaviour::default() };
    shifted.world.local.control().behave(bad);
    let before: Vec<Value> = shifted.world.tasks("web", "RUNNING").await;
    shifted.world.deploy("web", "bad").await;
    let stages = shifted.stages().await;
    assert!(stages.iter().all(|(_, production, test)| (&**production, &**test) == ("0", "0")), "{stages:?}");
    assert_eq!(shifted.world.service_deployment("web").await["status"], "ROLLBACK_SUCCESSFUL");
    let arns = |tasks: Vec<Value>| tasks.into_iter().map(|task| task["taskArn"].clone()).collect::<Vec<_>>();
    assert_eq!(arns(shifted.world.tasks("web", "RUNNING").await), arns(before));
    shifted.world.end().await;
}

#[tokio::test]
async fn a_stop_while_it_bakes_moves_all_traffic_back() {
    let shifted = Shifted::start(json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 60})).await;
    let world = &shifted.world;
    let first = world.service("web").await;
    world.deploy("web", "v2").await;
    let bakes = async { while world.service_deployment("web").await["lifecycleStage"] != "BAKE_TIME" {} };
    tokio::time::timeout(std::time::Duration::from_secs(30), bakes).await.unwrap();
    assert_eq!(shifted.share(&world.listener).await, "100");
    let arn = world.service("web").await["currentServiceDeployment"].clone();
    world.ecs("StopServiceDeployment", json!({"serviceDeploymentArn": arn, "stopType": "ROLLBACK"})).await;
    let now = world.steady("web").await;
    assert_eq!(now["deployments"][0]["id"], first["deployments"][0]["id"]);
    assert_eq!((shifted.share(&world.listener).await, shifted.share(&shifted.tests).await), ("0".into(), "0".into()));
    assert_eq!(world.service_deployment("web").await["status"], "ROLLBACK_SUCCESSFUL");
    shifted.world.end().await;
}
