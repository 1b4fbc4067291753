//! One task: what it goes through from its launch until it is gone.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use serde_json::{Map, Value};
use tokio::sync::{mpsc, watch};

use super::pace::{
    ACTIVATING, DEPROVISIONING, HEALTHY_CHECKED, HEALTHY_PROCESS, HEALTHY_UNCHECKED, Moment, Now, PROVISIONING,
};
use super::rolling::Standing;
use super::runtime::{Answers, Runtime, Stop, TaskEvent};
use super::text;
use crate::traffic::{HealthState, Served, Target, Traffic};

/// What a task's `lastStatus` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Status {
    Provisioning,
    Pending,
    Activating,
    Running,
    Deactivating,
    Stopping,
    Deprovisioning,
    Stopped,
}

impl Status {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Provisioning => "PROVISIONING",
            Self::Pending => "PENDING",
            Self::Activating => "ACTIVATING",
            Self::Running => "RUNNING",
            Self::Deactivating => "DEACTIVATING",
            Self::Stopping => "STOPPING",
            Self::Deprovisioning => "DEPROVISIONING",
            Self::Stopped => "STOPPED",
        }
    }
}

/// One container of a task.
#[derive(Debug, Clone, Default)]
pub(super) struct Container {
    pub(super) stopped: bool,
    pub(super) exit_code: Option<i64>,
    pub(super) reason: Option<String>,
    /// What its health check says, if it has one; `None` is `UNKNOWN`.
    pub(super) healthy: Option<bool>,
}

/// A target group that a task is registered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attachment {
    pub(super) target_group: String,
    pub(super) port: u16,
}

/// Why a task stops, in ECS's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stopped {
    pub(super) code: &'static str,
    pub(super) reason: String,
}

impl Stopped {
    pub(super) fn by_scheduler(reason: impl Into<String>) -> Self {
        Self { code: "ServiceSchedulerInitiated", reason: reason.into() }
    }
}

/// What all health checks of a task say together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Checks {
    /// It has none.
    None,
    /// Not all have an answer yet.
    Waiting,
    /// All pass.
    Passing,
    /// One does not: what ECS says of it.
    Failing(Failing),
}

/// Which health check fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failing {
    /// A container's own.
    Container,
    /// That of a target group, with its reason.
    Target { port: u16, target_group: String, why: String },
}

/// When what happened to a task, in seconds since 1970.
#[derive(Debug, Clone, Default)]
pub(super) struct Times {
    pub(super) created: f64,
    pub(super) pull_started: Option<f64>,
    pub(super) pull_stopped: Option<f64>,
    pub(super) started: Option<f64>,
    pub(super) stopping: Option<f64>,
    pub(super) execution_stopped: Option<f64>,
    pub(super) stopped: Option<f64>,
}

/// What a task is made of.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) arn: String,
    pub(super) cluster_arn: String,
    pub(super) group: String,
    pub(super) started_by: String,
    /// The ARN of the service that it is of, if any.
    pub(super) service: Option<String>,
    pub(super) definition: Arc<Value>,
    pub(super) attachments: Vec<Attachment>,
    /// For how many seconds failing health checks are let pass.
    pub(super) grace: std::time::Duration,
    /// The subnet of its network interface.
    pub(super) subnet: Option<String>,
    /// What is told of it as it was asked for: `launchType`, `overrides`, ….
    pub(super) told: Map<String, Value>,
    pub(super) tags: Vec<Value>,
}

/// A task.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) plan: Plan,
    pub(super) status: Status,
    /// Why it stops or has stopped; the scheduler wants it no more.
    pub(super) stop: Option<Stopped>,
    /// Whether it ended by itself.
    pub(super) failed: bool,
    /// Whether its failure has been counted.
    pub(super) counted: bool,
    /// Whether it has ever counted as healthy.
    pub(super) was_healthy: bool,
    pub(super) entered: Moment,
    running_since: Option<Moment>,
    passing_since: Option<Moment>,
    events: mpsc::UnboundedReceiver<TaskEvent>,
    pub(super) address: Option<IpAddr>,
    answers: Option<watch::Receiver<Answers>>,
    registered: bool,
    deregistered: bool,
    runtime_ended: bool,
    pub(super) containers: BTreeMap<String, Container>,
    pub(super) times: Times,
    pub(super) version: u64,
}

