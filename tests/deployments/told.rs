//! What is told of a deployment beside whether it succeeded.

use local_aws::{Behaviour, Health, Settings};
use serde_json::Value as Json;

use super::shop::{Run, Shop};

/// The JSON lines that a command wrote.
fn lines(text: &str) -> Vec<Json> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn dies(image: &str) -> Behaviour {
    Behaviour { image: image.into(), exit_after_s: Some(1.0), exit_code: Some(3), ..Behaviour::default() }
}

/// Applies an image whose first tasks die, as many as are told of before it behaves.
async fn apply_with_deaths(shop: &Shop, image: &str, more: &[&str]) -> Run {
    // A single task at a time, and slow enough that one is seen to die before the circuit breaker has seen three.
    shop.local.control().set(Settings { time_scale: Some(0.05), ..Settings::default() });
    shop.local.control().behave(dies(image));
    let apply = shop.start_apply(image, &[&["--set", "count=1"], more].concat());
    shop.until(|status| {
        let service = &status["services"][0];
        let died = service["died"].as_array().unwrap();
        let died = died.iter().any(|task| task["exit_code"] == 3 && task["revision"] == service["revision"]);
        died && service["deployment"] == "IN_PROGRESS"
    })
    .await;
    shop.local.control().clear_behaviours();
    let applied = apply.ended().await;
    shop.local.control().set(Settings { time_scale: Some(0.01), ..Settings::default() });
    applied
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_that_died_on_the_way_to_a_success_are_a_warning() {
    let shop = super::open().await;
    let applied = apply_with_deaths(&shop, "app:2", &[]).await.expect(0);
    applied.says(&[
        "warning: Api: ",
        "died since its deployment began; it serves all the same",
        "tests/deployments/stack.yaml:83",
        "the last: task ",
        "EssentialContainerExited",
        "container app: exit code 3",
    ]);
    let applied = apply_with_deaths(&shop, "app:3", &["--format", "json"]).await.expect(0);
    let report = lines(&applied.out).into_iter().find(|line| line["event"] == "report").unwrap();
    assert_eq!((&report["outcome"], &report["warnings"][0]["address"]), (&"done".into(), &"Api".into()), "{report:#}");
    assert!(report["warnings"][0]["detail"]["about"].as_str().unwrap().contains("died since"), "{report:#}");
    assert_eq!(report["warnings"][0]["detail"]["lines"][1], "container app: exit code 3", "{report:#}");
    assert_eq!(report["warnings"][0]["place"]["line"], 83, "{report:#}");
    // Nothing is said where none died.
    let applied = shop.apply("app:4", &[]).expect(0);
    assert!(!applied.err.contains("warning: Api"), "{applied}");
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_told_both_places_of_a_failed_deployment() {
    let shop = super::open().await;
    shop.local.control().behave(dies("app:bad"));
    let failed = shop.apply("app:bad", &["--format", "json"]).expect(1);
    let lines = lines(&failed.out);
    let failed = lines.iter().find(|line| line["event"] == "failed").unwrap();
    let report = lines.iter().find(|line| line["event"] == "report").unwrap();
    for failed in [failed, &report["failed"][0]] {
        assert_eq!(failed["place"]["line"], 83, "{failed:#}");
        assert_eq!(failed["related"][0]["place"]["line"], 76, "{failed:#}");
        assert_eq!(failed["related"][0]["note"], "`ContainerDefinitions[0].Image` of Task changed", "{failed:#}");
    }
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_beside_an_apply_says_that_it_is_under_way() {
    let shop = super::open().await;
    let slow = Behaviour { image: "app:2".into(), target_health: Some(Health::Unhealthy), ..Behaviour::default() };
    shop.local.control().behave(slow);
    shop.local.control().set(Settings { time_scale: Some(0.1), ..Settings::default() });
    let apply = shop.start_apply("app:2", &[]);
    shop.until(|status| status["services"][0]["deployment"] == "IN_PROGRESS").await;
    let planned = shop.plan("app:2").expect(2);
    let planned =
        planned.says(&["Under way: ", "infra apply, since ", "works on this stack", "a run under way has yet to"]);
    assert!(!planned.out.contains("an earlier run"), "{planned}");
    shop.local.control().set(Settings { time_scale: Some(0.01), ..Settings::default() });
    apply.ended().await.expect(1);
    let planned = shop.plan("app:2").expect(2);
    assert!(!planned.err.contains("Under way"), "{planned}");
    shop.local.control().clear_behaviours();
    shop.close().await;
}
