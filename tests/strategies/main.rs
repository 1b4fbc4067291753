//! Deployments that move traffic, from `infra apply` to the listeners' weights: blue/green, linear and canary, with versions
//! that serve, die, ring an alarm or answer with errors, and the way back from each.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

mod shifted;
#[path = "../shop/mod.rs"]
#[allow(dead_code, reason = "rolling deployments need more of it")]
mod shop;

use local_aws::Behaviour;
use shifted::{Shifted, answers, shares};

const BLUE: [i32; 2] = [100, 0];
const GREEN: [i32; 2] = [0, 100];

#[tokio::test(flavor = "multi_thread")]
async fn blue_green_moves_all_traffic_to_the_other_target_group_and_back_with_the_next() {
    let shifted = Shifted::open("blue_green").await;
    let blue = shifted.healthy()[0].clone();
    let applied = shifted.deployed("app:2").await;
    applied.says(&["scale up, 0 % of the traffic", "bake time, 100 % of the traffic, 100 % of the test traffic"]);
    assert_eq!([shifted.weights("Production").await, shifted.weights("Test").await], [GREEN; 2]);
    let green = shifted.healthy()[0].clone();
    assert_ne!(blue, green, "the new tasks are in the other target group");
    shifted.run(&["status"]).expect(0).says(&["Api  2 of 2 running", "SUCCESSFUL", "image app:2", &green]);

    shifted.deployed("app:3").await;
    assert_eq!([shifted.weights("Production").await, shifted.weights("Test").await], [BLUE; 2]);
    assert_eq!(shifted.healthy(), [blue.clone(), blue]);

    // The way back is a blue/green deployment as well.
    let back = shifted.run(&["rollback", "--auto-approve"]).expect(0);
    assert!(!back.says(&["app:3", "app:2", "The next apply deploys what"]).out.contains("Production"));
    shifted.serves("app:2");
    assert_eq!(shifted.weights("Production").await, GREEN);
    shifted.plan("app:2").expect(0);
    shifted.plan("app:3").expect(2);
    shifted.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_update_leaves_the_traffic_where_blue_green_has_moved_it() {
    let mut shifted = Shifted::open("blue_green").await;
    shifted.deployed("app:2").await;
    shifted.shop.values = vec![("strategy", "rolling")];
    let plan = shifted.plan("app:2").expect(2).says(&["~ Api", "BLUE_GREEN"]);
    assert!(!plan.out.contains("Production"), "{plan}");
    shifted.deployed("app:2").await;
    shifted.deployed("app:3").await;
    assert_eq!(shifted.weights("Production").await, GREEN);
    shifted.shop.values = vec![("strategy", "blue_green")];
    shifted.deployed("app:4").await;
    assert_eq!(shifted.weights("Production").await, BLUE);
    shifted.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_dies_at_its_start_gets_no_traffic_and_fails_the_apply() {
    let shifted = Shifted::open("blue_green").await;
    let log = vec!["fatal: no such queue".to_owned()];
    shifted.behave("app:bad", Behaviour { exit_after_s: Some(1.0), exit_code: Some(3), log, ..answers(200) });
    let failed = shifted.apply("app:bad", &[]).expect(1).says(&[
        "the deployment was rolled back",
        "circuit breaker",
        "EssentialContainerExited",
        "container app: exit code 3",
        "fatal: no such queue",
        "`ContainerDefinitions[0].Image` of Task changed",
        "1 failed",
        "100 % available, SLO 99 % met",
    ]);
    assert_eq!(shares(&failed), ["0"]);
    shifted.serves("app:1");
    assert_eq!([shifted.weights("Production").await, shifted.weights("Test").await], [BLUE; 2]);
    // What is to be done is still to be done, and nothing else.
    let plan = shifted.plan("app:bad").expect(2).says(&["~ Api", "1 to change"]);
    assert!(!plan.out.contains("Production"), "{plan}");
    shifted.run(&["status"]).expect(0).says(&["ROLLBACK_SUCCESSFUL", "EssentialContainerExited  app 3"]);
    shifted.run(&["logs", "Api", "--since", "1h"]).expect(0).says(&["fatal: no such queue"]);
    shifted.run(&["rollback", "--auto-approve"]).expect(1).says(&["was rolled back already"]);

    shifted.deployed("app:2").await;
    assert_eq!(shifted.weights("Production").await, GREEN);
    shifted.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn linear_moves_the_traffic_step_by_step() {
    let shifted = Shifted::open("linear").await;
    assert_eq!(shares(&shifted.deployed("app:2").await), ["0", "40", "80", "100"]);
    assert_eq!(shifted.weights("Production").await, GREEN);
    shifted.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn canary_moves_a_small_part_first_and_a_part_can_be_taken_back() {
    let mut shifted = Shifted::open("canary").await;
    assert_eq!(shares(&shifted.deployed("app:2").await), ["0", "10", "100"]);
    assert_eq!(shifted.weights("Production").await, GREEN);

    shifted.shop.values.push(("interval", "12h"));
    let apply = shifted.start_apply("app:3", &[]);
    shifted.until_weights([10, 90]).await;
    shifted.run(&["rollback", "--auto-approve"]).expect(0).says(&["is being deployed", "serves again"]);
    apply.ended().await.expect(1).says(&["the deployment was rolled back", "stopped by a user", "serves"]);
    shifted.serves("app:2");
    assert_eq!(shifted.weights("Production").await, GREEN);
    shifted.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_that_rings_while_it_bakes_moves_all_traffic_back() {
    let mut shifted = Shifted::open("blue_green").await;
    shifted.shop.values.push(("bake_time", "12h"));
    let apply = shifted.start_apply("app:2", &[]);
    shifted.until_weights(GREEN).await;
    shifted.ring(true).await;
    let why = format!(
        "the deployment was rolled back: Service deployment rolled back because of alarms in ALARM state: {}; ",
        shifted.alarm()
    );
    apply.ended().await.expect(1).says(&[&why, "1 failed"]);
    shifted.serves("app:1");
    assert_eq!(shifted.weights("Production").await, BLUE);
    shifted.run(&["status"]).expect(0).says(&["ROLLBACK_SUCCESSFUL", &shifted.alarm()]);
    shifted.plan("app:2").expect(2).says(&["! Api", "~ TaskDefinition"]);

    // One that rings before a deployment begins does not say anything about it.
    shifted.shop.values.pop();
    let again = shifted.apply("app:2", &[]).expect(0).says(&["100 % available, SLO 99 % met", "2 recovered"]);
    assert!(!format!("{again}").contains("outside infra"), "{again}");
    shifted.serves("app:2");
    shifted.plan("app:2").expect(0);
    shifted.ring(false).await;
    shifted.deployed("app:3").await;
    shifted.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_answers_with_errors_misses_the_slo_and_its_service_goes_back() {
    for strategy in ["blue_green", "rolling"] {
        let shifted = Shifted::open(strategy).await;
        shifted.behave("app:sick", answers(500));
        shifted.apply("app:sick", &[]).expect(1).says(&[
            "1 changed",
            "SLO 99 % missed",
            "× status 500",
            " failed), the SLO is 99 %",
            "Rolling back: Api goes back to",
            "the services that it changed are back at what served before",
        ]);
        shifted.serves("app:1");
        assert_eq!(shifted.weights("Production").await, BLUE);
        shifted.plan("app:1").expect(0);
        shifted.deployed("app:2").await;
        shifted.close().await;
    }
}
