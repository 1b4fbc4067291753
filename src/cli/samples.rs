//! Plans and events with one of everything, which the tests of what is printed share.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::json;

use crate::address::{Address, Id};
use crate::apply::{Activity, Event, Failure, Outcome, Related, Report, Warning};
use crate::cloud::{CloudError, Detail, ErrorKind};
use crate::diagnostic::Place;
use crate::plan::{Action, Cause, Change, Lint, OutputChange, PLAN_VERSION, Plan, Shown, Step};
use crate::probe::{self, Phase, PhaseCount, Reason};
use crate::rollback::{At, Left};

/// An IAM policy as text.
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Send","Effect":"Allow","Action":["sqs:SendMessage"],"Resource":"*"}]}"#;

fn step(address: &str, type_name: &str, action: Action) -> Step {
    Step {
        address: address.into(),
        type_name: type_name.to_owned(),
        action,
        id: None,
        changes: Vec::new(),
        defaults: Vec::new(),
        reason: None,
        deleted_outside: false,
        moved_from: None,
        after: Vec::new(),
        place: None,
    }
}

fn change(path: &str, old: Shown, new: Shown) -> Change {
    Change { path: path.to_owned(), old, new, cause: Cause::Stack, replaces: false }
}

fn at(file: &str, line: usize) -> Option<Place> {
    Some(Place { file: file.into(), line, column: 3 })
}

