//! A new try of a deployment that an earlier run began and that has failed by now.

use aws_sdk_ecs::types::{self as sdk, DeploymentRolloutState, DesiredStatus};

use super::{BEFORE_ROLLBACK, Deployment, Expected, Origin, Progress, primary, revision};
use crate::aws::client::Aws;
use crate::aws::ecs::service_calls::describe;
use crate::aws::ecs::tasks;
use crate::aws::error::During;
use crate::aws::resource::Result;
use crate::aws::wait::{Backoff, Probe};

impl Deployment<'_> {
    /// Follows it; or a new one of the same revision, where it has failed for good before anybody looked and does not
    /// serve all the same.
    pub(in crate::aws::ecs) async fn resume(mut self) -> Result<()> {
        let Some(service) = self.failed_before().await? else { return self.follow().await };
        if serves(self.aws, self.cluster, self.service, &service).await {
            self.warn_of_deaths(&service).await;
            return Ok(());
        }
        let wanted = service.task_definition().map_or("its revision", revision);
        self.op.tell(format!("an earlier deployment failed: deploying {wanted} again"));
        let call = self.aws.ecs().update_service().cluster(self.cluster).service(self.service);
        let call = call.set_task_definition(service.task_definition.clone()).force_new_deployment(true);
        let answer = call.send().await.during("ecs:UpdateService")?;
        let made = answer.service().and_then(primary).and_then(|made| made.id());
        self.expected = made.map_or(Expected::Newest, |id| Expected::Id(id.to_owned()));
        self.origin = Origin::Change(service.current_service_deployment);
        self.follow().await
    }

    /// The service, where the awaited revision is what it is to run, and its deployment has failed for good already.
    async fn failed_before(&self) -> Result<Option<sdk::Service>> {
        if !self.op.again {
            return Ok(None);
        }
        let mut progress = Progress { patience: BEFORE_ROLLBACK, ..Progress::default() };
        let mut backoff = Backoff::new(self.aws);
        loop {
            let services = describe(self.aws, self.cluster, vec![self.service.to_owned()]).await;
            let service = services.map_err(|error| self.lost_sight(error))?.pop();
            let Some(service) = service else { return Ok(None) };
            let Some(primary) = primary(&service).filter(|primary| self.expected.is(primary)) else { return Ok(None) };
            let failed = primary.rollout_state() == Some(&DeploymentRolloutState::Failed);
            match self.look(&service, &mut progress).await {
                Probe::Failed(_) => return Ok(Some(service)),
                // ECS may be about to roll it back.
                Probe::Pending(_) if failed && progress.service_deployment.is_none() => backoff.pause().await,
                Probe::Pending(_) | Probe::Ready(()) => return Ok(None),
            }
        }
    }
}

/// Whether the newest deployment serves alone and with all of its tasks, however it ended.
async fn serves(aws: &Aws, cluster: &str, arn: &str, service: &sdk::Service) -> bool {
    let Some(primary) = primary(service) else { return false };
    let whole = service.deployments().len() == 1
        && primary.pending_count() == 0
        && primary.running_count() == primary.desired_count()
        && primary.desired_count() > 0;
    if !whole {
        return false;
    }
    let balancers = service.load_balancers();
    let (tasks, targets) =
        tokio::join!(tasks::of_service(aws, cluster, arn, DesiredStatus::Running), tasks::targets(aws, balancers),);
    let (Ok(tasks), Ok(targets)) = (tasks, targets) else { return false };
    let counts = tasks::counts(&tasks, &targets, !balancers.is_empty());
    let healthy = counts.get(primary.id().unwrap_or_default()).map(|counts| counts.healthy).unwrap_or_default();
    i32::try_from(healthy).is_ok_and(|healthy| healthy == primary.desired_count())
}
