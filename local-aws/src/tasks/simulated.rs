//! Tasks that only say that they run: they take the times of Fargate and behave as they are told to.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::address::{Address, Addresses};
use super::behaviour::{self, Behaviour, Behaviours, Health};
use super::caller::Caller;
use super::definition::{Container, Definition};
use super::logs::LogStream;
use super::orders::{Orders, Tasks};
use super::prepare;
use crate::ecs::runtime::{Answers, Launch, Runtime, Stop, TaskEvent};
use crate::upstream::Upstream;

/// From the launch of a task until its images are there: what is usual on Fargate.
const PULLED_AFTER: Duration = Duration::from_secs(20);
/// From then on until its containers run.
const STARTED_AFTER: Duration = Duration::from_secs(10);
/// From SIGTERM until the containers have ended.
const STOPPED_AFTER: Duration = Duration::from_secs(2);
/// The address of a task whose network is not said.
const WITHOUT_NETWORK: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 172, 2));

/// Simulates tasks.
#[derive(Debug)]
pub(crate) struct Simulated {
    upstream: Upstream,
    behaviours: Behaviours,
    addresses: Addresses,
    tasks: Tasks,
}

impl Simulated {
    /// Makes the runtime, whose tasks run where this is called; its log lines go to `upstream`.
    pub(crate) fn new(upstream: Upstream, behaviours: Behaviours) -> Self {
        Self { upstream, behaviours, addresses: Addresses::default(), tasks: Tasks::new() }
    }
}

impl Runtime for Simulated {
    fn launch(&self, launch: Launch) -> mpsc::UnboundedReceiver<TaskEvent> {
        let caller = Caller::new(&self.upstream, &launch.task_arn);
        let behaviours = self.behaviours.watch();
        let addresses = self.addresses.clone();
        self.tasks.begin(launch.task_arn.clone(), |orders, events| {
            let task = Task { launch, caller, behaviours, addresses, events };
            async move { task.run(orders).await }
        })
    }

    fn stop(&self, task_arn: &str) {
        self.tasks.stop(task_arn);
    }

    fn stop_all(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.tasks.kill_all())
    }
}

/// One simulated task.
struct Task {
    launch: Launch,
    caller: Caller,
    behaviours: watch::Receiver<Vec<Behaviour>>,
    addresses: Addresses,
    events: mpsc::UnboundedSender<TaskEvent>,
}

/// A container of a task that has started.
struct Simulation {
    definition: Container,
    log: Option<LogStream>,
    /// What its health check was last told to find.
    told: Option<bool>,
    ended: bool,
}

impl Task {
    async fn run(mut self, mut orders: Orders) -> Stop {
        let started = tokio::select! {
            biased;
            () = orders.asked_to_stop() => return Stop::AsAsked,
            started = self.start() => started,
        };
        let (mut containers, address) = match started {
            Ok(started) => started,
            Err(reason) => return Stop::FailedToStart(reason),
        };
        let stop = tokio::select! {
            biased;
            () = orders.asked_to_stop() => Stop::AsAsked,
            () = self.live(&mut containers, address.as_ref()) => Stop::EssentialContainerExited,
        };
        tokio::select! {
            () = orders.asked_to_die() => {}
            () = self.pass(STOPPED_AFTER) => {}
        }
        for container in &mut containers {
            self.end(container, Some(0)).await;
        }
        stop
    }

    /// Does everything that comes before the containers run.
    async fn start(&mut self) -> Result<(Vec<Simulation>, Option<Address>), String> {
        let definition = Definition::read(&self.launch).map_err(|error| error.to_string())?;
        prepare::secrets(&self.caller, &definition).await?;
        let address = self.address().await?;
        self.pass(PULLED_AFTER).await;
        for container in &definition.container_definitions {
            if let Some(reason) = self.behaviour(container).never_starts {
                let container = container.name.clone();
                self.tell(TaskEvent::ContainerStopped { container, exit_code: None, reason: Some(reason.clone()) });
                return Err(reason);
            }
        }
        self.tell(TaskEvent::Pulled);
        let task = self.launch.task_arn.rsplit('/').next().unwrap_or_default();
        let logs = prepare::logs(&self.caller, &definition, task).await?;
        self.pass(STARTED_AFTER).await;
        let containers = definition.container_definitions.into_iter().zip(logs);
        let containers = containers.map(|(definition, log)| Simulation { definition, log, told: None, ended: false });
        let containers: Vec<Simulation> = containers.collect();
        for container in &containers {
            if let Some(log) = &container.log {
                self.behaviour(&container.definition).log.into_iter().for_each(|line| log.write(line));
            }
        }
        Ok((containers, address))
    }

