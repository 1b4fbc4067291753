//! The whole story, once for each environment of each stack: the binary applies it to the local AWS, finds nothing to do, changes
//! it, and destroys it.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

mod github;
#[path = "../page/mod.rs"]
mod page;
mod plan_example;
#[path = "../process/run.rs"]
mod run;
mod saved;
mod user;

use std::collections::BTreeMap;

use infra::aws;
use infra::catalog::Permissions;
use local_aws::{LocalAws, Options};
use user::{IMAGES, Infra, summary};

const STACK: &str = "stacks/notification";

#[tokio::test(flavor = "multi_thread")]
async fn notification_in_dev() {
    story("dev", "service-connect").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn notification_in_dev_with_app_mesh() {
    story("dev", "app-mesh").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn notification_in_prod() {
    story("prod", "service-connect").await;
}

/// Resources that the whole system has at least.
const RESOURCES: usize = 60;

async fn story(environment: &str, mesh: &str) {
    let mesh_setting = format!("mesh={mesh}");
    let values = &[IMAGES, &["--set", &mesh_setting]].concat();
    let local = LocalAws::start(Options::default()).await.unwrap();
    let control = local.control();
    let infra = Infra::new(&local, STACK, environment);

    let planned = infra.run("plan", values).expect(0);
    let created = summary(&planned, "to create");
    assert!(created >= RESOURCES, "{created} resources are fewer than {RESOURCES}\n{planned}");
    let warned = planned.err.contains("AWS App Mesh ended on 2026-09-30") && planned.err.contains("Service Connect");
    assert_eq!(warned, mesh == "app-mesh", "{planned}");
    assert_eq!(control.calls().changing, 0, "a plan changes nothing");

    infra.run("apply", &[values, &["--auto-approve"][..]].concat()).expect(0);
    assert!(!control.inventory().await.unwrap().is_empty());

    assert_permitted(&control.calls().counts);
    control.clear_calls();
    let again = infra.run("plan", &[values, &["--detailed-exitcode"][..]].concat()).expect(0);
    assert!(again.out.starts_with("No changes."), "{again}");
    let calls = control.calls();
    assert_eq!(calls.changing, 0, "an empty plan changes nothing: {:?}", calls.counts);
    assert_batched(&calls.counts);

    let more = &[values, &["--set", "min_tasks=4"][..]].concat();
    let changed = infra.run("plan", &[more, &["--detailed-exitcode"][..]].concat()).expect(2);
    assert_eq!(summary(&changed, "to change"), 4, "both services, and the alarms of too few tasks\n{changed}");
    assert!(changed.out.contains("MinCapacity"), "{changed}");
    infra.run("apply", &[more, &["--auto-approve"][..]].concat()).expect(0);
    infra.run("plan", &[more, &["--detailed-exitcode"][..]].concat()).expect(0);

    let outputs = infra.record("output", &[]).expect(0);
    assert!(outputs.out.contains("http://"), "{outputs}");

    // What is on record can be deleted without the values that it was made with.
    infra.run("destroy", &["--auto-approve"]).expect(0);
    assert_eq!(control.inventory().await.unwrap(), [], "a destroy leaves nothing");
    let listed = infra.record("state", &["list"]).expect(0);
    assert_eq!(listed.out, "", "{listed}");
    assert_permitted(&control.calls().counts);
    local.stop().await;
}

/// Operations that read one resource with each call, because AWS has no other.
const ONE_BY_ONE: &[&str] = &[
    "appmesh:DescribeMesh",
    "appmesh:DescribeRoute",
    "appmesh:DescribeVirtualNode",
    "appmesh:DescribeVirtualRouter",
    "appmesh:DescribeVirtualService",
    "appmesh:ListTagsForResource",
    "application-autoscaling:ListTagsForResource",
    "cloudwatch:GetDashboard",
    "cloudwatch:ListTagsForResource",
    "ecr:GetLifecyclePolicy",
    "ecr:GetRepositoryPolicy",
    "ecr:ListTagsForResource",
    "ec2:DescribeVpcAttribute",
    "ecs:DescribeTaskDefinition",
    "elasticloadbalancing:DescribeListenerAttributes",
    "elasticloadbalancing:DescribeLoadBalancerAttributes",
    "elasticloadbalancing:DescribeTargetGroupAttributes",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListEntitiesForPolicy",
    "iam:ListPolicyTags",
    "iam:ListRolePolicies",
    "iam:ListRoleTags",
    "kms:DescribeKey",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListResourceTags",
    // Of all filters of a log group.
    "logs:DescribeMetricFilters",
    "logs:ListTagsForResource",
    // ListSecrets would take all, but lags up to five minutes behind.
    "secretsmanager:DescribeSecret",
    "servicediscovery:GetNamespace",
    "servicediscovery:GetService",
    "servicediscovery:GetServiceAttributes",
    "servicediscovery:ListTagsForResource",
    "ses:GetConfigurationSet",
    "ses:GetConfigurationSetEventDestinations",
    "ses:GetEmailIdentity",
    "ses:GetEmailTemplate",
    "sns:GetDataProtectionPolicy",
    "sns:GetSubscriptionAttributes",
    "sns:GetTopicAttributes",
    "sns:ListSubscriptionsByTopic",
    "sns:ListTagsForResource",
    "sqs:GetQueueAttributes",
    "sqs:ListQueueTags",
    "ssm:ListTagsForResource",
];

/// Calls that lookups make.
const LOOKUPS: &[&str] = &["ec2:DescribeAvailabilityZones", "sts:GetCallerIdentity"];

/// Every operation that takes more than one resource was called at most once for each type that is read with it.
fn assert_batched(counts: &BTreeMap<String, u64>) {
    for (operation, count) in counts.iter().map(|(call, count)| (action(call), count)) {
        let users =
            aws::catalog().iter().filter(|kind| kind.permissions.read.contains(&operation.as_str())).count() as u64;
        let most = if LOOKUPS.contains(&operation.as_str()) { 1 } else { users };
        let batched = !ONE_BY_ONE.contains(&operation.as_str());
        assert!(!batched || *count <= most, "{operation} was called {count} times for {most} types: {counts:#?}");
    }
}

/// No call was made that no type's permissions name.
fn assert_permitted(counts: &BTreeMap<String, u64>) {
    let catalog = aws::catalog();
    let named = |operation: &str| {
        catalog.iter().any(|kind| {
            let Permissions { create, read, update, delete } = kind.permissions;
            [create, read, update, delete].concat().contains(&operation)
        })
    };
    let unnamed =
        counts.keys().map(|call| action(call)).filter(|name| !LOOKUPS.contains(&name.as_str()) && !named(name));
    let unnamed: Vec<_> = unnamed.collect();
    assert!(unnamed.is_empty(), "no type's permissions name {unnamed:?}");
}

/// The IAM action of a call on record, which goes by the name in its signature.
fn action(call: &str) -> String {
    call.replacen("monitoring:", "cloudwatch:", 1)
}
