//! What `deploy` comes to, in a stack.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::cloud::Patience;
use crate::cloud::fake::catalog::catalog;
use crate::stack::{Answers, Graph, NoAttributes, Options, load};

fn graph(service: &str) -> Graph {
    let folder = tempfile::tempdir().expect("folder");
    let stack = format!(
        "stack: shop\nregion: eu-1\nparameters: {{ percent: {{ type: integer, default: 50 }} }}\nresources:\n  Group: {{ \
         type: AWS::ElasticLoadBalancingV2::TargetGroup }}\n  Web:\n    type: AWS::ECS::Service\n{service}"
    );
    std::fs::write(folder.path().join("stack.yaml"), stack).expect("write");
    let checked = load(folder.path(), &Options::default(), &catalog()).unwrap_or_else(|errors| panic!("{errors:?}"));
    checked.graph(&Answers::new()).unwrap_or_else(|needs| panic!("{needs:?}"))
}

/// The deployment configuration of a service, and what infra adds to it by itself.
fn configuration(service: &str) -> (Json, Vec<&'static str>) {
    let graph = graph(service);
    let node = graph.index(&"Web".into()).expect("the service");
    let evaluated = graph.evaluated(node, &NoAttributes).unwrap_or_else(|error| panic!("{error:?}"));
    let configuration = evaluated.properties.get("DeploymentConfiguration");
    (configuration.map_or(Json::Null, |value| value.reveal()), evaluated.defaults)
}

/// The deployment configuration that `deploy` comes to, with the circuit breaker left out.
fn deployed(deploy: &str) -> Json {
    let (mut configuration, _) = configuration(&format!("    deploy: {{ {deploy} }}\n"));
    configuration.as_object_mut().expect("a map").remove("DeploymentCircuitBreaker");
    configuration
}

#[test]
fn every_word_is_a_property_of_ecs() {
    let table = [
        ("strategy: rolling", json!({"Strategy": "ROLLING"})),
        (
            "minimum_healthy: \"${params.percent}\", maximum: 150%",
            json!({"MinimumHealthyPercent": 50, "MaximumPercent": 150}),
        ),
        ("strategy: blue_green, bake_time: 1h", json!({"Strategy": "BLUE_GREEN", "BakeTimeInMinutes": 60})),
        (
            "strategy: linear, step: 12.5, step_interval: 2m",
            json!({"Strategy": "LINEAR", "LinearConfiguration": {"StepPercent": 12.5, "StepBakeTimeInMinutes": 2}}),
        ),
        (
            "strategy: canary, canary: 5%, canary_interval: 10m",
            json!({"Strategy": "CANARY", "CanaryConfiguration": {"CanaryPercent": 5, "CanaryBakeTimeInMinutes": 10}}),
        ),
        ("alarms: [a, b]", json!({"Alarms": {"AlarmNames": ["a", "b"], "Enable": true, "Rollback": true}})),
        ("alarms: [a], rollback: false", json!({"Alarms": {"AlarmNames": ["a"], "Enable": true, "Rollback": false}})),
        ("wait: false, timeout: 30m", json!({})),
        ("maximum: null", json!({})),
    ];
    for (deploy, expected) in table {
        assert_eq!(deployed(deploy), expected, "{deploy}");
    }
}

#[test]
fn the_circuit_breaker_is_what_the_stack_says() {
    let breaker =
        |deploy: &str| configuration(&format!("    deploy: {{ {deploy} }}\n")).0["DeploymentCircuitBreaker"].clone();
    let table = [
        ("circuit_breaker: false", json!({"Enable": false, "Rollback": false})),
        ("circuit_breaker: true", json!({"Enable": true, "Rollback": true})),
        ("circuit_breaker: true, rollback: false", json!({"Enable": true, "Rollback": false})),
        ("circuit_breaker: { rollback: true }, rollback: false", json!({"Enable": true, "Rollback": true})),
        (
            "circuit_breaker: { threshold: 3, reset_on_healthy_task: true }",
            json!({"Enable": true, "Rollback": true, "ResetOnHealthyTask": true, "ThresholdConfiguration": {"Type": "COUNT", "Value": 3}}),
        ),
        (
            "circuit_breaker: { threshold: 25% }",
            json!({"Enable": true, "Rollback": true, "ThresholdConfiguration": {"Type": "BOUNDED_PERCENT", "Value": 25}}),
        ),
    ];
    for (deploy, expected) in table {
        assert_eq!(breaker(deploy), expected, "{deploy}");
    }
}

#[test]
fn the_circuit_breaker_is_on_where_the_stack_says_nothing_and_ecs_has_one() {
    let on = json!({"Enable": true, "Rollback": true});
    let by_default = ["DeploymentConfiguration.DeploymentCircuitBreaker"];
    let properties = |text: &str| configuration(&format!("    properties: {{ {text} }}\n"));
    assert_eq!(configuration(""), (json!({"DeploymentCircuitBreaker": on}), by_default.to_vec()));
    let (kept, defaults) = properties("DeploymentConfiguration: { MaximumPercent: 150 }");
    assert_eq!(kept, json!({"MaximumPercent": 150, "DeploymentCircuitBreaker": on}));
    assert_eq!(defaults, by_default);
    let own = "DeploymentConfiguration: { DeploymentCircuitBreaker: { Enable: false, Rollback: false } }";
    assert_eq!(properties(own).1, [""; 0], "the stack says no");
    assert_eq!(properties("DeploymentController: { Type: ECS }").1, by_default);
    for other in [
        "DeploymentController: { Type: CODE_DEPLOY }",
        "DeploymentController: { Type: \"${Group.TargetGroupArn}\" }",
        "LoadBalancers: [{ LoadBalancerName: classic }]",
    ] {
        assert_eq!(properties(other), (Json::Null, Vec::new()), "{other}");
    }
}

#[test]
fn words_and_properties_stand_side_by_side() {
    let service = "    deploy: { maximum: 150 }\n    properties: { DeploymentConfiguration: { MinimumHealthyPercent: 50, \
                   DeploymentCircuitBreaker: { Enable: true, Rollback: false } } }\n";
    let expected = json!({
        "MaximumPercent": 150,
        "MinimumHealthyPercent": 50,
        "DeploymentCircuitBreaker": {"Enable": true, "Rollback": false},
    });
    assert_eq!(configuration(service), (expected, Vec::new()));
}

#[test]
fn waiting_reaches_the_resource() {
    let patience = |service: &str| {
        let graph = graph(service);
        graph.nodes()[graph.index(&"Web".into()).expect("the service")].patience
    };
    assert_eq!(patience(""), Patience::default());
    let timeout = Some(Duration::from_secs(1800));
    assert_eq!(patience("    deploy: { wait: false, timeout: 30m }\n"), Patience { wait: false, timeout });
    let given = "    deploy: { wait: \"${params.percent > 90}\" }\n";
    assert_eq!(patience(given), Patience { wait: false, timeout: None });
}

#[test]
fn what_deploy_refers_to_is_made_first() {
    let graph = graph("    deploy: { alarms: [\"${Group.TargetGroupArn}\"] }\n");
    let web = graph.index(&"Web".into()).expect("the service");
    assert_eq!(graph.nodes()[web].dependencies, [graph.index(&"Group".into()).expect("the group")]);
}
