//! A service as the scheduler keeps it: its settings, revisions and deployments.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::breaker::Breaker;
use super::pace::{Moment, Now};
use super::rolling::Bounds;
use super::shift::Shift;
use super::task::Attachment;
use super::text;

/// How many events are told, as on ECS.
const MOST_EVENTS: usize = 100;

/// Settings whose change makes a new revision
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>).
pub(super) const OF_REVISION: [&str; 10] = [
    "capacityProviderStrategy",
    "launchType",
    "loadBalancers",
    "networkConfiguration",
    "platformVersion",
    "serviceConnectConfiguration",
    "serviceRegistries",
    "taskDefinition",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
];

/// A service's `status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Active,
    Draining,
    Inactive,
}

impl Status {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Draining => "DRAINING",
            Self::Inactive => "INACTIVE",
        }
    }
}

/// What tasks are started from.
#[derive(Debug)]
pub(super) struct Revision {
    pub(super) arn: String,
    pub(super) created: f64,
    /// The task definition, as DescribeTaskDefinition tells it.
    pub(super) definition: Arc<Value>,
    /// The settings of [`OF_REVISION`].
    pub(super) settings: Map<String, Value>,
    /// Whether its tasks are in the alternate target groups.
    pub(super) alternate: bool,
}

impl Revision {
    /// Returns where its tasks are registered.
    pub(super) fn attachments(&self) -> Vec<Attachment> {
        let balancers = self.settings.get("loadBalancers").and_then(Value::as_array).into_iter().flatten();
        let attachment = |balancer: &Value| {
            let own = balancer["targetGroupArn"].as_str();
            let alternate = balancer["advancedConfiguration"]["alternateTargetGroupArn"].as_str();
            let target_group = if self.alternate { alternate.or(own) } else { own }?.to_owned();
            let port = u16::try_from(balancer["containerPort"].as_u64()?).ok()?;
            Some(Attachment { target_group, port })
        };
        balancers.filter_map(attachment).collect()
    }
}

/// A deployment's `rolloutState`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rollout {
    InProgress,
    Completed,
    Failed,
}

impl Rollout {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }
}

/// A deployment, as DescribeServices tells it.
#[derive(Debug, Clone)]
pub(super) struct Deployment {
    pub(super) id: String,
    pub(super) revision: Arc<Revision>,
    pub(super) rollout: Rollout,
    pub(super) reason: String,
    pub(super) created: f64,
    pub(super) updated: f64,
    /// Consecutively failed tasks.
    pub(super) failed: u64,
}

/// A service deployment's `status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Pending,
    Started,
    Successful,
    StopRequested,
    Stopped,
    RollbackRequested,
    RollingBack,
    RollbackSuccessful,
    RollbackFailed,
}

impl Progress {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Started => "IN_PROGRESS",
            Self::Successful => "SUCCESSFUL",
            Self::StopRequested => "STOP_REQUESTED",
            Self::Stopped => "STOPPED",
            Self::RollbackRequested => "ROLLBACK_REQUESTED",
            Self::RollingBack => "ROLLBACK_IN_PROGRESS",
            Self::RollbackSuccessful => "ROLLBACK_SUCCESSFUL",
            Self::RollbackFailed => "ROLLBACK_FAILED",
        }
    }

    /// Says whether nothing more comes of it.
    pub(super) fn is_final(self) -> bool {
        matches!(self, Self::Successful | Self::Stopped | Self::RollbackSuccessful | Self::RollbackFailed)
    }
}

/// What the alarms of a deployment do to it.
#[derive(Debug, Clone, Default)]
pub(super) struct Alarms {
    /// Whether they are watched; those that ring before it begins are not.
    pub(super) watched: Option<bool>,
    pub(super) triggered: Vec<String>,
    /// How long they are watched after all tasks run.
    pub(super) bake: Duration,
}