impl Task {
    pub(super) fn new(plan: Plan, events: mpsc::UnboundedReceiver<TaskEvent>, now: &Now) -> Self {
        let containers = definitions(&plan.definition).map(|one| (text(&one["name"]).to_owned(), Container::default()));
        Self {
            containers: containers.collect(),
            plan,
            status: Status::Provisioning,
            stop: None,
            failed: false,
            counted: false,
            was_healthy: false,
            entered: now.moment,
            running_since: None,
            passing_since: None,
            events,
            address: None,
            answers: None,
            registered: false,
            deregistered: false,
            runtime_ended: false,
            times: Times { created: now.epoch, ..Times::default() },
            version: 1,
        }
    }

    /// Returns when it stopped, in seconds since 1970.
    pub(super) fn stopped_at(&self) -> Option<f64> {
        self.times.stopped
    }

    /// Says whether it is wanted.
    pub(super) fn is_live(&self) -> bool {
        self.stop.is_none()
    }

    fn enter(&mut self, status: Status, now: &Now) {
        if self.status != status {
            self.status = status;
            self.entered = now.moment;
            self.version += 1;
        }
    }

    /// Begins to stop it, if it has not begun.
    pub(super) fn stop(&mut self, why: Stopped, now: &Now) {
        if self.stop.is_none() {
            self.stop = Some(why);
            self.times.stopping = Some(now.epoch);
            self.version += 1;
        }
    }

    /// Takes in what has happened and does what is due; says whether anything has changed.
    pub(super) fn advance(&mut self, now: &Now, runtime: &dyn Runtime, traffic: &Traffic) -> bool {
        let before = self.version;
        while let Ok(event) = self.events.try_recv() {
            self.version += 1;
            self.take(event, now);
        }
        match (&self.stop, self.status) {
            (None, Status::Provisioning) if now.is_over(self.entered, PROVISIONING) || self.address.is_some() => {
                self.times.pull_started = self.times.pull_started.or(Some(now.epoch));
                self.enter(Status::Pending, now);
            }
            (None, Status::Pending) if self.address.is_some() => {
                self.times.pull_stopped = self.times.pull_stopped.or(Some(now.epoch));
                self.register(traffic);
                if self.plan.attachments.is_empty() { self.run(now) } else { self.enter(Status::Activating, now) }
            }
            (None, Status::Activating) if now.is_over(self.entered, ACTIVATING) => self.run(now),
            (Some(_), _) => self.wind_down(now, runtime, traffic),
            _ => {}
        }
        self.version != before
    }

    fn run(&mut self, now: &Now) {
        self.times.started = Some(now.epoch);
        self.running_since = Some(now.moment);
        self.enter(Status::Running, now);
    }

    fn take(&mut self, event: TaskEvent, now: &Now) {
        match event {
            TaskEvent::Pulled => {
                self.times.pull_started = self.times.pull_started.or(Some(now.epoch));
                self.times.pull_stopped = Some(now.epoch);
                if self.status == Status::Provisioning {
                    self.enter(Status::Pending, now);
                }
            }
            TaskEvent::Started { address, answers } => {
                self.address = Some(address);
                self.answers = answers;
            }
            TaskEvent::Health { container, healthy } => {
                self.containers.entry(container).or_default().healthy = healthy;
            }
            TaskEvent::ContainerStopped { container, exit_code, reason } => {
                let known = self.containers.entry(container).or_default();
                (known.stopped, known.exit_code, known.reason) = (true, exit_code, reason);
            }
            TaskEvent::Stopped(why) => {
                self.runtime_ended = true;
                self.times.execution_stopped = Some(now.epoch);
                self.containers.values_mut().for_each(|container| container.stopped = true);
                let failure = match why {
                    Stop::AsAsked => None,
                    Stop::FailedToStart(reason) => Some(Stopped { code: "TaskFailedToStart", reason }),
                    Stop::EssentialContainerExited => {
                        let reason = "Essential container in task exited".to_owned();
                        Some(Stopped { code: "EssentialContainerExited", reason })
                    }
                };
                // What ends as it is being stopped ends for that reason.
                self.failed |= self.stop.is_none() && failure.is_some();
                let other = Stopped { code: "UserInitiated", reason: "Task stopped by user".to_owned() };
                self.stop(failure.unwrap_or(other), now);
            }
        }
    }

