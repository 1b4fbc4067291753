//! Each lint on stacks that have what it is about, and on such that have not.

use super::offline;
use crate::cloud::fake::catalog::catalog;
use crate::diagnostic::Severity;
use crate::stack::{Answers, Graph, Needs, Options, load};

fn graph(stack: &str) -> Graph {
    let folder = tempfile::tempdir().expect("folder");
    std::fs::write(folder.path().join("stack.yaml"), format!("stack: shop\nregion: eu-1\n{stack}")).expect("write");
    let checked = load(folder.path(), &Options::default(), &catalog()).unwrap_or_else(|errors| panic!("{errors:?}"));
    match checked.graph(&Answers::new()) {
        Ok(graph) => graph,
        Err(Needs::Errors(errors)) => panic!("{errors:?}"),
        Err(Needs::Lookups(lookups)) => panic!("{lookups:?}"),
    }
}

/// What is found: the lint, and line and column in the stack.
fn found(stack: &str) -> Vec<(&'static str, usize, usize)> {
    let place = |finding: &super::Finding| (finding.lint, finding.span.place().line, finding.span.place().column);
    offline(&graph(stack)).iter().map(place).collect()
}

fn names(stack: &str) -> Vec<&'static str> {
    found(stack).into_iter().map(|(name, ..)| name).collect()
}

/// A stack in which nothing is to be found.
const GOOD: &str = r#"
resources:
  Subnet:
    type: AWS::EC2::Subnet
    for_each: [eu-1a, eu-1b]
    properties: { AvailabilityZone: "${each.value}" }
  Group:
    type: AWS::ElasticLoadBalancingV2::TargetGroup
    properties:
      Protocol: HTTP
      HealthCheckPath: /health
      TargetGroupAttributes: [{ Key: deregistration_delay.timeout_seconds, Value: "30" }]
  Task:
    type: AWS::ECS::TaskDefinition
    properties:
      ContainerDefinitions: [{ Name: web, Image: "shop:1.2", StopTimeout: 30 }]
  Web:
    type: AWS::ECS::Service
    properties:
      TaskDefinition: ${Task.TaskDefinitionArn}
      DesiredCount: 2
      HealthCheckGracePeriodSeconds: 30
      NetworkConfiguration:
        AwsvpcConfiguration: { Subnets: "${values(Subnet).map(s, s.SubnetId)}" }
      LoadBalancers: [{ ContainerName: web, TargetGroupArn: "${Group.TargetGroupArn}" }]
"#;

/// What is found once `from` in the good stack is `to`.
fn with(from: &str, to: &str) -> Vec<&'static str> {
    assert!(GOOD.contains(from), "{from}");
    names(&GOOD.replace(from, to))
}

#[test]
fn a_good_stack_has_nothing_to_find() {
    assert_eq!(names(GOOD), [""; 0]);
}

