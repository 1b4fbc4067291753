//! Whether a deployment of a service is the one that serves.

use std::time::Duration;

use aws_sdk_ecs::types::{self as sdk, DeploymentRolloutState};

use super::service_calls::describe;
use crate::aws::client::Aws;
use crate::aws::resource::Result;
use crate::aws::wait::{self, Probe};

/// How long a deployment may take, beside what it waits on purpose.
const TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// Events of a service that a failure tells.
const EVENTS: usize = 3;

/// The deployment that is awaited.
#[derive(Debug)]
pub(super) enum Expected {
    /// The one of this id.
    Id(String),
    /// The one that runs this task definition.
    TaskDefinition(String),
    /// Whichever is the newest.
    Newest,
}

/// Waits until the expected deployment of a service serves, alone and with all of its tasks; fails as soon as it has
/// failed or was rolled back. `pauses` is how long it waits on purpose.
pub(super) async fn wait(aws: &Aws, cluster: &str, arn: &str, expected: &Expected, pauses: Duration) -> Result<()> {
    wait::until(aws, "ecs:DescribeServices", TIMEOUT + pauses, || async {
        let services = describe(aws, cluster, vec![arn.to_owned()]).await?;
        Ok(services.first().map_or_else(|| Probe::Pending("not visible".to_owned()), |service| look(service, expected)))
    })
    .await
}

fn look(service: &sdk::Service, expected: &Expected) -> Probe<()> {
    let deployments = service.deployments();
    let is_expected = |deployment: &&sdk::Deployment| match expected {
        Expected::Id(id) => deployment.id() == Some(id),
        Expected::TaskDefinition(arn) => deployment.task_definition() == Some(arn),
        Expected::Newest => deployment.status() == Some("PRIMARY"),
    };
    let Some(primary) = deployments.iter().find(|deployment| deployment.status() == Some("PRIMARY")) else {
        // Deployment controllers other than ECS keep task sets, not deployments.
        let settled = service.running_count() >= service.desired_count();
        return if settled { Probe::Ready(()) } else { Probe::Pending(counts(service)) };
    };
    let Some(deployment) = deployments.iter().find(is_expected) else {
        let now = primary.task_definition().unwrap_or("another task definition");
        return Probe::Failed(with_events(
            service,
            format!("the deployment was replaced or rolled back: {now} serves"),
        ));
    };
    let reason = || deployment.rollout_state_reason().unwrap_or("the deployment failed").to_owned();
    match deployment.rollout_state() {
        Some(DeploymentRolloutState::Failed) => Probe::Failed(with_events(service, reason())),
        _ if deployment.id() != primary.id() => Probe::Failed(with_events(service, reason())),
        Some(DeploymentRolloutState::InProgress) => Probe::Pending(with_events(service, progress(deployment))),
        // Completed is not believed while tasks are missing or an earlier deployment still has some.
        _ if deployments.len() > 1 || deployment.running_count() < deployment.desired_count() => {
            Probe::Pending(with_events(service, progress(deployment)))
        }
        _ => Probe::Ready(()),
    }
}

fn progress(deployment: &sdk::Deployment) -> String {
    let (running, desired) = (deployment.running_count(), deployment.desired_count());
    match deployment.failed_tasks() {
        0 => format!("deploying ({running} of {desired} tasks run)"),
        failed => format!("deploying ({running} of {desired} tasks run, {failed} failed)"),
    }
}

fn counts(service: &sdk::Service) -> String {
    format!("deploying ({} of {} tasks run)", service.running_count(), service.desired_count())
}

/// `text` with what the service last told, newest first.
fn with_events(service: &sdk::Service, text: String) -> String {
    let events = service.events().iter().filter_map(|event| event.message()).take(EVENTS);
    events.fold(text, |text, event| format!("{text}; {event}"))
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::{Deployment, Service, ServiceEvent};

    use super::*;

    fn deployment(id: &str, status: &str, state: DeploymentRolloutState, running: i32) -> Deployment {
        let deployment = Deployment::builder().id(id).status(status).rollout_state(state);
        deployment.task_definition(format!("td:{id}")).desired_count(2).running_count(running).build()
    }

    fn verdict(deployments: Vec<Deployment>, expected: &Expected) -> String {
        let event = ServiceEvent::builder().message("no capacity").build();
        let service = Service::builder().set_deployments(Some(deployments)).events(event).build();
        match look(&service, expected) {
            Probe::Ready(()) => "ready".to_owned(),
            Probe::Pending(state) => format!("pending: {state}"),
            Probe::Failed(why) => format!("failed: {why}"),
        }
    }

    #[test]
    fn only_a_complete_deployment_that_serves_alone_is_ready() {
        use DeploymentRolloutState::{Completed, Failed, InProgress};
        let two = || Expected::Id("2".to_owned());
        let table = [
            (vec![deployment("2", "PRIMARY", Completed, 2)], "ready"),
            (vec![deployment("2", "PRIMARY", Completed, 1)], "pending: deploying (1 of 2 tasks run); no capacity"),
            (vec![deployment("2", "PRIMARY", InProgress, 2)], "pending: deploying (2 of 2 tasks run); no capacity"),
            (
                vec![deployment("2", "PRIMARY", Completed, 2), deployment("1", "ACTIVE", Completed, 1)],
                "pending: deploying (2 of 2 tasks run); no capacity",
            ),
            (vec![deployment("2", "PRIMARY", Failed, 0)], "failed: the deployment failed; no capacity"),
            (
                vec![deployment("3", "PRIMARY", InProgress, 0), deployment("2", "ACTIVE", Failed, 0)],
                "failed: the deployment failed; no capacity",
            ),
            (
                vec![deployment("3", "PRIMARY", Completed, 2)],
                "failed: the deployment was replaced or rolled back: td:3 serves; no capacity",
            ),
        ];
        for (deployments, expected) in table {
            assert_eq!(verdict(deployments, &two()), expected);
        }
        let rolled_back = vec![deployment("1", "PRIMARY", Completed, 2)];
        let verdict = verdict(rolled_back, &Expected::TaskDefinition("td:2".to_owned()));
        assert!(verdict.starts_with("failed: the deployment was replaced"), "{verdict}");
    }
}
