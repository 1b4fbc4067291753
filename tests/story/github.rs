//! The roles of `stacks/github` may do what planning and deploying the notification stack takes, and no role may do what nothing takes.

use std::collections::BTreeSet;

use infra::aws;
use local_aws::{LocalAws, Options};
use regex::Regex;
use serde_json::Value;

use crate::user::{IMAGES, Infra};

const VALUES: &[&str] =
    &["--set", "environment=dev", "--set", "repository=team/system", "--set", "state_bucket=team-state"];

/// Actions that types need for what the notification stack does not do.
const NOT_TAKEN: &[&str] = &[
    // Flow logs to S3.
    "s3:GetBucketPolicy",
    "s3:PutBucketPolicy",
    // Listeners that sign users in.
    "cognito-idp:DescribeUserPoolClient",
    // Boundaries of roles: a role that a pipeline makes has none to take away.
    "iam:DeleteRolePermissionsBoundary",
    "iam:PutRolePermissionsBoundary",
    // Endpoints of service networks and other regions.
    "vpc-lattice:CreateServiceNetworkVpcEndpointAssociation",
    "vpce:AllowMultiRegion",
];

/// Actions that no type takes: of the record, of images, of lookups.
const BESIDE: &[&str] = &[
    "s3:DeleteObject",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:PutObject",
    "ecr:GetAuthorizationToken",
    "ec2:DescribeAvailabilityZones",
    "secretsmanager:ListSecrets",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_roles_of_a_pipeline_suffice_and_no_pattern_is_idle() {
    let local = LocalAws::start(Options::default()).await.unwrap();
    let github = Infra::new(&local, "stacks/github", "dev");
    let notification = Infra::new(&local, "stacks/notification", "dev");
    let types: BTreeSet<String> = ["service-connect", "app-mesh"]
        .iter()
        .flat_map(|mesh| {
            let mesh = format!("mesh={mesh}");
            let planned = notification.run("plan", &[IMAGES, &["--set", &mesh, "--format", "json"]].concat()).expect(0);
            let plan: Value = serde_json::from_str(&planned.out).unwrap();
            texts(&plan["steps"], "type")
        })
        .collect();

    github.run("apply", &[VALUES, &["--auto-approve"]].concat()).expect(0);
    github.run("plan", &[VALUES, &["--detailed-exitcode"]].concat()).expect(0);
    let shown = github.record("show", &["--format", "json"]).expect(0);
    let record: Value = serde_json::from_str(&shown.out).unwrap();
    let allowed = |policies: &[&str]| -> Vec<String> {
        let of = |name: &&str| texts(&find(&record, name)["properties"]["PolicyDocument"], "Action");
        policies.iter().flat_map(of).collect()
    };
    let (reading, all) = (allowed(&["Read"]), allowed(&["Read", "ChangeNamed", "Change"]));
    assert!(reading.len() > 30 && all.len() > reading.len(), "{reading:?} {all:?}");

    let catalog = aws::catalog();
    let used: Vec<_> = catalog.iter().filter(|kind| types.contains(kind.name)).map(|kind| kind.permissions).collect();
    let read = used.iter().flat_map(|part| part.read).copied();
    let read: BTreeSet<&str> = read.filter(|action| !NOT_TAKEN.contains(action)).collect();
    let change = used.iter().flat_map(|part| [part.create, part.update, part.delete].concat());
    let change: BTreeSet<&str> = change.filter(|action| !NOT_TAKEN.contains(action)).collect();
    let without = |wanted: &BTreeSet<&str>, patterns: &[String]| -> Vec<String> {
        let allowed = |action: &&&str| patterns.iter().any(|pattern| matches(pattern, action));
        wanted.iter().filter(|action| !allowed(action)).map(|action| (*action).to_owned()).collect()
    };
    assert_eq!(without(&read, &reading), [""; 0], "a plan can't");
    assert_eq!(without(&change, &all), [""; 0], "a deployment can't");
    let wanted = read.iter().chain(&change).chain(BESIDE);
    let wanted: Vec<&str> = wanted.copied().collect();
    let idle: Vec<_> = all.iter().filter(|pattern| !wanted.iter().any(|action| matches(pattern, action))).collect();
    assert!(idle.is_empty(), "nothing takes {idle:?}");

    github.run("destroy", &["--auto-approve"]).expect(0);
    assert_eq!(local.control().inventory().await.unwrap(), []);
    local.stop().await;
}

/// Whether IAM's `pattern` covers `action`.
fn matches(pattern: &str, action: &str) -> bool {
    let pattern = regex::escape(pattern).replace(r"\*", ".*");
    Regex::new(&format!("^{pattern}$")).unwrap().is_match(action)
}

/// Every text under `key` anywhere in `json`, in lists as well.
fn texts(json: &Value, key: &str) -> Vec<String> {
    match json {
        Value::Object(map) => map
            .iter()
            .flat_map(|(name, value)| match value {
                Value::String(text) if name == key => vec![text.clone()],
                Value::Array(list) if name == key => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                value => texts(value, key),
            })
            .collect(),
        Value::Array(list) => list.iter().flat_map(|value| texts(value, key)).collect(),
        _ => Vec::new(),
    }
}

/// What is on record of the resource at `address`.
fn find<'a>(record: &'a Value, address: &str) -> &'a Value {
    let resources = &record["resources"];
    let listed = resources.as_array().into_iter().flatten().find(|one| one["address"] == address);
    listed.unwrap_or(&resources[address])
}
