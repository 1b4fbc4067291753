//! Deployments: how one begins, succeeds, fails, and is rolled back.

use std::sync::Arc;

use serde_json::Value;

use super::ids::Ids;
use super::pace::Now;
use super::service::{Alarms, Deployment, OF_REVISION, Progress, Revision, Rollout, Service, ServiceDeployment};
use super::shift::Shift;

/// Why a deployment fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cause {
    /// Too many tasks failed.
    Breaker,
    /// Alarms ring.
    Alarms(Vec<String>),
    /// StopServiceDeployment asks for a rollback.
    Rollback,
    /// StopServiceDeployment asks for nothing else.
    Abort,
}

impl Cause {
    /// What ECS calls it in front of a deployment's reason.
    fn kind(&self) -> &'static str {
        match self {
            Self::Breaker => "ECS deployment circuit breaker",
            Self::Alarms(_) => "ECS deployment alarms",
            Self::Rollback | Self::Abort => "ECS service deployment stop",
        }
    }

    fn what(&self) -> String {
        match self {
            Self::Breaker => "tasks failed to start.".to_owned(),
            Self::Alarms(_) => "alarm detected.".to_owned(),
            Self::Rollback | Self::Abort => "deployment stopped by user.".to_owned(),
        }
    }

    fn because(&self) -> String {
        match self {
            Self::Breaker => "because the circuit breaker threshold was exceeded.".to_owned(),
            Self::Alarms(names) => format!("because of alarms in ALARM state: {}.", names.join(", ")),
            Self::Rollback | Self::Abort => "because it was stopped by a user request.".to_owned(),
        }
    }
}

impl Service {
    /// Begins a deployment of the settings as they are, with the task definition `definition`.
    pub(super) fn deploy(&mut self, definition: Arc<Value>, ids: &Ids, now: &Now) {
        let settings = OF_REVISION.iter().filter_map(|key| Some(((*key).to_owned(), self.settings.get(*key)?.clone())));
        let path = |kind: &str, id: &str| format!("{}/{id}", self.arn.replacen(":service/", kind, 1));
        let serving = self.completed.as_ref().map(|deployment| Arc::clone(&deployment.revision));
        let shifts = self.strategy() != "ROLLING";
        let revision = Arc::new(Revision {
            arn: path(":service-revision/", &ids.digits()),
            created: now.epoch,
            definition,
            settings: settings.collect(),
            // Traffic is where it was left: only a deployment that moves it may go elsewhere.
            alternate: serving.as_ref().is_some_and(|revision| revision.alternate != shifts),
        });
        let id = format!("ecs-svc/{}", ids.digits());
        let service_deployment = ServiceDeployment {
            arn: path(":service-deployment/", &ids.letters()),
            deployment: id.clone(),
            status: Progress::Pending,
            reason: String::new(),
            created: now.epoch,
            started: None,
            finished: None,
            stopped: None,
            updated: now.epoch,
            source: serving.clone(),
            target: Arc::clone(&revision),
            rollback: None,
            alarms: Alarms::default(),
            failures: 0,
            configuration: self.configuration().clone(),
            // Nothing is shifted from where nothing is.
            shift: (shifts && serving.is_some()).then(|| Shift::new(now)),
            complete_since: None,
        };
        if let Some(earlier) = self.under_way() {
            earlier.enter(Progress::Stopped, "Service deployment was replaced by a newer one.", now);
        }
        self.history.insert(0, service_deployment);
        self.revisions.push(Arc::clone(&revision));
        self.deployments.insert(
            0,
            Deployment {
                reason: format!("ECS deployment {id} in progress."),
                id,
                revision,
                rollout: Rollout::InProgress,
                created: now.epoch,
                updated: now.epoch,
                failed: 0,
            },
        );
        (self.failures, self.is_steady) = (0, false);
    }

    /// Lets the deployment under way be the one that serves.
    pub(super) fn succeed(&mut self, ids: &Ids, now: &Now) {
        let Some(primary) = self.deployments.first_mut() else { return };
        primary.rollout = Rollout::Completed;
        primary.reason = format!("ECS deployment {} completed.", primary.id);
        primary.updated = now.epoch;
        let told = format!("(deployment {}) deployment completed.", primary.id);
        self.completed = Some(primary.clone());
        if let Some(deployment) = self.under_way() {
            match deployment.status {
                Progress::RollingBack => {
                    let reason = deployment.rollback.as_ref().map(|(reason, ..)| reason.clone()).unwrap_or_default();
                    deployment.enter(Progress::RollbackSuccessful, reason, now);
                }
                _ => deployment.enter(Progress::Successful, "", now),
            }
        }
        self.tell(&told, ids.uuid(), now);
    }

    /// Lets the deployment under way fail, and goes back to the last that completed if that is wanted and there is one.
    /// Returns whether it does.
    pub(super) fn fail(&mut self, cause: &Cause, ids: &Ids, now: &Now) -> bool {
        let wanted = match cause {
            Cause::Breaker => self.breaker().rolls_back,
            Cause::Alarms(_) => self.configuration()["alarms"]["rollback"] == true,
            Cause::Rollback => true,
            Cause::Abort => false,
        };
        let Some(primary) = self.deployments.first_mut() else { return false };
        primary.rollout = Rollout::Failed;
        primary.reason = format!("{}: {}", cause.kind(), cause.what());
        primary.updated = now.epoch;
        let failed = primary.id.clone();
        let back = self.completed.clone().filter(|completed| completed.id != failed);
        let Some(deployment) = self.under_way() else { return false };
        let goes_back = deployment.status == Progress::RollingBack;
        if let Cause::Alarms(names) = cause {
            deployment.alarms.triggered.clone_from(names);
        }
        let back = back.filter(|_| wanted && !goes_back);
        match &back {
            Some(back) => {
                let reason = format!("Service deployment rolled back {}", cause.because());
                deployment.rollback = Some((reason.clone(), now.epoch, back.revision.arn.clone()));
                deployment.complete_since = None;
                deployment.enter(Progress::RollingBack, reason, now);
            }
            None if wanted || goes_back => {
                let reason = format!("Service deployment could not be rolled back after it failed {}", cause.because());
                deployment.enter(Progress::RollbackFailed, reason, now);
            }
            None => {
                deployment.enter(Progress::Stopped, format!("Service deployment failed {}", cause.because()), now);
            }
        }
        self.tell(&format!("(deployment {failed}) deployment failed: {}", cause.what()), ids.uuid(), now);
        let Some(mut back) = back else { return false };
        self.tell(&format!("rolling back to deployment {}.", back.id), ids.uuid(), now);
        back.rollout = Rollout::InProgress;
        back.reason = format!("{}: rolling back to deploymentId {}.", cause.kind(), back.id);
        (back.updated, back.failed) = (now.epoch, 0);
        self.deployments.retain(|deployment| deployment.id != back.id);
        self.settings.extend(back.revision.settings.clone());
        self.deployments.insert(0, back);
        (self.failures, self.is_steady) = (0, false);
        true
    }
}
