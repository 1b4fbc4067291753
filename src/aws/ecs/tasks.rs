//! The tasks of a service as ECS tells them, and the health of the targets that they are.

use std::collections::BTreeMap;

use aws_sdk_ecs::types::{self as sdk, DesiredStatus, HealthStatus};
use futures::future::try_join_all;

use crate::aws::client::Aws;
use crate::aws::error::{During, found};
use crate::aws::resource::Result;

/// Tasks that one call describes, and names.
const BATCH: usize = 100;
/// Pages of tasks that are read: more say no more than these do.
const PAGES: usize = 10;

/// The tasks of a service that are to run, or that were stopped within the last hour.
pub(super) async fn of_service(
    aws: &Aws,
    cluster: &str,
    service: &str,
    desired: DesiredStatus,
) -> Result<Vec<sdk::Task>> {
    let mut arns: Vec<String> = Vec::new();
    let mut next = None;
    for _ in 0..PAGES {
        let call = aws.ecs().list_tasks().cluster(cluster).service_name(service).desired_status(desired.clone());
        let Some(page) = found(call.set_next_token(next).send().await.during("ecs:ListTasks"))? else { break };
        arns.extend(page.task_arns.unwrap_or_default());
        next = page.next_token;
        if next.is_none() {
            break;
        }
    }
    let described = arns.chunks(BATCH).map(|arns| async move {
        let call = aws.ecs().describe_tasks().cluster(cluster).set_tasks(Some(arns.to_vec()));
        let answer = call.send().await.during("ecs:DescribeTasks")?;
        Ok(answer.tasks.unwrap_or_default())
    });
    Ok(try_join_all(described).await?.into_iter().flatten().collect())
}

/// The last part of an ARN: what people call a task.
pub(super) fn name(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// The first characters of a task's name: enough to tell the tasks of a service apart.
pub(super) fn short(arn: &str) -> &str {
    let name = name(arn);
    name.get(..8).unwrap_or(name)
}

/// The private address of a task that has one of its own.
pub(super) fn address(task: &sdk::Task) -> Option<&str> {
    let details = task.attachments().iter().flat_map(|attachment| attachment.details());
    let told = details.filter(|detail| detail.name() == Some("privateIPv4Address")).find_map(|detail| detail.value());
    let interfaces = task.containers().iter().flat_map(|container| container.network_interfaces());
    told.or_else(|| interfaces.filter_map(|interface| interface.private_ipv4_address()).next())
}

/// A target of a target group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The target group's name.
    pub(super) group: String,
    /// Its address or instance.
    pub(super) id: String,
    /// Its port.
    pub(super) port: Option<i32>,
    /// `healthy`, `unhealthy`, `initial`, `draining`, ….
    pub(super) state: String,
    /// Why it is so, in the load balancer's words.
    pub(super) reason: Option<String>,
}

/// The targets of the target groups that a service's tasks are registered with.
pub(super) async fn targets(aws: &Aws, balancers: &[sdk::LoadBalancer]) -> Result<Vec<Target>> {
    let alternate = |balancer: &sdk::LoadBalancer| {
        let advanced = balancer.advanced_configuration();
        advanced.and_then(|advanced| advanced.alternate_target_group_arn()).map(str::to_owned)
    };
    let groups = balancers
        .iter()
        .flat_map(|balancer| balancer.target_group_arn().map(str::to_owned).into_iter().chain(alternate(balancer)));
    try_join_all(groups.map(|group| async move { targets_of(aws, &group).await }))
        .await
        .map(|found| found.into_iter().flatten().collect())
}

/// The targets of one target group.
pub(super) async fn targets_of(aws: &Aws, group: &str) -> Result<Vec<Target>> {
    let call = aws.elb().describe_target_health().target_group_arn(group);
    let answer = found(call.send().await.during("elasticloadbalancing:DescribeTargetHealth"))?;
    let descriptions = answer.and_then(|answer| answer.target_health_descriptions).unwrap_or_default();
    // `…:targetgroup/NAME/ID`.
    let name = group.split('/').nth(1).unwrap_or(group);
    Ok(descriptions
        .into_iter()
        .filter_map(|description| {
            let (target, health) = (description.target?, description.target_health?);
            let code = health.reason.map(|reason| reason.as_str().to_owned());
            let reason = match (code, health.description) {
                (Some(code), Some(words)) => Some(format!("{code}: {words}")),
                (code, words) => code.or(words),
            };
            Some(Target {
                group: name.to_owned(),
                id: target.id.unwrap_or_default(),
                port: target.port,
                state: health.state.map(|state| state.as_str().to_owned()).unwrap_or_default(),
                reason,
            })
        })
        .collect())
}

/// Whether a task serves: it runs, its containers' checks say so, and so do the load balancers that it is a target of.
pub(super) fn serves(task: &sdk::Task, targets: &[Target], balanced: bool) -> bool {
    let runs = task.last_status() == Some("RUNNING");
    let checked = !matches!(task.health_status(), Some(HealthStatus::Unhealthy))
        && (task.health_status() == Some(&HealthStatus::Healthy) || !is_checked(task));
    let mut mine = targets.iter().filter(|target| Some(target.id.as_str()) == address(task)).peekable();
    // Tasks that share their host's network are not told apart by address.
    let answered = !balanced
        || address(task).is_none()
        || mine.peek().is_some() && mine.all(|target| matches!(target.state.as_str(), "healthy" | "unused"));
    runs && checked && answered
}

/// Whether any of a task's containers has a health check of its own.
fn is_checked(task: &sdk::Task) -> bool {
    let told = |status: &HealthStatus| matches!(status, HealthStatus::Healthy | HealthStatus::Unhealthy);
    task.containers().iter().any(|container| container.health_status().is_some_and(told))
}

/// Tasks of a deployment by how far they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Tasks that run.
    pub(super) running: usize,
    /// Those that serve.
    pub(super) healthy: usize,
}

/// How many tasks of each deployment run and serve, by the deployment's id.
pub(super) fn counts(tasks: &[sdk::Task], targets: &[Target], balanced: bool) -> BTreeMap<String, Counts> {
    let mut counts: BTreeMap<String, Counts> = BTreeMap::new();
    for task in tasks {
        let of = counts.entry(task.started_by().unwrap_or_default().to_owned()).or_default();
        of.running += usize::from(task.last_status() == Some("RUNNING"));
        of.healthy += usize::from(serves(task, targets, balanced));
    }
    counts
}