    /// Takes an address in the first of the task's subnets.
    async fn address(&self) -> Result<Option<Address>, String> {
        let subnet = &self.launch.network["awsvpcConfiguration"]["subnets"][0];
        let Some(subnet) = subnet.as_str() else { return Ok(None) };
        let failed = |why: &dyn std::fmt::Display| format!("ResourceInitializationError: network interface: {why}");
        let cidr = self.caller.subnet_cidr(subnet).await.map_err(|refusal| failed(&refusal))?;
        let cidr = cidr.parse().map_err(|error| failed(&error))?;
        let full = || failed(&format!("the subnet {subnet} has no free address"));
        Ok(Some(self.addresses.take(subnet, cidr).ok_or_else(full)?))
    }

    /// Lets the containers run until an essential one ends by itself.
    async fn live(&mut self, containers: &mut [Simulation], address: Option<&Address>) {
        let began = Instant::now();
        let (tell, answers) = watch::channel(self.answers(containers));
        let address = address.map_or(WITHOUT_NETWORK, IpAddr::from);
        self.tell(TaskEvent::Started { address, answers: Some(answers) });
        loop {
            let mut next: Option<Instant> = None;
            for container in containers.iter_mut().filter(|container| !container.ended) {
                let behaviour = self.behaviour(&container.definition);
                let exit = behaviour.exit_after_s.map(|seconds| began + self.scaled(seconds));
                let check = container.definition.health_check.as_ref().map(|check| {
                    let failures = check.start_period + check.interval * check.retries;
                    let healthy = behaviour.container_health != Some(Health::Unhealthy);
                    let seconds = if healthy { check.interval } else { failures };
                    (healthy, began + self.scaled(seconds.into()))
                });
                let now = Instant::now();
                if exit.is_some_and(|at| at <= now) {
                    self.end(container, Some(behaviour.exit_code.unwrap_or(0))).await;
                    if container.definition.is_essential() {
                        return;
                    }
                    continue;
                }
                let change = check.filter(|(healthy, _)| container.told != Some(*healthy));
                if let Some((healthy, _)) = change.filter(|(_, at)| *at <= now) {
                    container.told = Some(healthy);
                    let container = container.definition.name.clone();
                    self.tell(TaskEvent::Health { container, healthy: Some(healthy) });
                }
                let coming = [exit, change.map(|(_, at)| at).filter(|at| *at > now)];
                next = coming.into_iter().flatten().chain(next).min();
            }
            tell.send_replace(self.answers(containers));
            let due = async {
                match next {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => {}
                () = self.launch.time_scale.changed() => {}
                changed = self.behaviours.changed() => if changed.is_err() {
                    // Nobody can change them any more.
                    std::future::pending::<()>().await;
                },
            }
        }
    }

    /// Returns what the task says to its load balancers.
    fn answers(&self, containers: &[Simulation]) -> Answers {
        let behaviours: Vec<Behaviour> =
            containers.iter().map(|container| self.behaviour(&container.definition)).collect();
        Answers {
            healthy: !behaviours.iter().any(|behaviour| behaviour.target_health == Some(Health::Unhealthy)),
            status: behaviours.iter().find_map(|behaviour| behaviour.response_status),
        }
    }

    /// Ends a container, its last lines first.
    async fn end(&self, container: &mut Simulation, exit_code: Option<i64>) {
        if std::mem::replace(&mut container.ended, true) {
            return;
        }
        if let Some(log) = container.log.take() {
            log.close().await;
        }
        let container = container.definition.name.clone();
        self.tell(TaskEvent::ContainerStopped { container, exit_code, reason: None });
    }

    fn behaviour(&self, container: &Container) -> Behaviour {
        behaviour::of(&self.behaviours.borrow(), &container.image)
    }

    fn tell(&self, event: TaskEvent) {
        let _nobody_listens = self.events.send(event);
    }

    fn scaled(&self, seconds: f64) -> Duration {
        Duration::try_from_secs_f64(seconds * self.launch.time_scale.share()).unwrap_or_default()
    }

    async fn pass(&mut self, time: Duration) {
        self.launch.time_scale.pass(time).await;
    }
}
