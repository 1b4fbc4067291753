//! Deployments on the local AWS, with the binary as a user runs it: that they are followed to their end, that failures are
//! told with their cause, and that there is a way back.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

mod back;
mod patience;
#[path = "../shop/mod.rs"]
mod shop;
mod told;
mod watched;

use local_aws::{Behaviour, Health, Settings};
use serde_json::json;
use shop::{PASSWORD, Shop};

/// The shop with nothing deployed.
async fn empty() -> Shop {
    Shop::empty("tests/deployments", &[("password", PASSWORD)]).await
}

/// The shop with the image `app:1` deployed.
async fn open() -> Shop {
    let shop = empty().await;
    shop.apply("app:1", &[]).expect(0);
    shop
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_version_is_followed_until_it_serves_and_can_be_taken_back() {
    let shop = open().await;
    shop.local.control().behave(Behaviour {
        image: "app:2".into(),
        log: vec!["two is up".into()],
        ..Behaviour::default()
    });
    let applied = shop.apply("app:2", &[]).expect(0);
    assert!(applied.err.contains("… Api deploying: "), "no progress in {applied}");
    shop.plan("app:2").expect(0);

    let status = shop.status();
    let service = &status["services"][0];
    assert_eq!((&service["images"], &service["deployment"]), (&json!(["app:2"]), &json!("SUCCESSFUL")));
    assert_eq!((&service["running"], service["tasks"].as_array().unwrap().len()), (&json!(2), 2));
    assert!(service["tasks"][0]["address"].as_str().unwrap().starts_with("10.0."));
    assert_eq!(service["targets"].as_array().unwrap().iter().filter(|one| one["state"] == "healthy").count(), 2);
    assert_eq!(status["queues"][1]["dead"], 0, "{status:#}");
    shop.run(&["status"]).expect(0).says(&["Api  2 of 2 running", "SUCCESSFUL", "Queues:", "image app:2"]);

    let lines = shop.run(&["logs", "Api", "--since", "1h"]).expect(0).says(&["two is up"]);
    assert_eq!(lines.out.matches("two is up").count(), 2, "a line of each task: {lines}");
    let task = service["tasks"][0]["id"].as_str().unwrap();
    let lines = shop.run(&["logs", "Api", "--task", &task[..8], "--format", "json"]).expect(0);
    assert_eq!(lines.out.matches("two is up").count(), 1, "{lines}");
    shop.run(&["logs", "Worker"]).expect(64).says(&["no service `Worker`", "there are: Api"]);

    // The way back is an ordinary apply, and the next plan shows the way forward.
    let back = shop.run(&["rollback", "--auto-approve"]).expect(0);
    let back = back.says(&["Task", "app:2", "app:1", "The next apply deploys what"]);
    assert!(!back.out.contains("~ Vpc") && back.out.contains("1 to change"), "{back}");
    assert_eq!(shop.status()["services"][0]["images"], json!(["app:1"]));
    shop.plan("app:2").expect(2).says(&["app:1", "app:2"]);
    shop.plan("app:1").expect(0);
    shop.apply("app:2", &[]).expect(0);
    assert_eq!(shop.status()["services"][0]["images"], json!(["app:2"]));
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_dies_at_its_start_fails_the_apply_with_its_last_words() {
    let shop = open().await;
    let log = vec!["signing in with canary-4f1e88".to_owned(), "fatal: no such queue".to_owned()];
    let dies = Behaviour { exit_after_s: Some(1.0), exit_code: Some(3), log, ..Behaviour::default() };
    shop.local.control().behave(Behaviour { image: "app:bad".into(), ..dies });
    assert_eq!(PASSWORD, "canary-4f1e88");
    let failed = shop.apply("app:bad", &[]).expect(1);
    failed.says(&[
        "the deployment was rolled back",
        "EssentialContainerExited",
        "container app: exit code 3",
        "fatal: no such queue",
        "signing in with (secret)",
        "tests/deployments/stack.yaml:83",
        "`ContainerDefinitions[0].Image` of Task changed",
        "1 failed",
    ]);
    // The old version serves, and the record says so: what is to be done is still to be done.
    let status = shop.status();
    assert_eq!(status["services"][0]["images"], json!(["app:1"]));
    shop.plan("app:bad").expect(2).says(&["~ Api"]);
    assert_eq!(shop.recorded("Api")["properties"]["TaskDefinition"].as_str().unwrap().rsplit(':').next(), Some("1"));
    shop.run(&["rollback", "--auto-approve"]).expect(1).says(&["was rolled back already"]);

    // A good version goes out as if nothing had been.
    shop.apply("app:2", &[]).expect(0);
    shop.plan("app:2").expect(0);
    assert_eq!(shop.status()["services"][0]["images"], json!(["app:2"]));
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_load_balancers_find_sick_fails_the_apply_with_the_health_check() {
    let shop = open().await;
    let sick = Behaviour { image: "app:sick".into(), target_health: Some(Health::Unhealthy), ..Behaviour::default() };
    shop.local.control().behave(sick);
    shop.apply("app:sick", &[]).expect(1).says(&["rolled back", "Task failed ELB health checks"]);
    let pull = "CannotPullContainerError: pull image manifest has been retried 1 time(s)";
    let absent = Behaviour { image: "app:gone".into(), never_starts: Some(pull.into()), ..Behaviour::default() };
    shop.local.control().behave(absent);
    shop.apply("app:gone", &[]).expect(1).says(&["rolled back", "TaskFailedToStart", pull]);
    shop.apply("app:1", &[]).expect(0);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_rollback_the_failed_version_stays_and_the_next_apply_tries_it_again() {
    let shop = open().await;
    let dies =
        Behaviour { image: "app:bad".into(), exit_after_s: Some(1.0), exit_code: Some(3), ..Behaviour::default() };
    shop.local.control().behave(dies);
    let without = ["--set", "rollback=false"];
    let failed = shop.apply("app:bad", &without).expect(1).says(&["exit code 3"]);
    assert!(!failed.err.contains("rolled back"), "{failed}");
    shop.plan("app:bad").expect(2);
    // Once the cause is gone, the next apply tries the same version again.
    shop.local.control().clear_behaviours();
    shop.apply("app:bad", &without).expect(0).says(&["an earlier deployment failed: deploying"]);
    assert_eq!(shop.status()["services"][0]["deployment"], "SUCCESSFUL");
    let dies =
        Behaviour { image: "app:worse".into(), exit_after_s: Some(1.0), exit_code: Some(4), ..Behaviour::default() };
    shop.local.control().behave(dies);
    shop.apply("app:worse", &without).expect(1).says(&["exit code 4"]);
    // Another version does not wait for the failed one.
    shop.apply("app:2", &without).expect(0);
    assert_eq!(shop.status()["services"][0]["images"], json!(["app:2"]));
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_deployment_that_failed_is_tried_again_by_the_next_apply() {
    let shop = empty().await;
    let pull = "CannotPullContainerError: pull image manifest has been retried 1 time(s)";
    let absent = Behaviour { image: "app:1".into(), never_starts: Some(pull.into()), ..Behaviour::default() };
    shop.local.control().behave(absent);
    shop.apply("app:1", &[]).expect(1).says(&["TaskFailedToStart", pull]);
    let status = shop.status();
    let died = &status["services"][0]["died"];
    assert!(died[0]["reason"].as_str().unwrap().contains(pull) && died.as_array().unwrap().len() <= 3, "{status:#}");
    shop.run(&["status"]).expect(0).says(&["Api  0 of 2 running", "TaskFailedToStart", pull]);
    // As long as the cause is there, each try is a new one that is followed to its end.
    let failed = shop.apply("app:1", &[]).expect(1);
    failed.says(&["an earlier deployment failed: deploying", "… Api deploying: ", pull]);
    shop.local.control().clear_behaviours();
    shop.local.control().clear_calls();
    shop.apply("app:1", &[]).expect(0).says(&["an earlier deployment failed: deploying"]);
    // What is called for it is what making a service may call.
    let may = infra::aws::catalog().get("AWS::ECS::Service").unwrap().permissions.create;
    let called = shop.local.control().calls().counts.into_keys().filter(|call| call.starts_with("ecs:"));
    let unforeseen = called.filter(|call| !may.contains(&call.as_str()) && call != "ecs:DescribeClusters");
    assert_eq!(unforeseen.collect::<Vec<_>>(), [""; 0]);
    shop.plan("app:1").expect(0);
    assert_eq!(shop.status()["services"][0]["deployment"], "SUCCESSFUL");
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_under_way_can_be_taken_back_and_its_apply_says_so() {
    let shop = open().await;
    let slow = Behaviour { image: "app:2".into(), target_health: Some(Health::Unhealthy), ..Behaviour::default() };
    shop.local.control().behave(slow);
    // Slow enough that it is taken back before it has failed by itself.
    shop.local.control().set(Settings { time_scale: Some(0.1), ..Settings::default() });
    let apply = shop.start_apply("app:2", &[]);
    shop.until(|status| status["services"][0]["deployment"] == "IN_PROGRESS").await;
    shop.run(&["rollback", "--auto-approve"]).expect(0).says(&["is being deployed", "serves again"]);
    let applied = apply.ended().await;
    shop.local.control().set(Settings { time_scale: Some(0.01), ..Settings::default() });
    applied.expect(1).says(&["the deployment was rolled back", "serves"]);
    let status = shop.status();
    assert_eq!(status["services"][0]["images"], json!(["app:1"]), "{status:#}");
    shop.local.control().clear_behaviours();
    shop.apply("app:2", &[]).expect(0);
    shop.close().await;
}