/// A plan that has every kind of step and of change.
pub(crate) fn plan() -> Plan {
    let value = Shown::Value;
    let stack = "stacks/notification/stack.yaml";
    let service = "stacks/components/web-service.yaml";
    Plan {
        version: PLAN_VERSION,
        stack: "notification".to_owned(),
        environment: "dev".to_owned(),
        region: "us-east-1".to_owned(),
        serial: 57,
        destroy: false,
        steps: vec![
            Step {
                changes: vec![
                    change("CidrBlock", Shown::Absent, value(json!("10.0.0.0/16"))),
                    change("EnableDnsHostnames", Shown::Absent, value(json!(true))),
                    change(
                        "Tags",
                        Shown::Absent,
                        value(json!([{"Key": "app", "Value": "notification-dev"}, {"Key": "team", "Value": "mail"}])),
                    ),
                ],
                place: at(stack, 12),
                ..step("Vpc", "AWS::EC2::VPC", Action::Create)
            },
            Step {
                changes: vec![
                    change("AssignPublicIp", Shown::Absent, value(json!(false))),
                    change("VpcId", Shown::Absent, Shown::Unknown),
                ],
                after: vec!["Vpc".into()],
                place: at(stack, 20),
                ..step(r#"Subnet["us-east-1a"]"#, "AWS::EC2::Subnet", Action::Create)
            },
            Step { id: Some(Id::new("vpc-0shared")), ..step("Cluster", "AWS::ECS::Cluster", Action::Keep) },
            Step {
                id: Some(Id::new("https://sqs.us-east-1.amazonaws.com/123456789012/mail")),
                changes: vec![
                    Change { cause: Cause::Drift, ..change("DelaySeconds", value(json!(30)), value(json!(0))) },
                    change("MessageRetentionPeriod", value(json!(345_600)), value(json!(1_209_600))),
                    change("VisibilityTimeout", value(json!(60)), Shown::Default),
                ],
                place: at(stack, 31),
                ..step("Mail", "AWS::SQS::Queue", Action::Update)
            },
            Step {
                deleted_outside: true,
                reason: Some("was deleted outside infra".to_owned()),
                changes: vec![change("RetentionInDays", Shown::Absent, value(json!(14)))],
                place: at(stack, 44),
                ..step("Logs", "AWS::Logs::LogGroup", Action::Create)
            },
            Step {
                id: Some(Id::new("notification-dev-sender")),
                changes: vec![
                    change(
                        "Policies",
                        value(json!([{"PolicyName": "send", "PolicyDocument": POLICY}])),
                        value(
                            json!([{"PolicyName": "send", "PolicyDocument": POLICY.replace("\"*\"", "\"arn:aws:sqs:us-east-1:123456789012:mail\"")}]),
                        ),
                    ),
                    change("Description", Shown::Absent, value(json!("Sends mail"))),
                    change("Path", value(json!("/old/")), Shown::Absent),
                ],
                place: at(service, 9),
                ..step("Sender.Role", "AWS::IAM::Role", Action::Update)
            },
            Step {
                id: Some(Id::new("arn:aws:ecs:us-east-1:123456789012:task-definition/sender:4")),
                changes: vec![
                    Change {
                        replaces: true,
                        ..change(
                            "ContainerDefinitions",
                            value(
                                json!([{"Name": "app", "Image": "registry/sender:1", "Secrets": "(secret)", "PortMappings": [{"ContainerPort": 8080, "Protocol": "tcp"}]}]),
                            ),
                            value(
                                json!([{"Name": "app", "Image": "registry/sender:2", "Secrets": "(secret)", "PortMappings": [{"ContainerPort": 8080, "Protocol": "tcp"}]}]),
                            ),
                        )
                    },
                    change("SmtpPassword", Shown::Secret, Shown::Secret),
                ],
                after: vec!["Sender.Role".into()],
                place: at(service, 22),
                ..step("Sender.Task", "AWS::ECS::TaskDefinition", Action::Replace)
            },
            Step {
                id: Some(Id::new("arn:aws:ecs:us-east-1:123456789012:service/dev/sender")),
                changes: vec![change("TaskDefinition", value(json!("sender:4")), Shown::Unknown)],
                defaults: vec!["DeploymentConfiguration.DeploymentCircuitBreaker".to_owned()],
                after: vec!["Sender.Task".into()],
                place: at(service, 40),
                ..step("Sender.Service", "AWS::ECS::Service", Action::Update)
            },
            Step {
                id: Some(Id::new("sg-0aa|443")),
                reason: Some("replace_on: Vpc is replaced".to_owned()),
                place: at(stack, 60),
                ..step("Https", "AWS::EC2::SecurityGroupIngress", Action::ReplaceDeleteFirst)
            },
            Step {
                id: Some(Id::new("subnet-9")),
                reason: Some("removed from the stack".to_owned()),
                ..step(r#"Subnet["us-east-1c"]"#, "AWS::EC2::Subnet", Action::Delete)
            },
            Step {
                id: Some(Id::new("repo")),
                reason: Some("the stack says `forget`".to_owned()),
                ..step("Legacy", "AWS::ECR::Repository", Action::Forget)
            },
            Step { place: at(stack, 70), ..step("Alb", "AWS::ElasticLoadBalancingV2::LoadBalancer", Action::Recover) },
            Step {
                id: Some(Id::new("rtb-1")),
                moved_from: Some("Routes".into()),
                place: at(stack, 80),
                ..step("PrivateRoutes", "AWS::EC2::RouteTable", Action::Keep)
            },
        ],
        outputs: vec![
            OutputChange { name: "token".to_owned(), old: Shown::Absent, new: Shown::Secret },
            OutputChange { name: "url".to_owned(), old: value(json!("http://old.example")), new: Shown::Unknown },
        ],
        lints: vec![Lint {
            lint: "desired-count".to_owned(),
            address: "Api.Service".into(),
            place: Place { file: service.into(), line: 40, column: 7 },
            message: "a single task runs: when it or its host dies, nothing serves until another is up".to_owned(),
            help: "give `DesiredCount: 2`".to_owned(),
        }],
    }
}

/// A plan that changes nothing.
pub(super) fn empty_plan() -> Plan {
    let mut plan = plan();
    plan.outputs.clear();
    plan.lints.clear();
    plan.steps.retain(|step| step.action == Action::Keep && step.moved_from.is_none());
    plan
}

pub(super) fn error() -> CloudError {
    CloudError {
        kind: ErrorKind::Denied,
        code: "AccessDenied".to_owned(),
        message: "User: ci is not authorized to perform: iam:UpdateRole\u{1b}[31m".to_owned(),
        operation: "iam:UpdateRole".to_owned(),
        request_id: Some("5f1c".to_owned()),
        details: vec![Detail {
            about: "task 0a1b2c3d stopped: TaskFailedToStart".to_owned(),
            lines: vec!["container app: exit code 1\u{1b}[31m".to_owned()],
        }],
    }
}

/// What a watch saw that missed its SLO.
pub(super) fn probe() -> probe::Report {
    let phase = |phase, checks, failures| PhaseCount { phase, checks, failures };
    probe::Report {
        url: "http://shop/health".to_owned(),
        checks: 90,
        failures: 1,
        reasons: vec![Reason { reason: "status 503".to_owned(), count: 1 }],
        longest_gap: 1.0,
        p50: 3.1,
        p99: 12.0,
        phases: vec![phase(Phase::Before, 10, 0), phase(Phase::During, 50, 1), phase(Phase::After, 30, 0)],
        served_before: Some(true),
        counted: 80,
        counted_failures: 1,
        availability: 98.75,
        slo: Some(99.9),
        met: false,
    }
}

/// What a rollback left.
pub(super) fn left() -> Vec<Left> {
    let left = |at| Left { at, image: "shop:2".to_owned(), serves: "shop:1".to_owned() };
    let property = At::Property { address: "ApiImage".into(), path: "Value".to_owned() };
    vec![left(property), left(At::Output("api_image".to_owned()))]
}

/// One event of every kind, as an apply of [`plan`] could give them.
pub(super) fn events() -> Vec<Event> {
    let queue = || "AWS::SQS::Queue".to_owned();
    let started = |address: &str, activity, holds_up| Event::Started {
        address: address.into(),
        type_name: queue(),
        activity,
        holds_up,
    };
    let finished = |address: &str, activity, id: Option<&str>, millis| Event::Finished {
        address: address.into(),
        type_name: queue(),
        activity,
        id: id.map(Id::new),
        took: Duration::from_millis(millis),
    };
    vec![
        started("Vpc", Activity::Create, 1),
        started("Sender.Role", Activity::Update, 2),
        started("Alb", Activity::Recover, 0),
        finished("Vpc", Activity::Create, Some("vpc-123"), 1234),
        started(r#"Subnet["us-east-1a"]"#, Activity::Create, 0),
        Event::Failed {
            address: "Sender.Role".into(),
            type_name: "AWS::IAM::Role".to_owned(),
            activity: Activity::Update,
            error: error(),
            place: None,
            related: Vec::new(),
            took: Duration::from_millis(456),
        },
        Event::Skipped { address: "Sender.Task".into(), type_name: queue(), because: "Sender.Role".into() },
        Event::Skipped { address: "Sender.Service".into(), type_name: queue(), because: "Sender.Role".into() },
        started("Alb", Activity::Settle, 0),
        Event::Progress { address: "Alb".into(), text: "1 of 2 zones\u{1b}[31m ready".to_owned() },
        started(r#"Subnet["us-east-1c"]"#, Activity::Delete, 0),
        Event::Draining { under_way: vec![Address::from("Alb"), Address::from(r#"Subnet["us-east-1c"]"#)] },
        finished(r#"Subnet["us-east-1c"]"#, Activity::Delete, None, 61_000),
    ]
}

/// How that apply ended.
pub(super) fn report(outcome: Outcome) -> Report {
    let failed = Failure {
        address: "Sender.Role".into(),
        type_name: "AWS::IAM::Role".to_owned(),
        activity: Activity::Update,
        error: error(),
        place: None,
        related: vec![Related {
            place: Place { file: "stack.yaml".into(), line: 2, column: 9 },
            note: "`Path` of Sender.Policy changed".to_owned(),
        }],
    };
    let ok = outcome == Outcome::Done;
    let because = (outcome == Outcome::Failed).then(|| Address::from("Sender.Role"));
    Report {
        outcome,
        done: vec![
            ("Vpc".into(), Activity::Create),
            ("Https".into(), Activity::Delete),
            ("Https".into(), Activity::Create),
            (r#"Subnet["us-east-1c"]"#.into(), Activity::Delete),
        ],
        failed: if outcome == Outcome::Failed { vec![failed] } else { Vec::new() },
        skipped: if ok {
            Vec::new()
        } else {
            vec![("Sender.Task".into(), because.clone()), ("Sender.Service".into(), because)]
        },
        predecessors: if ok { Vec::new() } else { vec!["Sender.Task".into()] },
        warnings: vec![Warning {
            address: "Api.Service".into(),
            detail: Detail {
                about: "1 task of api:2 died since its deployment began; it serves all the same".to_owned(),
                lines: vec!["container app: exit code 3\u{1b}[31m".to_owned()],
            },
            place: None,
        }],
    }
}

/// Checks that a section of `docs/plan-format.md` has a row for each field of `documents`, none besides, and in it each
/// word that the field can hold.
pub(crate) fn assert_page_has(heading: &str, documents: &[serde_json::Value]) {
    let page = include_str!("../../docs/plan-format.md");
    let section = page.split_once(heading).expect(heading).1;
    let section = section.split("\n## ").next().expect("a section");
    let rows: BTreeMap<&str, &str> =
        section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`')).collect();

    let mut fields = BTreeMap::new();
    documents.iter().for_each(|document| collect("", document, &mut fields));
    assert_eq!(
        rows.keys().collect::<Vec<_>>(),
        fields.keys().collect::<Vec<_>>(),
        "fields in the page and in the JSON"
    );
    for (path, words) in fields {
        let row = rows[path.as_str()];
        for word in words {
            assert!(row.contains(&format!("`{word}`")), "the row of `{path}` does not name `{word}`");
        }
    }
}

/// The paths of all fields, with the words found in those that hold one of a few.
fn collect(path: &str, json: &serde_json::Value, fields: &mut BTreeMap<String, BTreeSet<String>>) {
    match json {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let words = fields.entry(path.clone()).or_default();
                if matches!(key.as_str(), "action" | "activity" | "cause" | "event" | "kind" | "outcome") {
                    words.extend(value.as_str().map(str::to_owned));
                }
                // What a property holds is the stack's own business.
                if key != "value" {
                    collect(&path, value, fields);
                }
            }
        }
        serde_json::Value::Array(list) => list.iter().for_each(|item| collect(&format!("{path}[]"), item, fields)),
        _ => {}
    }
}
