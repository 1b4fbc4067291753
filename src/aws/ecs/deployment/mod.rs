//! Following a deployment of a service to its end, live.

mod deaths;
mod failure;
mod retry;
mod verdict;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_ecs::types::{self as sdk, DeploymentRolloutState, DesiredStatus};
use tokio::time::Instant;

pub(super) use self::failure::{culprit, is_telling};
use self::verdict::verdict;
pub(super) use self::verdict::{Expected, primary};
use super::service_calls::describe;
use super::tasks::{self, Counts};
use crate::aws::client::Aws;
use crate::aws::error::During;
use crate::aws::resource::Result;
use crate::aws::wait::{Backoff, Probe};
use crate::cloud::{CloudError, ErrorKind, Op};

/// How long a deployment may take, beside what it waits on purpose, where the stack does not say.
const TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// Looks at a failed deployment before it is believed that nothing rolls it back.
const BEFORE_ROLLBACK: u32 = 3;
/// Of so many looks at a deployment that does not move, one counts its tasks' health.
const HEALTH_EVERY: u32 = 4;
/// How much later than its deployment a service deployment may say that it was made, and how much earlier.
const SAME_TIME: f64 = 30.0;

/// A deployment that is followed.
pub(super) struct Deployment<'a> {
    pub(super) aws: &'a Aws,
    pub(super) op: &'a Op,
    pub(super) cluster: &'a str,
    /// The service's ARN.
    pub(super) service: &'a str,
    pub(super) expected: Expected,
    /// Whether the service may tell of it in a service deployment, and the one that is not it.
    pub(super) origin: Origin,
    /// How long it waits on purpose.
    pub(super) pauses: Duration,
}

/// What made a deployment.
#[derive(Debug)]
pub(super) enum Origin {
    /// The service itself is new, or was found as it is.
    Service,
    /// A change of the service, before which this was its service deployment.
    Change(Option<String>),
    /// A change of the service that needed no new deployment.
    Nothing,
}

