//! Going back: stopping a deployment that is under way, and finding what served before.

use std::time::Duration;

use aws_sdk_ecs::types::{self as sdk, ServiceDeploymentStatus as Status, StopServiceDeploymentStopType};

use super::deployment::{describe_one, newest, primary, revision};
use super::logs::missing_groups;
use super::service_calls::describe;
use super::task_definition;
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::error::During;
use crate::aws::resource::Result;
use crate::aws::wait::{self, Probe};
use crate::cloud::services::Before;
use crate::cloud::{CloudError, ErrorKind, Op};

/// How long a rollback may take.
const TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// Service deployments that are looked through for the last one that worked.
const RECENT: i32 = 100;
/// Service revisions that one call describes.
const DESCRIBE_BATCH: usize = 20;
/// Revisions of a family that are tried, where ECS tells no service deployments: those between were never registered or
/// are deleted.
const TRIES: usize = 10;

/// What the deployment under way deploys, and its ARN.
async fn current(aws: &Aws, cluster: &str, service: &str) -> Option<(String, sdk::ServiceDeploymentBrief)> {
    let brief = newest(aws, cluster, service, RECENT).await.into_iter().next()?;
    let under_way = matches!(brief.status(), Some(Status::Pending | Status::InProgress));
    let arn = brief.service_deployment_arn().filter(|_| under_way)?.to_owned();
    Some((arn, brief))
}

/// What the deployment of a service that is under way deploys.
pub(in crate::aws) async fn under_way(aws: &Aws, service: &Id) -> Result<Option<String>> {
    let [arn, cluster] = service.parts();
    let Some((_, brief)) = current(aws, cluster, arn).await else { return Ok(None) };
    let target = brief.target_service_revision_arn().map(str::to_owned);
    let definitions = definitions(aws, target.into_iter().collect()).await?;
    let name = definitions.into_iter().next().map(|(_, definition)| revision(&definition).to_owned());
    Ok(Some(name.unwrap_or_else(|| "a new revision".to_owned())))
}

/// Has ECS roll the deployment under way back, and waits until it has.
pub(in crate::aws) async fn take_back(aws: &Aws, op: &Op, service: &Id) -> Result<String> {
    const OPERATION: &str = "ecs:StopServiceDeployment";
    let [arn, cluster] = service.parts();
    let Some((deployment, _)) = current(aws, cluster, arn).await else {
        return Err(CloudError::new(ErrorKind::Conflict, OPERATION, "no deployment is under way any more"));
    };
    let call = aws.ecs().stop_service_deployment().service_deployment_arn(&deployment);
    call.stop_type(StopServiceDeploymentStopType::Rollback).send().await.during(OPERATION)?;
    let timeout = op.patience.timeout.unwrap_or(TIMEOUT);
    let mut said = String::new();
    let mut tell = |state: String| {
        if said != state {
            op.tell(state.clone());
            said = state;
        }
    };
    let started = tokio::time::Instant::now();
    let mut backoff = wait::Backoff::new(aws);
    loop {
        let told = describe_one(aws, &deployment).await;
        match told.as_ref().map_or(Probe::Pending("rolling back".to_owned()), look) {
            Probe::Ready(()) => break,
            Probe::Failed(why) => return Err(CloudError::new(ErrorKind::Unsettled, OPERATION, why)),
            Probe::Pending(state) if started.elapsed() >= timeout => {
                let why = format!("still {state} after {} s", started.elapsed().as_secs());
                return Err(CloudError::new(ErrorKind::Unsettled, OPERATION, why));
            }
            Probe::Pending(state) => tell(state),
        }
        backoff.pause().await;
    }
    let serves = describe(aws, cluster, vec![arn.to_owned()]).await?.pop();
    let serves = serves.and_then(|service| service.task_definition);
    Ok(serves.map_or_else(|| "what served before".to_owned(), |definition| revision(&definition).to_owned()))
}