#[test]
fn each_lint_finds_what_it_is_about() {
    let breaker = "DesiredCount: 2\n      DeploymentConfiguration: { DeploymentCircuitBreaker: { Enable: false, Rollback: false } }";
    let table: &[(&str, &str, &[&str])] = &[
        ("DesiredCount: 2", breaker, &["circuit-breaker"]),
        (
            "type: AWS::ECS::Service",
            "type: AWS::ECS::Service\n    deploy: { circuit_breaker: false }",
            &["circuit-breaker"],
        ),
        ("Value: \"30\"", "Value: \"20\"", &["deregistration-delay"]),
        ("Value: \"30\"", "Value: \"0\"", &["deregistration-delay"]),
        ("deregistration_delay.timeout_seconds", "slow_start.duration_seconds", &["deregistration-delay"]),
        (", StopTimeout: 30", "", &[]),
        ("DesiredCount: 2", "DesiredCount: 1", &["desired-count"]),
        ("      DesiredCount: 2\n", "", &["desired-count"]),
        ("DesiredCount: 2", "SchedulingStrategy: DAEMON", &[]),
        ("      HealthCheckPath: /health\n", "", &["health-check"]),
        ("HealthCheckPath: /health", "HealthCheckEnabled: false", &["health-check"]),
        (
            "      LoadBalancers: [{ ContainerName: web, TargetGroupArn: \"${Group.TargetGroupArn}\" }]\n",
            "",
            &["health-check"],
        ),
        ("      HealthCheckGracePeriodSeconds: 30\n", "", &["health-check-grace-period"]),
        ("shop:1.2", "shop:latest", &["image-tag"]),
        ("shop:1.2", "localhost:5000/shop", &["image-tag"]),
        (
            "type: AWS::ECS::Service",
            "type: AWS::ECS::Service\n    deploy: { minimum_healthy: 0 }",
            &["minimum-healthy-percent"],
        ),
        ("type: AWS::ECS::Service", "type: AWS::ECS::Service\n    deploy: { minimum_healthy: 50 }", &[]),
        (
            "type: AWS::ECS::Service",
            "type: AWS::ECS::Service\n    deploy: { maximum: 100 }",
            &["minimum-healthy-percent"],
        ),
        ("[eu-1a, eu-1b]", "[eu-1a]", &["single-zone"]),
        ("\"${values(Subnet).map(s, s.SubnetId)}\"", "[\"${Subnet['eu-1b'].SubnetId}\"]", &["single-zone"]),
        ("\"${values(Subnet).map(s, s.SubnetId)}\"", "[subnet-1]", &[]),
        ("type: AWS::ECS::Service", "type: AWS::ECS::Service\n    deploy: { strategy: blue_green }", &["strategy"]),
    ];
    for (from, to, expected) in table {
        assert_eq!(with(from, to), *expected, "{from} -> {to}");
    }
}

#[test]
fn a_finding_stands_where_its_mend_is_written() {
    assert_eq!(found(&GOOD.replace("DesiredCount: 2", "DesiredCount: 1")), [("desired-count", 23, 7)]);
    let image = GOOD.replace("shop:1.2", "shop");
    assert_eq!(found(&image), [("image-tag", 18, 43)]);
    let word = GOOD.replace("type: AWS::ECS::Service", "type: AWS::ECS::Service\n    deploy: { minimum_healthy: 0 }");
    assert_eq!(found(&word), [("minimum-healthy-percent", 21, 15)]);
}

#[test]
fn what_is_not_known_is_not_found() {
    assert_eq!(with("DesiredCount: 2", "DesiredCount: \"${size(Group.TargetGroupArn)}\""), [""; 0]);
    assert_eq!(with("Image: \"shop:1.2\"", "Image: \"${Group.TargetGroupArn}\""), [""; 0]);
}

#[test]
fn rounding_is_that_of_ecs() {
    let percent = |desired: u32, minimum: u32, maximum: u32| {
        let stack = GOOD.replace("DesiredCount: 2", &format!("DesiredCount: {desired}"));
        let deploy =
            format!("type: AWS::ECS::Service\n    deploy: {{ minimum_healthy: {minimum}, maximum: {maximum} }}");
        let found = offline(&graph(&stack.replace("type: AWS::ECS::Service", &deploy)));
        found.into_iter().find(|finding| finding.lint == "minimum-healthy-percent").map(|finding| finding.severity)
    };
    assert_eq!(percent(1, 50, 100), Some(Severity::Error), "50 % of 1 is 1");
    assert_eq!(percent(1, 100, 150), Some(Severity::Error), "150 % of 1 is 1");
    assert_eq!(percent(2, 100, 150), None, "150 % of 2 is 3");
    assert_eq!(percent(3, 67, 100), Some(Severity::Error), "67 % of 3 is 3");
    assert_eq!(percent(3, 66, 100), None, "66 % of 3 is 2");
    assert_eq!(percent(4, 0, 200), Some(Severity::Warning));
}

#[test]
fn what_scales_a_service_tells_how_many_tasks_it_has() {
    let scaled = |least: u32| {
        let target = format!(
            "{}\n  Scaling:\n    type: AWS::ApplicationAutoScaling::ScalableTarget\n    properties: {{ ResourceId: \
             \"service/main/${{Web.Name}}\", MinCapacity: {least} }}\n",
            GOOD.trim_end().replace("DesiredCount: 2", "DesiredCount: 1")
        );
        names(&target)
    };
    assert_eq!(scaled(2), [""; 0]);
    assert_eq!(scaled(1), ["desired-count"]);
}