impl Deployment<'_> {
    /// Waits until it serves, alone and with all of its tasks; tells how far it is; fails, and says why, as soon as it has
    /// failed, was rolled back or stopped, and that has come to its end.
    pub(super) async fn follow(&self) -> Result<()> {
        if !self.op.patience.wait {
            self.op.tell("accepted by ECS; not followed, as the stack says `wait: false`");
            return Ok(());
        }
        let started = Instant::now();
        let timeout = self.op.patience.timeout.unwrap_or(TIMEOUT + self.pauses);
        let mut backoff = Backoff::new(self.aws);
        let mut progress = Progress { patience: BEFORE_ROLLBACK, ..Progress::default() };
        loop {
            let services = describe(self.aws, self.cluster, vec![self.service.to_owned()]).await;
            let services = services.map_err(|error| self.lost_sight(error))?;
            let look = match services.first() {
                None => Probe::Pending("not visible yet".to_owned()),
                Some(service) => self.look(service, &mut progress).await,
            };
            match look {
                Probe::Ready(()) => {
                    if let Some(service) = services.first() {
                        self.warn_of_deaths(service).await;
                    }
                    return Ok(());
                }
                Probe::Failed(why) => return Err(self.failure(why, services.first()).await),
                Probe::Pending(state) if started.elapsed() >= timeout => {
                    let why = format!("still {state} after {} s", started.elapsed().as_secs());
                    return Err(self.failure(why, services.first()).await);
                }
                Probe::Pending(state) => {
                    if progress.said != state {
                        self.op.tell(state.clone());
                        progress.said = state;
                    }
                }
            }
            backoff.pause().await;
        }
    }

    /// That it can't be looked at says nothing of how it goes on: the next run finds out.
    fn lost_sight(&self, error: CloudError) -> CloudError {
        match error.kind {
            ErrorKind::Lost | ErrorKind::Unsettled => error,
            _ => {
                let message = format!("the deployment goes on, but can't be followed: {}", error.message);
                CloudError { kind: ErrorKind::Unsettled, message, ..error }
            }
        }
    }

    async fn look(&self, service: &sdk::Service, progress: &mut Progress) -> Probe<()> {
        let told = self.service_deployment(service, progress).await;
        let probe = verdict(service, &self.expected, told.as_ref(), &mut progress.patience);
        let Probe::Pending(state) = probe else { return probe };
        self.count(service, progress).await;
        let counts = progress.text(service, &self.expected);
        let parts: Vec<String> = [counts, state].into_iter().filter(|part| !part.is_empty()).collect();
        Probe::Pending(format!("deploying: {}", parts.join("; ")))
    }

    /// What the deployment's service deployment says, where there is one and it is needed: it tells more than the service's
    /// deployments only at the end, and where traffic moves or alarms are heeded.
    async fn service_deployment(
        &self,
        service: &sdk::Service,
        progress: &mut Progress,
    ) -> Option<sdk::ServiceDeployment> {
        let primary = primary(service)?;
        let simple = self.expected.is(primary)
            && primary.rollout_state() == Some(&DeploymentRolloutState::InProgress)
            && is_rolling(service);
        if matches!(self.origin, Origin::Nothing) || simple {
            return None;
        }
        if progress.service_deployment.is_none() {
            progress.service_deployment = self.find(service).await;
        }
        describe_one(self.aws, progress.service_deployment.as_deref()?).await
    }

    /// The ARN of the deployment's service deployment.
    async fn find(&self, service: &sdk::Service) -> Option<String> {
        let before = match &self.origin {
            Origin::Change(before) => before.as_deref(),
            _ => None,
        };
        let current = service.current_service_deployment().filter(|current| Some(*current) != before);
        if let (Some(current), Origin::Change(Some(_))) = (current, &self.origin) {
            return Some(current.to_owned());
        }
        let ours = service.deployments().iter().find(|deployment| self.expected.is(deployment));
        let made = ours.and_then(|deployment| deployment.created_at()).map(|time| time.as_secs_f64());
        let listed = newest(self.aws, self.cluster, self.service, 10).await;
        let at = |brief: &sdk::ServiceDeploymentBrief| {
            brief.created_at().or(brief.started_at()).map(|time| time.as_secs_f64()).unwrap_or_default()
        };
        listed
            .into_iter()
            .filter(|brief| brief.service_deployment_arn() != before)
            .find(|brief| made.is_none_or(|made| (at(brief) - made).abs() < SAME_TIME))
            .and_then(|brief| brief.service_deployment_arn)
    }

    /// Counts the tasks that serve, where something changed or may have.
    async fn count(&self, service: &sdk::Service, progress: &mut Progress) {
        let counts: Vec<(i32, i32, i32)> = service
            .deployments()
            .iter()
            .map(|deployment| (deployment.running_count(), deployment.pending_count(), deployment.failed_tasks()))
            .collect();
        progress.looks += 1;
        if progress.seen == counts && !progress.looks.is_multiple_of(HEALTH_EVERY) {
            return;
        }
        progress.seen = counts;
        if service.running_count() == 0 {
            progress.health.clear();
            return;
        }
        let balancers = service.load_balancers();
        let (tasks, targets) = tokio::join!(
            tasks::of_service(self.aws, self.cluster, self.service, DesiredStatus::Running),
            tasks::targets(self.aws, balancers),
        );
        // Health is an extra: where it may not be asked for, the counts are told without.
        progress.health = match (tasks, targets) {
            (Ok(tasks), Ok(targets)) => tasks::counts(&tasks, &targets, !balancers.is_empty()),
            _ => BTreeMap::new(),
        };
    }

    async fn failure(&self, why: String, service: Option<&sdk::Service>) -> CloudError {
        let mut error = CloudError::new(ErrorKind::Unsettled, "ecs:DescribeServices", why);
        if let Some(service) = service {
            error.details = failure::details(self.aws, self.cluster, service, &self.expected).await;
        }
        error
    }
}

/// What is remembered between two looks.
#[derive(Debug, Default)]
struct Progress {
    said: String,
    /// The ARN of the service deployment, once it is known.
    service_deployment: Option<String>,
    /// Looks that are left until a failure without a rollback is believed.
    patience: u32,
    looks: u32,
    /// Running, pending and failed tasks of each deployment when their health was last asked for.
    seen: Vec<(i32, i32, i32)>,
    health: BTreeMap<String, Counts>,
}