/// Whether a service deployment that was to be rolled back is.
fn look(told: &sdk::ServiceDeployment) -> Probe<()> {
    let why = || told.status_reason().map(|reason| format!(": {reason}")).unwrap_or_default();
    match told.status() {
        Some(Status::RollbackSuccessful) => Probe::Ready(()),
        Some(Status::Successful) => {
            Probe::Failed("the deployment had succeeded before it could be stopped: roll back again".to_owned())
        }
        Some(Status::RollbackFailed) => Probe::Failed(format!("rolling back failed{}", why())),
        Some(Status::Stopped) => Probe::Failed(format!("the deployment was stopped, not rolled back{}", why())),
        _ => {
            let running = |revision: &sdk::ServiceRevisionSummary| revision.running_task_count();
            let new = told.target_service_revision().map(running).unwrap_or_default();
            let old: i32 = told.source_service_revisions().iter().map(running).sum();
            Probe::Pending(format!("rolling back: {new} tasks of the new revision run, {old} of the old"))
        }
    }
}

/// The task definitions of service revisions, in the order asked.
async fn definitions(aws: &Aws, revisions: Vec<String>) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for batch in revisions.chunks(DESCRIBE_BATCH) {
        let call = aws.ecs().describe_service_revisions().set_service_revision_arns(Some(batch.to_vec()));
        let answer = call.send().await.during("ecs:DescribeServiceRevisions")?;
        let told = answer.service_revisions.unwrap_or_default();
        for arn in batch {
            let revision = told.iter().find(|revision| revision.service_revision_arn() == Some(arn));
            let definition = revision.and_then(|revision| revision.task_definition());
            found.extend(definition.map(|definition| (arn.clone(), definition.to_owned())));
        }
    }
    Ok(found)
}

/// What served before what a service runs now.
pub(in crate::aws) async fn served_before(aws: &Aws, service: &Id) -> Result<Before> {
    let [arn, cluster] = service.parts();
    let Some(told) = describe(aws, cluster, vec![arn.to_owned()]).await?.pop() else { return Ok(Before::Nothing) };
    let now = primary(&told).and_then(|primary| primary.task_definition()).or(told.task_definition());
    let Some(now) = now.map(str::to_owned) else { return Ok(Before::Nothing) };
    let deployments = newest(aws, cluster, arn, RECENT).await;
    if let Some(last) = deployments.first()
        && matches!(last.status(), Some(Status::RollbackSuccessful))
    {
        return Ok(Before::TakenBack(revision(&now).to_owned()));
    }
    let before = if deployments.is_empty() {
        earlier(aws, &now).await?
    } else {
        let worked = deployments.iter().filter(|brief| brief.status() == Some(&Status::Successful));
        let revisions = worked.filter_map(|brief| brief.target_service_revision_arn().map(str::to_owned)).collect();
        definitions(aws, revisions).await?.into_iter().map(|(_, definition)| definition).find(|one| *one != now)
    };
    let Some(before) = before else { return Ok(Before::Nothing) };
    let (old, current) = tokio::try_join!(task_definition::told(aws, &before), task_definition::told(aws, &now))?;
    let (Some(properties), Some(properties_now)) = (old, current) else { return Ok(Before::Nothing) };
    let lacks = missing_groups(aws, &before).await.into_iter().map(|group| format!("the log group {group}")).collect();
    Ok(Before::Revision { name: revision(&before).to_owned(), properties, properties_now, lacks })
}

/// The revision of the same family that was registered before `definition`.
async fn earlier(aws: &Aws, definition: &str) -> Result<Option<String>> {
    let Some((family, number)) = definition.rsplit_once(':') else { return Ok(None) };
    let Ok(number) = number.parse::<i64>() else { return Ok(None) };
    for number in (1..number).rev().take(TRIES) {
        let arn = format!("{family}:{number}");
        if task_definition::told(aws, &arn).await?.is_some() {
            return Ok(Some(arn));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(status: Status) -> sdk::ServiceDeployment {
        sdk::ServiceDeployment::builder().status(status).build()
    }

    #[test]
    fn only_a_rollback_that_is_through_is_one() {
        assert!(matches!(look(&told(Status::RollbackSuccessful)), Probe::Ready(())));
        for status in [Status::StopRequested, Status::RollbackRequested, Status::RollbackInProgress] {
            assert!(matches!(look(&told(status)), Probe::Pending(_)));
        }
        for status in [Status::Successful, Status::RollbackFailed, Status::Stopped] {
            assert!(matches!(look(&told(status)), Probe::Failed(_)));
        }
    }
}