#[test]
fn a_strategy_has_what_it_moves_traffic_with() {
    let entry = "{ ContainerName: web, TargetGroupArn: \"${Group.TargetGroupArn}\" }";
    let advanced = "{ ContainerName: web, TargetGroupArn: \"${Group.TargetGroupArn}\", AdvancedConfiguration: { \
                    AlternateTargetGroupArn: arn:b, ProductionListenerRule: arn:c, RoleArn: arn:d } }";
    let strategy = |word: &str, entries: &str| {
        let deploy = format!("type: AWS::ECS::Service\n    deploy: {{ strategy: {word} }}");
        names(&GOOD.replace("type: AWS::ECS::Service", &deploy).replace(&format!("[{entry}]"), entries))
    };
    for word in ["blue_green", "linear", "canary"] {
        assert_eq!(strategy(word, &format!("[{advanced}]")), [""; 0], "{word}");
        assert_eq!(strategy(word, &format!("[{}]", advanced.replace(", RoleArn: arn:d", ""))), ["strategy"], "{word}");
    }
    assert_eq!(strategy("rolling", &format!("[{entry}]")), [""; 0]);
    assert!(strategy("canary", "[]").contains(&"strategy"), "there is no traffic to move");
}

#[test]
fn what_is_allowed_with_a_reason_is_not_found() {
    let one = GOOD.replace("DesiredCount: 2", "DesiredCount: 1");
    let allow = |stack: &str, before: &str| {
        stack.replace(before, &format!("{before}\n    allow: {{ desired-count: it is a demo }}"))
    };
    assert_eq!(names(&allow(&one, "type: AWS::ECS::Service")), [""; 0]);
    assert_eq!(names(&format!("allow: {{ desired-count: it is a demo }}\n{one}")), [""; 0]);
    let slow = GOOD.replace("Value: \"30\"", "Value: \"20\"");
    for resource in ["type: AWS::ECS::Service", "type: AWS::ElasticLoadBalancingV2::TargetGroup"] {
        let allowed = format!("{resource}\n    allow: {{ deregistration-delay: requests are short }}");
        assert_eq!(names(&slow.replace(resource, &allowed)), [""; 0], "{resource}");
    }
}

#[test]
fn an_allow_that_allows_nothing_is_found_once_all_is_known() {
    let allow = |stack: &str, reason: &str| {
        let resource = "type: AWS::ECS::Service";
        stack.replace(resource, &format!("{resource}\n    allow: {{ desired-count: {reason} }}"))
    };
    assert_eq!(found(&allow(GOOD, "it is a demo")), [("desired-count", 21, 14)]);
    assert_eq!(names(&allow(GOOD, "\"${1 > 2 ? 'it is a demo' : null}\"")), [""; 0], "it comes to nothing");
    let unknown = GOOD.replace("DesiredCount: 2", "DesiredCount: \"${size(Group.TargetGroupArn)}\"");
    assert_eq!(names(&allow(&unknown, "it is a demo")), [""; 0], "it may yet be needed");
}

#[test]
fn a_component_allows_for_all_inside() {
    let folder = tempfile::tempdir().expect("folder");
    let inside = GOOD.replace("DesiredCount: 2", "DesiredCount: 1");
    std::fs::write(folder.path().join("web.yaml"), inside).expect("write");
    let stack = "stack: shop\nregion: eu-1\nresources:\n  A: { component: web.yaml, allow: { desired-count: a demo } }\n  \
                 B: { component: web.yaml }\n";
    std::fs::write(folder.path().join("stack.yaml"), stack).expect("write");
    let checked = load(folder.path(), &Options::default(), &catalog()).unwrap_or_else(|errors| panic!("{errors:?}"));
    let graph = checked.graph(&Answers::new()).unwrap_or_else(|needs| panic!("{needs:?}"));
    let found: Vec<_> = offline(&graph).into_iter().map(|finding| finding.address.to_string()).collect();
    assert_eq!(found, ["B.Web"]);
}