impl Progress {
    /// The tasks of each revision, the awaited one first.
    fn text(&self, service: &sdk::Service, expected: &Expected) -> String {
        let mut deployments: Vec<&sdk::Deployment> = service.deployments().iter().collect();
        deployments.sort_by_key(|deployment| !expected.is(deployment));
        let texts = deployments.into_iter().map(|deployment| {
            // Tasks are asked for after the service: more of them may run by then.
            let most = usize::try_from(deployment.running_count()).unwrap_or_default();
            let counts = self.health.get(deployment.id().unwrap_or_default());
            of_revision(deployment, counts.map(|counts| counts.healthy.min(most)))
        });
        texts.collect::<Vec<_>>().join(", ")
    }
}

/// `api:7 1 of 2 running (0 healthy), 1 starting, 3 failed`.
fn of_revision(deployment: &sdk::Deployment, healthy: Option<usize>) -> String {
    let name = deployment.task_definition().map_or("tasks", revision);
    let (running, desired) = (deployment.running_count(), deployment.desired_count());
    let mut text = match deployment.status() {
        Some("PRIMARY") => format!("{name} {running} of {desired} running"),
        _ => format!("{name} {running} running"),
    };
    if let Some(healthy) = healthy {
        text.push_str(&format!(" ({healthy} healthy)"));
    }
    for (count, what) in [(deployment.pending_count(), "starting"), (deployment.failed_tasks(), "failed")] {
        if count > 0 {
            text.push_str(&format!(", {count} {what}"));
        }
    }
    text
}

/// `family:7` of a task definition's ARN.
pub(super) fn revision(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// Whether deployments of a service do no more than replace tasks: no traffic moves, and no alarm or pause is heeded.
fn is_rolling(service: &sdk::Service) -> bool {
    let Some(configuration) = service.deployment_configuration() else { return true };
    let rolling = configuration.strategy().is_none_or(|strategy| *strategy == sdk::DeploymentStrategy::Rolling);
    let alarmed = configuration.alarms().is_some_and(sdk::DeploymentAlarms::enable);
    rolling && !alarmed && configuration.lifecycle_hooks().is_empty()
}

/// The service deployments of a service, the newest first; none where ECS does not tell them.
pub(super) async fn newest(aws: &Aws, cluster: &str, service: &str, most: i32) -> Vec<sdk::ServiceDeploymentBrief> {
    let call = aws.ecs().list_service_deployments().cluster(cluster).service(service).max_results(most);
    let answer = call.send().await.during("ecs:ListServiceDeployments");
    let mut listed = answer.ok().and_then(|answer| answer.service_deployments).unwrap_or_default();
    let at = |brief: &sdk::ServiceDeploymentBrief| {
        brief.created_at().or(brief.started_at()).map(|time| time.as_secs_f64()).unwrap_or_default()
    };
    listed.sort_by(|one, other| at(other).total_cmp(&at(one)));
    listed
}

/// What ECS tells of one service deployment, where it does.
pub(super) async fn describe_one(aws: &Aws, arn: &str) -> Option<sdk::ServiceDeployment> {
    let call = aws.ecs().describe_service_deployments().service_deployment_arns(arn);
    let answer = call.send().await.during("ecs:DescribeServiceDeployments");
    answer.ok().and_then(|answer| answer.service_deployments)?.pop()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_tells_the_tasks_of_each_revision() {
        let new = sdk::Deployment::builder().id("ecs-svc/2").status("PRIMARY");
        let new = new.task_definition("arn:aws:ecs:us-east-1:1:task-definition/api:7").desired_count(2);
        let new = new.running_count(1).pending_count(1).failed_tasks(3).build();
        let old = sdk::Deployment::builder().id("ecs-svc/1").status("ACTIVE").desired_count(2).running_count(2);
        let old = old.task_definition("arn:aws:ecs:us-east-1:1:task-definition/api:6").build();
        let service = sdk::Service::builder().deployments(old).deployments(new).build();
        let mut progress = Progress::default();
        progress.health.insert("ecs-svc/2".to_owned(), Counts { running: 1, healthy: 0 });
        let text = progress.text(&service, &Expected::Id("ecs-svc/2".to_owned()));
        assert_eq!(text, "api:7 1 of 2 running (0 healthy), 1 starting, 3 failed, api:6 2 running");
    }
}
