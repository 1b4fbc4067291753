//! ECS services and tasks: scheduled, replaced, rolled back and told as ECS documents it.

mod breaker;
mod ids;
mod launch;
mod operations;
mod pace;
mod reconcile;
mod rolling;
mod rollout;
pub(crate) mod runtime;
mod service;
mod service_deployments;
mod services;
mod shift;
mod task;
mod task_told;
mod tasks;
mod told;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc};

use self::ids::Ids;
use self::pace::Timekeeper;
use self::reconcile::{Ringing, Round};
use self::runtime::{Runtime, TaskEvent};
use self::service::{Rollout, Service, Status};
use self::task::Task;
use crate::error::AwsError;
use crate::facts::{self, Facts};
use crate::memory::NetworkUser;
use crate::shared::{Shared, held};

pub(crate) use self::operations::{answer, perform, serves, short, tell_counts};

/// How often the scheduler looks while something is under way …
const BUSY: Duration = Duration::from_millis(20);
/// … and while nothing is.
const IDLE: Duration = Duration::from_millis(200);
/// How long an answer waits for what takes no time to be done.
const SETTLING: Duration = Duration::from_millis(300);
/// How long a stopped task is told, whatever the time scale: what looks for the reason must find it.
const STOPPED_TOLD: f64 = 3600.0;
/// How many stopped tasks are told.
const STOPPED_MOST: usize = 1000;

/// The services and tasks of all clusters.
#[derive(Debug)]
pub(crate) struct Scheduler {
    state: Mutex<State>,
    pub(crate) runtime: Arc<dyn Runtime>,
    ids: Ids,
    /// Held through a round, so that what it decides is done before the next.
    round: tokio::sync::Mutex<()>,
    changed: Arc<Notify>,
}

#[derive(Debug)]
struct State {
    services: BTreeMap<String, Service>,
    tasks: BTreeMap<String, Task>,
    keeper: Timekeeper,
}

impl State {
    fn new() -> Self {
        Self { services: BTreeMap::new(), tasks: BTreeMap::new(), keeper: Timekeeper::new() }
    }

    /// Says whether something is under way.
    fn is_busy(&self) -> bool {
        let has_failed =
            |service: &Service| service.deployments.first().is_some_and(|primary| primary.rollout == Rollout::Failed);
        let unsettled = |service: &Service| match service.status {
            Status::Active => {
                let goes_on = service.history.first().is_some_and(|deployment| !deployment.status.is_final());
                goes_on || !(service.is_steady || has_failed(service))
            }
            Status::Draining => true,
            Status::Inactive => false,
        };
        let moving = |task: &Task| !matches!(task.status, task::Status::Running | task::Status::Stopped);
        self.services.values().any(unsettled) || self.tasks.values().any(moving)
    }

    /// Forgets tasks that stopped long ago.
    fn purge(&mut self, epoch: f64) {
        self.tasks.retain(|_, task| task.stopped_at().is_none_or(|stopped| epoch - stopped < STOPPED_TOLD));
        let mut stopped: Vec<(u64, String)> = Vec::new();
        for (arn, task) in &self.tasks {
            stopped.extend(task.stopped_at().map(|at| ((at * 1000.0) as u64, arn.clone())));
        }
        let excess = stopped.len().saturating_sub(STOPPED_MOST);
        stopped.sort_unstable();
        for (_, arn) in stopped.into_iter().take(excess) {
            self.tasks.remove(&arn);
        }
    }
}