/// A service deployment.
#[derive(Debug)]
pub(super) struct ServiceDeployment {
    pub(super) arn: String,
    /// The deployment that it makes.
    pub(super) deployment: String,
    pub(super) status: Progress,
    pub(super) reason: String,
    pub(super) created: f64,
    pub(super) started: Option<f64>,
    pub(super) finished: Option<f64>,
    pub(super) stopped: Option<f64>,
    pub(super) updated: f64,
    pub(super) source: Option<Arc<Revision>>,
    pub(super) target: Arc<Revision>,
    /// Reason, time, and the revision gone back to.
    pub(super) rollback: Option<(String, f64, String)>,
    pub(super) alarms: Alarms,
    pub(super) failures: u64,
    /// The configuration by which it goes.
    pub(super) configuration: Value,
    pub(super) shift: Option<Shift>,
    /// Since when it has all that it takes.
    pub(super) complete_since: Option<Moment>,
}

impl ServiceDeployment {
    pub(super) fn enter(&mut self, status: Progress, reason: impl Into<String>, now: &Now) {
        self.status = status;
        self.reason = reason.into();
        self.updated = now.epoch;
        if status.is_final() {
            self.finished = Some(now.epoch);
        }
        if status == Progress::Stopped {
            self.stopped = Some(now.epoch);
        }
    }
}

/// A service.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) arn: String,
    pub(super) name: String,
    pub(super) cluster: String,
    pub(super) cluster_arn: String,
    pub(super) region: String,
    /// The access key of whoever made it, to ask other services in the same name.
    pub(super) key: String,
    pub(super) status: Status,
    /// What is told of it as it was asked for.
    pub(super) settings: Map<String, Value>,
    pub(super) desired: usize,
    pub(super) created: f64,
    pub(super) tags: Vec<Value>,
    /// The newest first; it is the primary one.
    pub(super) deployments: Vec<Deployment>,
    /// The last that completed, to roll back to.
    pub(super) completed: Option<Deployment>,
    pub(super) revisions: Vec<Arc<Revision>>,
    /// The newest first.
    pub(super) history: Vec<ServiceDeployment>,
    /// The newest first.
    pub(super) events: Vec<Value>,
    pub(super) is_steady: bool,
    /// Tasks that failed since one was healthy, and when the last did.
    pub(super) failures: u32,
    pub(super) failed_at: Moment,
    /// The input that made it.
    pub(super) given: Value,
}

impl Service {
    /// Tells an event, which begins with the service's name.
    pub(super) fn tell(&mut self, message: &str, id: String, now: &Now) {
        let message = format!("(service {}) {message}", self.name);
        self.events.insert(0, json!({"id": id, "createdAt": now.epoch, "message": message}));
        self.events.truncate(MOST_EVENTS);
    }

    pub(super) fn configuration(&self) -> &Value {
        self.settings.get("deploymentConfiguration").unwrap_or(&Value::Null)
    }

    pub(super) fn breaker(&self) -> Breaker {
        Breaker::of(self.configuration(), self.desired)
    }

    pub(super) fn bounds(&self) -> Bounds {
        let percent = |key: &str, default: u64| self.configuration()[key].as_u64().unwrap_or(default);
        let number = |key: &str, default| usize::try_from(percent(key, default)).unwrap_or(usize::MAX);
        Bounds::new(self.desired, number("minimumHealthyPercent", 100), number("maximumPercent", 200))
    }

    /// Returns how long failing health checks of a new task are let pass.
    pub(super) fn grace(&self) -> Duration {
        let seconds = self.settings.get("healthCheckGracePeriodSeconds").and_then(Value::as_u64);
        Duration::from_secs(seconds.unwrap_or(0))
    }

    /// Returns the service deployment under way.
    pub(super) fn under_way(&mut self) -> Option<&mut ServiceDeployment> {
        self.history.first_mut().filter(|deployment| !deployment.status.is_final())
    }

    /// Returns the names of the alarms that a deployment watches, if it is to watch any.
    pub(super) fn alarm_names(&self) -> Vec<String> {
        let alarms = &self.configuration()["alarms"];
        if alarms["enable"] != true {
            return Vec::new();
        }
        alarms["alarmNames"].as_array().into_iter().flatten().map(|name| text(name).to_owned()).collect()
    }

    /// Returns how its deployments replace tasks: `ROLLING`, `BLUE_GREEN`, `LINEAR` or `CANARY`.
    pub(super) fn strategy(&self) -> &str {
        self.configuration()["strategy"].as_str().unwrap_or("ROLLING")
    }
}
