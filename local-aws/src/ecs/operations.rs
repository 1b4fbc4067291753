//! ECS's operations that are answered here, and what all of them need.

use bytes::Bytes;
use hyper::Response;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde_json::{Value, json};

use super::service::{Service, Status as ServiceStatus};
use super::task::{Status, Task};
use super::{State, refused, service_deployments, services, tasks, text};
use crate::call::Call;
use crate::error::AwsError;
use crate::facts::Facts;

/// The cluster of a call.
pub(super) struct Cluster {
    pub(super) arn: String,
    pub(super) name: String,
}

/// Says whether ECS's `operation` with this input is answered here.
pub(crate) fn serves(operation: &str, input: &Value) -> bool {
    match operation {
        "CreateService"
        | "DeleteService"
        | "DescribeServiceDeployments"
        | "DescribeServiceRevisions"
        | "DescribeServices"
        | "DescribeTasks"
        | "ListServiceDeployments"
        | "ListServices"
        | "ListServicesByNamespace"
        | "ListTasks"
        | "RunTask"
        | "StopServiceDeployment"
        | "StopTask"
        | "UpdateService" => true,
        "TagResource" | "UntagResource" | "ListTagsForResource" => {
            let arn = text(&input["resourceArn"]);
            arn.contains(":service/") || arn.contains(":task/")
        }
        _ => false,
    }
}

/// Answers a call to ECS; none if the emulator is to.
pub(crate) async fn answer(call: &Call, facts: &Facts<'_>) -> Result<Option<Response<Bytes>>, AwsError> {
    if !serves(&call.operation, &call.json) {
        return Ok(None);
    }
    let told = perform(&call.operation, &call.json, facts).await?;
    let mut response = Response::new(Bytes::from(told.to_string()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
    Ok(Some(response))
}

/// Performs one of the operations that are answered here.
pub(crate) async fn perform(operation: &str, input: &Value, facts: &Facts<'_>) -> Result<Value, AwsError> {
    let scheduler = &facts.shared.ecs;
    let told = match operation {
        "CreateService" => services::create(input, facts).await,
        "UpdateService" => services::update(input, facts).await,
        "DeleteService" => services::delete(input, facts).await,
        "RunTask" => tasks::run(input, facts).await,
        "StopTask" => tasks::stop(input, facts).await,
        "StopServiceDeployment" => service_deployments::stop(input, facts),
        _ => {
            scheduler.settle(facts.shared).await;
            match operation {
                "DescribeServices" => services::describe(input, facts).await,
                "ListServices" => services::list(input, facts).await,
                "ListServicesByNamespace" => Ok(services::list_by_namespace(input, facts)),
                "DescribeTasks" => tasks::describe(input, facts).await,
                "ListTasks" => tasks::list(input, facts).await,
                "ListServiceDeployments" => service_deployments::list(input, facts).await,
                "DescribeServiceDeployments" => Ok(service_deployments::describe(input, facts)),
                "DescribeServiceRevisions" => Ok(service_deployments::revisions(input, facts)),
                _ => tags(operation, input, facts),
            }
        }
    };
    scheduler.changed.notify_one();
    told
}

/// Returns the cluster that `input` names, which must be there.
pub(super) async fn cluster(input: &Value, facts: &Facts<'_>) -> Result<Cluster, AwsError> {
    let wanted = short(input["cluster"].as_str().unwrap_or("default")).to_owned();
    let arns = facts.ecs_list("ListClusters", &json!({}), "clusterArns").await?;
    match arns.iter().map(text).find(|arn| short(arn) == wanted) {
        Some(arn) => Ok(Cluster { arn: arn.to_owned(), name: wanted }),
        None => refused("ClusterNotFoundException", "Cluster not found."),
    }
}

/// Returns the last part of a name or ARN.
pub(crate) fn short(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or(reference)
}

/// Returns the strings of a list.
pub(super) fn strings<'a>(input: &'a Value, key: &str) -> impl Iterator<Item = &'a str> {
    input[key].as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// Returns one page of `items` where pages are asked for, and the token of the next.
pub(super) fn page(items: Vec<Value>, input: &Value, key: &str) -> Value {
    let from = input["nextToken"].as_str().and_then(|token| token.parse().ok()).unwrap_or(0);
    let most = input["maxResults"].as_u64().and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    let total = items.len();
    let page: Vec<Value> = items.into_iter().skip(from).take(most).collect();
    let next = from + page.len();
    let mut told = json!({ key: page });
    if next < total {
        told["nextToken"] = json!(next.to_string());
    }
    told
}

/// Describes what `references` name, by `find`; what is not there is a failure.
pub(super) fn described<'a>(
    references: impl Iterator<Item = &'a str>,
    key: &str,
    arn: impl Fn(&str) -> String,
    find: impl Fn(&str) -> Option<Value>,
) -> Value {
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for reference in references {
        match find(reference) {
            Some(told) => found.push(told),
            None => failures.push(json!({"arn": arn(reference), "reason": "MISSING"})),
        }
    }
    json!({ key: found, "failures": failures })
}

fn tags(operation: &str, input: &Value, facts: &Facts<'_>) -> Result<Value, AwsError> {
    let arn = text(&input["resourceArn"]);
    let mut state = facts.shared.ecs.state();
    let State { services, tasks, .. } = &mut *state;
    let service = services.get_mut(arn).map(|service: &mut Service| &mut service.tags);
    let Some(tags) = service.or_else(|| tasks.get_mut(arn).map(|task: &mut Task| &mut task.plan.tags)) else {
        return refused("InvalidParameterException", "The specified resource is not valid.");
    };
    match operation {
        "TagResource" => {
            for tag in input["tags"].as_array().into_iter().flatten() {
                tags.retain(|known| known["key"] != tag["key"]);
                tags.push(tag.clone());
            }
            Ok(json!({}))
        }
        "UntagResource" => {
            let gone: Vec<&str> = strings(input, "tagKeys").collect();
            tags.retain(|tag| !gone.contains(&text(&tag["key"])));
            Ok(json!({}))
        }
        _ => Ok(json!({ "tags": tags })),
    }
}

/// Tells the counts of clusters, of whose services and tasks the emulator knows nothing.
pub(crate) async fn tell_counts(told: &mut Value, facts: &Facts<'_>) {
    facts.shared.ecs.settle(facts.shared).await;
    let state = facts.shared.ecs.state();
    for cluster in told["clusters"].as_array_mut().into_iter().flatten() {
        let arn = text(&cluster["clusterArn"]).to_owned();
        let tasks = || state.tasks.values().filter(|task| task.plan.cluster_arn == arn);
        let is_pending = |task: &&Task| task.status < Status::Running && task.is_live();
        let services = state.services.values().filter(|service| service.cluster_arn == arn);
        cluster["runningTasksCount"] = json!(tasks().filter(|task| task.status == Status::Running).count());
        cluster["pendingTasksCount"] = json!(tasks().filter(is_pending).count());
        cluster["activeServicesCount"] =
            json!(services.filter(|service| service.status == ServiceStatus::Active).count());
    }
}