    fn targets(&self) -> impl Iterator<Item = (&Attachment, Target)> {
        let address = self.address;
        self.plan
            .attachments
            .iter()
            .filter_map(move |attachment| Some((attachment, Target { address: address?, port: attachment.port })))
    }

    fn register(&mut self, traffic: &Traffic) {
        for (attachment, target) in self.targets() {
            let served = self.answers.clone().map_or(Served::Probed, Served::Told);
            traffic.register(&attachment.target_group, target, served);
        }
        self.registered = true;
    }

    /// Goes from wherever it is towards `STOPPED`: its targets drain, its containers end, its network interface goes.
    fn wind_down(&mut self, now: &Now, runtime: &dyn Runtime, traffic: &Traffic) {
        if self.registered && !self.deregistered {
            for (attachment, target) in self.targets() {
                traffic.deregister(&attachment.target_group, target);
            }
            self.deregistered = true;
            if !self.runtime_ended && !self.plan.attachments.is_empty() {
                self.enter(Status::Deactivating, now);
            }
        }
        let drained =
            || self.targets().all(|(attachment, target)| traffic.is_drained(&attachment.target_group, target));
        if self.status < Status::Stopping && !self.runtime_ended && (self.status != Status::Deactivating || drained()) {
            runtime.stop(&self.plan.arn);
            self.enter(Status::Stopping, now);
        }
        if self.status < Status::Deprovisioning && self.runtime_ended {
            self.enter(Status::Deprovisioning, now);
        }
        if self.status == Status::Deprovisioning && now.is_over(self.entered, DEPROVISIONING) {
            self.times.stopped = Some(now.epoch);
            self.enter(Status::Stopped, now);
        }
    }

    /// Says what its health checks say.
    pub(super) fn checks(&self, traffic: &Traffic) -> Checks {
        let mut passing = false;
        let mut waiting = false;
        for definition in definitions(&self.plan.definition).filter(|one| is_essential(one) && has_check(one)) {
            match self.containers.get(text(&definition["name"])).and_then(|container| container.healthy) {
                Some(true) => passing = true,
                Some(false) => return Checks::Failing(Failing::Container),
                None => waiting = true,
            }
        }
        for (attachment, target) in self.targets() {
            let health = traffic.health(&attachment.target_group, target);
            match health.state {
                HealthState::Healthy => passing = true,
                HealthState::Unhealthy => {
                    let Attachment { target_group, port } = attachment.clone();
                    let why = if health.description.is_empty() { health.reason.to_owned() } else { health.description };
                    return Checks::Failing(Failing::Target { port, target_group, why });
                }
                _ => waiting = true,
            }
        }
        match (waiting, passing) {
            (true, _) => Checks::Waiting,
            (false, true) => Checks::Passing,
            (false, false) => Checks::None,
        }
    }

    /// Says how it stands for the scheduler, and what fails if anything does.
    pub(super) fn standing(&mut self, now: &Now, traffic: &Traffic) -> (Standing, Option<Failing>) {
        let Some(running_since) = self.running_since.filter(|_| self.status == Status::Running) else {
            return (Standing::Starting, None);
        };
        let checks = self.checks(traffic);
        let wait = if checks == Checks::None { HEALTHY_UNCHECKED } else { HEALTHY_CHECKED };
        match checks {
            Checks::Failing(failing) => {
                self.passing_since = None;
                if !now.is_over(running_since, self.plan.grace) {
                    return (Standing::Settling, None);
                }
                (Standing::Failing { was_healthy: self.was_healthy }, Some(failing))
            }
            Checks::Waiting => (Standing::Settling, None),
            Checks::None | Checks::Passing => {
                let since = *self.passing_since.get_or_insert(now.moment);
                let process = if self.answers.is_none() { HEALTHY_PROCESS } else { std::time::Duration::ZERO };
                if now.is_over(since, wait) && now.is_really_over(running_since, process) {
                    self.was_healthy = true;
                    return (Standing::Healthy, None);
                }
                (Standing::Settling, None)
            }
        }
    }
}

pub(super) fn definitions(task_definition: &Value) -> impl Iterator<Item = &Value> {
    task_definition["containerDefinitions"].as_array().into_iter().flatten()
}

pub(super) fn is_essential(definition: &Value) -> bool {
    definition["essential"] != false
}

pub(super) fn has_check(definition: &Value) -> bool {
    let first = definition["healthCheck"]["command"][0].as_str();
    first.is_some_and(|first| first != "NONE")
}
