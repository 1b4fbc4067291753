//! What a cloud tells of services while they run, and does to their deployments.

use std::future::Future;

use jiff::Timestamp;
use serde::Serialize;

use super::{Cloud, CloudError, Op};
use crate::address::{Address, Id};
use crate::value::Value;

/// The type of a service: what has deployments.
pub const SERVICE: &str = "AWS::ECS::Service";
/// The type of what a service runs.
pub const TASK_DEFINITION: &str = "AWS::ECS::TaskDefinition";

/// A cloud in which services run.
pub trait Services: Cloud {
    /// What the deployment of a service that is under way deploys; nothing where none is.
    fn under_way(&self, service: &Id) -> impl Future<Output = Result<Option<String>, CloudError>> + Send;

    /// Takes the deployment of a service that is under way back, and waits until what served before serves again; tells
    /// what that is.
    fn take_back(&self, op: &Op, service: &Id) -> impl Future<Output = Result<String, CloudError>> + Send;

    /// What served before what a service runs now.
    fn served_before(&self, service: &Id) -> impl Future<Output = Result<Before, CloudError>> + Send;

    /// How what runs of `resources` stands: services, alarms and queues; others are left out.
    fn status(&self, resources: &[Managed]) -> impl Future<Output = Result<Status, CloudError>> + Send;

    /// Lines of the logs of a service's containers, by time.
    fn logs(&self, service: &Id, asked: &LogsAsked) -> impl Future<Output = Result<Vec<LogLine>, CloudError>> + Send;
}

/// A resource on record.
#[derive(Clone, Debug)]
pub struct Managed {
    /// Its address.
    pub address: Address,
    /// Its type.
    pub type_name: String,
    /// What the cloud calls it.
    pub id: Id,
}

/// What served before.
#[derive(Clone, Debug, PartialEq)]
pub enum Before {
    /// A revision of what the service runs.
    Revision {
        /// The cloud's name of it: `api:6`.
        name: String,
        /// Its properties as the cloud tells them.
        properties: Value,
        /// The properties of what the service runs now, as the cloud tells them.
        properties_now: Value,
        /// What its tasks need to start and is no longer there, each in a few words: `the log group /api`.
        lacks: Vec<String>,
    },
    /// The last deployment failed and was taken back already: this serves.
    TakenBack(String),
    /// Nothing did.
    Nothing,
}

/// How a stack stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Status {
    /// Its services.
    pub services: Vec<ServiceStatus>,
    /// Its alarms.
    pub alarms: Vec<AlarmStatus>,
    /// Its queues.
    pub queues: Vec<QueueStatus>,
}

/// How a service stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ServiceStatus {
    /// The service's address.
    pub address: Address,
    /// What it is to run: `api:7`.
    pub revision: String,
    /// The images of that revision's tasks.
    pub images: Vec<String>,
    /// Tasks wanted.
    pub desired: i32,
    /// Tasks that run, of all revisions.
    pub running: i32,
    /// Tasks that start.
    pub pending: i32,
    /// How its deployment stands, in the cloud's word: `COMPLETED`, `IN_PROGRESS`, `ROLLBACK_SUCCESSFUL`.
    pub deployment: String,
    /// Why, in the cloud's words.
    pub reason: Option<String>,
    /// Its tasks.
    pub tasks: Vec<TaskStatus>,
    /// Tasks that died within the last hour, the last first, no more than three; not those that were no longer wanted.
    pub died: Vec<DiedStatus>,
    /// The targets of load balancers that its tasks are or were.
    pub targets: Vec<TargetStatus>,
}

/// How a task stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TaskStatus {
    /// Its id.
    pub id: String,
    /// The revision that it runs.
    pub revision: String,
    /// How far its life is: `RUNNING`.
    pub state: String,
    /// What its containers' health checks say: `HEALTHY`, `UNHEALTHY`, `UNKNOWN`.
    pub health: String,
    /// When it started, or was made where it has not.
    pub since: Option<Timestamp>,
    /// Its private address.
    pub address: Option<String>,
}

/// How a task died.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DiedStatus {
    /// Its id.
    pub id: String,
    /// The revision that it ran.
    pub revision: String,
    /// When it stopped.
    pub at: Option<Timestamp>,
    /// The cloud's code for it: `EssentialContainerExited`.
    pub code: Option<String>,
    /// Why, in the cloud's words.
    pub reason: Option<String>,
    /// The container that it died of.
    pub container: Option<String>,
    /// That container's exit code.
    pub exit_code: Option<i32>,
}

/// How a target stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TargetStatus {
    /// The target group's name.
    pub group: String,
    /// Its address and port.
    pub target: String,
    /// What the load balancer says: `healthy`, `unhealthy`, `initial`, `draining`.
    pub state: String,
    /// Why, in its words.
    pub reason: Option<String>,
}

/// How an alarm stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlarmStatus {
    /// The alarm's address.
    pub address: Address,
    /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    pub state: String,
    /// Why, in the cloud's words.
    pub reason: Option<String>,
    /// Since when.
    pub since: Option<Timestamp>,
}

/// How full a queue is, about.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QueueStatus {
    /// The queue's address.
    pub address: Address,
    /// Messages that wait.
    pub visible: i64,
    /// Messages that were taken and are worked on.
    pub in_flight: i64,
    /// Messages that are held back for now.
    pub delayed: i64,
    /// Messages that wait in its dead-letter queue, where that is in the stack too.
    pub dead: Option<i64>,
}

/// Which lines of logs.
#[derive(Clone, Debug, Default)]
pub struct LogsAsked {
    /// Not before this.
    pub since: Timestamp,
    /// Only of the task whose id begins so.
    pub task: Option<String>,
    /// Only what matches this pattern of CloudWatch Logs.
    pub filter: Option<String>,
}

/// A line of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// When it was written.
    pub time: Timestamp,
    /// The id of the task.
    pub task: String,
    /// The container.
    pub container: String,
    /// What it says.
    pub message: String,
    /// What tells it from all others.
    #[serde(skip)]
    pub id: String,
}