impl Scheduler {
    /// Makes a scheduler whose tasks `runtime` runs.
    pub(crate) fn new(runtime: Arc<dyn Runtime>) -> Self {
        Self {
            state: Mutex::new(State::new()),
            runtime,
            ids: Ids::default(),
            round: tokio::sync::Mutex::new(()),
            changed: Arc::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        held(&self.state)
    }

    /// Schedules until it is dropped.
    pub(crate) async fn run(&self, shared: &Shared) {
        loop {
            self.round(shared).await;
            let pause = if self.state().is_busy() { BUSY } else { IDLE };
            let _either_way = tokio::time::timeout(pause, self.changed.notified()).await;
        }
    }

    /// Does what is due.
    async fn round(&self, shared: &Shared) {
        let _one_at_a_time = self.round.lock().await;
        let alarms = self.alarms(shared).await;
        let scale = shared.clock().time_scale();
        let weights = {
            let mut state = self.state();
            let now = state.keeper.now(scale.share());
            let mut round = Round {
                now,
                scale,
                runtime: &*self.runtime,
                traffic: &shared.traffic,
                ids: &self.ids,
                changed: &self.changed,
                alarms,
                weights: Vec::new(),
            };
            let State { services, tasks, .. } = &mut *state;
            for task in tasks.values_mut() {
                task.advance(&now, &*self.runtime, &shared.traffic);
            }
            for service in services.values_mut() {
                round.reconcile(service, tasks);
            }
            let weights = round.weights;
            state.purge(now.epoch);
            weights
        };
        for (rule, weights) in weights {
            shared.traffic.set_forward_weights(&rule, weights).await;
        }
    }

    /// Has done what is due; where nothing takes time, all of it.
    async fn settle(&self, shared: &Shared) {
        self.round(shared).await;
        let begun = tokio::time::Instant::now();
        while shared.clock().scale() <= 0.0 && begun.elapsed() < SETTLING && self.state().is_busy() {
            tokio::time::sleep(Duration::from_millis(1)).await;
            self.round(shared).await;
        }
    }

    /// Asks how the alarms are that deployments under way watch.
    async fn alarms(&self, shared: &Shared) -> HashMap<String, Ringing> {
        let watching: Vec<(String, String, String, Vec<String>)> = {
            let mut state = self.state();
            let services = state.services.values_mut().filter(|service| service.status == Status::Active);
            services
                .filter_map(|service| {
                    let names = service.alarm_names();
                    service.under_way().filter(|_| !names.is_empty())?;
                    Some((service.arn.clone(), service.key.clone(), service.region.clone(), names))
                })
                .collect()
        };
        let mut alarms = HashMap::new();
        for (arn, key, region, names) in watching {
            let facts = Facts::of(shared, &key, &region);
            let input = json!({"AlarmNames": names, "AlarmTypes": ["MetricAlarm", "CompositeAlarm"]});
            let target = "GraniteServiceVersion20100801.DescribeAlarms";
            // An alarm that can't be asked for does not ring.
            let Ok(Some(told)) = facts.json("monitoring", target, &input).await else { continue };
            alarms.insert(arn, ringing(&told));
        }
        alarms
    }

    /// Forgets everything and kills all tasks.
    pub(crate) async fn reset(&self) {
        let _between_rounds = self.round.lock().await;
        *self.state() = State::new();
        self.runtime.stop_all().await;
    }

    /// Returns all services that are not being deleted, as DescribeServices tells them.
    pub(crate) async fn services(&self, shared: &Shared) -> Vec<Value> {
        self.settle(shared).await;
        let state = self.state();
        let active = state.services.values().filter(|service| service.status == Status::Active);
        active.map(|service| told::service(service, &state.tasks, true)).collect()
    }

    /// Returns where services have network interfaces, which those have that are being deleted too.
    pub(crate) async fn network_users(&self, shared: &Shared) -> Vec<NetworkUser> {
        self.settle(shared).await;
        let state = self.state();
        let has_some = |service: &&Service| {
            let is_of = |task: &Task| task.plan.service.as_ref() == Some(&service.arn);
            let has_interface = |task: &Task| task.status != task::Status::Stopped;
            service.desired > 0 || state.tasks.values().any(|task| is_of(task) && has_interface(task))
        };
        let users = state.services.values().filter(has_some);
        users.map(|service| facts::service(&told::service(service, &state.tasks, false))).collect()
    }

    /// Says whether tasks of the cluster `arn` are not stopped.
    pub(crate) async fn has_tasks(&self, cluster_arn: &str, shared: &Shared) -> bool {
        self.settle(shared).await;
        let here = |task: &Task| task.plan.cluster_arn == cluster_arn && task.status != task::Status::Stopped;
        self.state().tasks.values().any(here)
    }
}

/// Hands `events` on, and lets whoever waits for `changed` know: the targets of a task that has died must not wait.
fn announced(
    mut events: mpsc::UnboundedReceiver<TaskEvent>,
    changed: &Arc<Notify>,
) -> mpsc::UnboundedReceiver<TaskEvent> {
    let (sender, announced) = mpsc::unbounded_channel();
    let changed = Arc::clone(changed);
    tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            if sender.send(event).is_err() {
                return;
            }
            changed.notify_one();
        }
    });
    announced
}

fn ringing(told: &Value) -> Ringing {
    let lists = ["MetricAlarms", "CompositeAlarms"].into_iter().filter_map(|list| told[list].as_array());
    let mut ringing = Ringing::default();
    for alarm in lists.flatten() {
        if alarm["StateValue"] == "ALARM" {
            ringing.names.push(text(&alarm["AlarmName"]).to_owned());
        }
        let seconds = alarm["Period"].as_u64().unwrap_or(0) * alarm["EvaluationPeriods"].as_u64().unwrap_or(1);
        ringing.window = ringing.window.max(Duration::from_secs(seconds));
    }
    ringing
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn refused<T>(code: &str, message: &str) -> Result<T, AwsError> {
    Err(AwsError::refused(code, message))
}
