//! What runs the tasks that the scheduler asks for: containers, or a simulation of them.

use std::net::IpAddr;

use futures::future::BoxFuture;
use serde_json::Value;
use tokio::sync::{mpsc, watch};

use crate::clock::TimeScale;

/// A task to run.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    /// The task's ARN; its last part is the task's id.
    pub(crate) task_arn: String,
    /// The task definition, as DescribeTaskDefinition tells it.
    pub(crate) task_definition: Value,
    /// RunTask's `overrides`; null for a service's task.
    pub(crate) overrides: Value,
    /// The name of the cluster.
    pub(crate) cluster: String,
    /// `service:NAME` or `family:NAME`.
    pub(crate) group: String,
    /// The `networkConfiguration` of the service or of RunTask; null where there is none.
    pub(crate) network: Value,
    /// The region.
    pub(crate) region: String,
    /// The share of AWS's times that passes here.
    pub(crate) time_scale: TimeScale,
}

/// What a task in which nothing really listens says to those who ask it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answers {
    /// Whether it passes its target groups' health checks.
    pub(crate) healthy: bool,
    /// The status with which it answers a load balancer's requests; without one, it answers none.
    pub(crate) status: Option<u16>,
}

/// What happens to a task, in the order in which it happens.
#[derive(Debug)]
pub(crate) enum TaskEvent {
    /// Its images are there.
    Pulled,
    /// All its containers have been started, and it has its address.
    Started {
        /// Its private address.
        address: IpAddr,
        /// What it says to those who ask it; none where it is really asked.
        answers: Option<watch::Receiver<Answers>>,
    },
    /// A container's own health check has another result: `None` is `UNKNOWN`. Sent for those that have such a check.
    Health {
        /// The container's name.
        container: String,
        /// Whether it is healthy.
        healthy: Option<bool>,
    },
    /// A container has ended, or could not be started.
    ContainerStopped {
        /// The container's name.
        container: String,
        /// Its exit code; none where it never ran.
        exit_code: Option<i64>,
        /// Why, in the words that ECS has for it (`CannotPullContainerError: …`, `OutOfMemoryError: …`), where there are any.
        reason: Option<String>,
    },
    /// The whole task has ended; the last event.
    Stopped(Stop),
}

/// Why a task has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// [`Runtime::stop`] asked for it.
    AsAsked,
    /// It never ran: the reason, in ECS's words (`CannotPullContainerError: …`).
    FailedToStart(String),
    /// An essential container has ended by itself, and the others were stopped.
    EssentialContainerExited,
}

/// Runs tasks.
pub(crate) trait Runtime: Send + Sync + std::fmt::Debug {
    /// Begins to run a task. Its last event is [`TaskEvent::Stopped`]; nobody may be listening any more.
    fn launch(&self, launch: Launch) -> mpsc::UnboundedReceiver<TaskEvent>;

    /// Begins to stop a task: SIGTERM, and SIGKILL after each container's `stopTimeout` (30 s by default). A task that is
    /// gone is let be; one that has not started will not.
    fn stop(&self, task_arn: &str);

    /// Kills all tasks and waits until they are gone. Others may be launched after.
    fn stop_all(&self) -> BoxFuture<'_, ()>;
}
