//! How services stand: their deployments, tasks and targets.

use std::collections::BTreeMap;

use aws_sdk_ecs::types::{self as sdk, DesiredStatus};
use futures::future::try_join_all;

use super::deployment::{culprit, describe_one, is_telling, primary, revision};
use super::service_calls::describe;
use super::tasks::{self, Target};
use crate::aws::client::Aws;
use crate::aws::error::{During, found};
use crate::aws::resource::Result;
use crate::aws::services::time;
use crate::cloud::services::{DiedStatus, Managed, SERVICE, ServiceStatus, TargetStatus, TaskStatus};

/// Services that one call describes.
const DESCRIBE_BATCH: usize = 10;
/// Tasks that died, told of one service.
const DIED: usize = 3;
/// For how many seconds they are told.
const RECENT: f64 = 3600.0;

/// How those of `resources` that are services stand, in their order.
pub(in crate::aws) async fn status(aws: &Aws, resources: &[Managed]) -> Result<Vec<ServiceStatus>> {
    let mut clusters: BTreeMap<&str, Vec<(&Managed, &str)>> = BTreeMap::new();
    for managed in resources.iter().filter(|managed| managed.type_name == SERVICE) {
        let [arn, cluster] = managed.id.parts();
        clusters.entry(cluster).or_default().push((managed, arn));
    }
    let batches = clusters.iter().flat_map(|(cluster, services)| {
        services.chunks(DESCRIBE_BATCH).map(move |batch| async move {
            let arns = batch.iter().map(|(_, arn)| (*arn).to_owned()).collect();
            let told = describe(aws, cluster, arns).await?;
            let each = batch.iter().filter_map(|(managed, arn)| {
                let service = told.iter().find(|service| service.service_arn() == Some(arn))?;
                Some(of_service(aws, cluster, managed, service))
            });
            try_join_all(each).await
        })
    });
    let mut found: Vec<ServiceStatus> = try_join_all(batches).await?.into_iter().flatten().collect();
    found.sort_by(|one, other| one.address.cmp(&other.address));
    Ok(found)
}

async fn of_service(aws: &Aws, cluster: &str, managed: &Managed, service: &sdk::Service) -> Result<ServiceStatus> {
    let arn = service.service_arn().unwrap_or_default();
    let definition = service.task_definition().unwrap_or_default();
    let (tasks, stopped, targets, images, told) = tokio::join!(
        tasks::of_service(aws, cluster, arn, DesiredStatus::Running),
        tasks::of_service(aws, cluster, arn, DesiredStatus::Stopped),
        tasks::targets(aws, service.load_balancers()),
        images(aws, definition),
        async { describe_one(aws, service.current_service_deployment()?).await },
    );
    let primary = primary(service);
    let rollout = primary.and_then(|primary| primary.rollout_state()).map(|state| state.as_str().to_owned());
    let told_status = told.as_ref().and_then(|told| told.status()).map(|status| status.as_str().to_owned());
    let told_reason = told.as_ref().and_then(|told| told.status_reason()).map(str::to_owned);
    let rollout_reason = primary.and_then(|primary| primary.rollout_state_reason()).map(str::to_owned);
    let mut tasks: Vec<TaskStatus> = tasks?.iter().map(of_task).collect();
    tasks.sort_by(|one, other| one.since.cmp(&other.since).then_with(|| one.id.cmp(&other.id)));
    Ok(ServiceStatus {
        address: managed.address.clone(),
        revision: revision(definition).to_owned(),
        images: images?,
        desired: service.desired_count(),
        running: service.running_count(),
        pending: service.pending_count(),
        deployment: told_status.or(rollout).unwrap_or_else(|| "UNKNOWN".to_owned()),
        reason: told_reason.or(rollout_reason).filter(|reason| !reason.is_empty()),
        tasks,
        died: died(stopped?),
        targets: targets?.iter().map(of_target).collect(),
    })
}

async fn images(aws: &Aws, definition: &str) -> Result<Vec<String>> {
    let call = aws.ecs().describe_task_definition().task_definition(definition);
    let answer = found(call.send().await.during("ecs:DescribeTaskDefinition"))?;
    let definition = answer.and_then(|answer| answer.task_definition);
    let containers = definition.and_then(|definition| definition.container_definitions).unwrap_or_default();
    Ok(containers.into_iter().filter_map(|container| container.image).collect())
}

fn of_task(task: &sdk::Task) -> TaskStatus {
    TaskStatus {
        id: tasks::name(task.task_arn().unwrap_or_default()).to_owned(),
        revision: task.task_definition_arn().map(revision).unwrap_or_default().to_owned(),
        state: task.last_status().unwrap_or("UNKNOWN").to_owned(),
        health: task.health_status().map_or("UNKNOWN", |health| health.as_str()).to_owned(),
        since: time(task.started_at().or(task.created_at())),
        address: tasks::address(task).map(str::to_owned),
    }
}

/// The last tasks that died, not those that were no longer wanted.
fn died(mut stopped: Vec<sdk::Task>) -> Vec<DiedStatus> {
    let at = |task: &sdk::Task| task.stopped_at().or(task.stopping_at()).map(|time| time.as_secs_f64());
    let since = jiff::Timestamp::now().as_duration().as_secs_f64() - RECENT;
    stopped.retain(|task| is_telling(task) && at(task).is_none_or(|at| at >= since));
    stopped.sort_by(|one, other| at(other).unwrap_or_default().total_cmp(&at(one).unwrap_or_default()));
    let last = stopped.iter().take(DIED).map(|task| DiedStatus {
        id: tasks::name(task.task_arn().unwrap_or_default()).to_owned(),
        revision: task.task_definition_arn().map(revision).unwrap_or_default().to_owned(),
        at: time(task.stopped_at().or(task.stopping_at())),
        code: task.stop_code().map(|code| code.as_str().to_owned()),
        reason: task.stopped_reason().map(str::to_owned),
        container: culprit(task).and_then(|container| container.name()).map(str::to_owned),
        exit_code: culprit(task).and_then(|container| container.exit_code()),
    });
    last.collect()
}

fn of_target(target: &Target) -> TargetStatus {
    let port = target.port.map(|port| format!(":{port}")).unwrap_or_default();
    TargetStatus {
        group: target.group.clone(),
        target: format!("{}{port}", target.id),
        state: target.state.clone(),
        reason: target.reason.clone(),
    }
}
