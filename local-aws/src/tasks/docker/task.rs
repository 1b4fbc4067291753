//! One task as containers, from its images to its end.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bollard::query_parameters::{CreateContainerOptionsBuilder, StopContainerOptionsBuilder};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::container::{Attachment, Plan, container_name, task_id, volume_name};
use super::dependency::{self, Met, State};
use super::engine::{Engine, reason};
use super::leftovers;
use super::watch::{self, Happening};
use crate::ecs::runtime::{Launch, Stop, TaskEvent};
use crate::tasks::address::Address;
use crate::tasks::caller::Caller;
use crate::tasks::definition::{Container, Definition};
use crate::tasks::logs::LogStream;
use crate::tasks::orders::Orders;
use crate::tasks::prepare;

/// From SIGTERM to SIGKILL, unless the container says otherwise; both are ECS's.
const STOP_TIMEOUT: u64 = 30;
const LONGEST_STOP_TIMEOUT: u64 = 120;
/// How long the engine may take to tell that a container ended which it has stopped.
const ENDED: Duration = Duration::from_secs(20);

struct Member {
    definition: Container,
    image: String,
    name: String,
    secrets: Vec<(String, String)>,
    log: Option<LogStream>,
    state: State,
    /// Whether it was told to stop.
    stopping: bool,
}

struct Task {
    engine: Arc<Engine>,
    caller: Caller,
    launch: Launch,
    definition: Definition,
    events: mpsc::UnboundedSender<TaskEvent>,
    address: Address,
    members: Vec<Member>,
    /// The container whose interface the others share.
    owner: Option<usize>,
    tell: mpsc::UnboundedSender<(usize, Happening)>,
    happenings: mpsc::UnboundedReceiver<(usize, Happening)>,
}

/// Runs a task and returns how it ended; none of its containers is left then.
pub(super) async fn run(
    engine: Arc<Engine>,
    caller: Caller,
    launch: Launch,
    mut orders: Orders,
    events: mpsc::UnboundedSender<TaskEvent>,
) -> Stop {
    let prepared = tokio::select! {
        biased;
        () = orders.asked_to_stop() => return Stop::AsAsked,
        prepared = Task::prepare(engine, caller, launch, events) => prepared,
    };
    let mut task = match prepared {
        Ok(task) => task,
        Err(reason) => return Stop::FailedToStart(reason),
    };
    let stop = task.live(&mut orders).await;
    task.end_all(&mut orders).await;
    task.remove().await;
    stop
}

impl Task {
    /// Has all that must be there before the first container starts.
    async fn prepare(
        engine: Arc<Engine>,
        caller: Caller,
        launch: Launch,
        events: mpsc::UnboundedSender<TaskEvent>,
    ) -> Result<Self, String> {
        let definition = Definition::read(&launch).map_err(|error| error.to_string())?;
        let secrets = prepare::secrets(&caller, &definition).await?;
        let mut images = Vec::new();
        for container in &definition.container_definitions {
            images.push(engine.pulled(&container.image).await.inspect_err(|reason| {
                let container = container.name.clone();
                let reason = Some(reason.clone());
                let _nobody_listens = events.send(TaskEvent::ContainerStopped { container, exit_code: None, reason });
            })?);
        }
        let _nobody_listens = events.send(TaskEvent::Pulled);
        let logs = prepare::logs(&caller, &definition, task_id(&launch.task_arn)).await?;
        let all = definition.container_definitions.iter().zip(images).zip(secrets).zip(logs);
        let members = all.map(|(((container, image), secrets), log)| Member {
            definition: container.clone(),
            image,
            name: container_name(&engine, &launch.task_arn, &container.name),
            secrets,
            log,
            state: State::Pending,
            stopping: false,
        });
        let members = members.collect();
        let address = engine.address();
        let address = address.ok_or("ResourceInitializationError: network interface: no address is free")?;
        let (tell, happenings) = mpsc::unbounded_channel();
        Ok(Self { engine, caller, launch, definition, events, address, members, owner: None, tell, happenings })
    }

    /// Starts the containers in their order, and lets them run until the task ends.
    async fn live(&mut self, orders: &mut Orders) -> Stop {
        let mut started = false;
        loop {
            // What has ended by itself has, even if it is asked to by now.
            while let Ok((index, happening)) = self.happenings.try_recv() {
                if self.take(index, happening) {
                    return Stop::EssentialContainerExited;
                }
            }
            if orders.is_stopped() {
                return Stop::AsAsked;
            }
            let next = match self.start_ready().await {
                Ok(next) => next,
                Err(reason) => return Stop::FailedToStart(reason),
            };
            if !started && self.members.iter().all(|member| member.state != State::Pending) {
                started = true;
                let address = IpAddr::from(&self.address);
                self.say(TaskEvent::Started { address, answers: None });
            }
            let too_late = async {
                match next {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                Some((index, happening)) = self.happenings.recv() => {
                    if self.take(index, happening) {
                        return Stop::EssentialContainerExited;
                    }
                }
                () = orders.asked_to_stop() => return Stop::AsAsked,
                () = too_late => {}
            }
        }
    }

    /// Starts what waits for nothing any more; returns when the next wait is too long.
    async fn start_ready(&mut self) -> Result<Option<Instant>, String> {
        loop {
            let pending = |member: &Member| member.state == State::Pending;
            let waiting: Vec<(usize, Met)> =
                (0..self.members.len()).filter(|i| pending(&self.members[*i])).map(|i| (i, self.met(i))).collect();
            if let Some((index, why)) = waiting.iter().find_map(|(index, met)| match met {
                Met::Never(why) => Some((*index, *why)),
                _ => None,
            }) {
                self.failed(index, why.to_owned(), "Task failed to start")?;
                continue;
            }
            // An essential one first: the others then share its interface, as all containers of a task do on AWS.
            let ready = waiting.iter().filter(|(_, met)| *met == Met::Yes).map(|(index, _)| *index);
            let Some(index) = ready.min_by_key(|index| !self.members[*index].definition.is_essential()) else {
                let deadlines = waiting.iter().filter_map(|(_, met)| match met {
                    Met::NotYet(at) => *at,
                    _ => None,
                });
                return Ok(deadlines.min());
            };
            if let Err(why) = self.start(index).await {
                if self.owner_has_ended().await {
                    // Its interface is gone with it; how it ended is what is told next.
                    return Ok(None);
                }
                self.failed(index, why.clone(), &why)?;
            }
        }
    }

    /// Says whether all that a container waits for has come about.
    fn met(&self, index: usize) -> Met {
        let mut deadlines = Vec::new();
        for dependency in &self.members[index].definition.depends_on {
            let Some(other) = self.members.iter().find(|other| other.definition.name == dependency.container_name)
            else {
                return Met::Never("failed to resolve the container ordering dependency: no such container");
            };
            match dependency::met(dependency.condition, other.state, other.definition.start_timeout) {
                Met::Yes => {}
                Met::NotYet(at) => deadlines.push(at),
                never @ Met::Never(_) => return never,
            }
        }
        if deadlines.is_empty() { Met::Yes } else { Met::NotYet(deadlines.into_iter().flatten().min()) }
    }

    async fn start(&mut self, index: usize) -> Result<(), String> {
        let member = &self.members[index];
        let owner = self.owner.map(|owner| self.members[owner].name.clone());
        let essential = member.definition.is_essential();
        // One that comes before the first essential one has an interface of its own: there is none yet to share.
        let own = match (&owner, essential) {
            (None, false) => Some(self.engine.address().ok_or("CannotCreateContainerError: no address is free")?),
            _ => None,
        };
        let plan = Plan {
            engine: &self.engine,
            caller: &self.caller,
            definition: &self.definition,
            container: &member.definition,
            image: &member.image,
            secrets: &member.secrets,
            launch: &self.launch,
            attachment: match owner {
                Some(owner) => Attachment::With(owner),
                None => Attachment::Address(own.as_ref().map_or(self.address.ip, |own| own.ip)),
            },
        };
        let docker = &self.engine.docker;
        let options = CreateContainerOptionsBuilder::default().name(&member.name).build();
        let created = docker.create_container(Some(options), plan.body()).await;
        created
            .map_err(|error| format!("CannotCreateContainerError: Error response from daemon: {}", reason(error)))?;
        let started = docker.start_container(&member.name, None).await;
        started.map_err(|error| format!("CannotStartContainerError: Error response from daemon: {}", reason(error)))?;
        if self.owner.is_none() && essential {
            self.owner = Some(index);
        }
        let member = &mut self.members[index];
        member.state = State::Running { since: Instant::now(), healthy: None };
        let checked = member.definition.health_check.is_some();
        let (engine, name, log, tell) =
            (Arc::clone(&self.engine), member.name.clone(), member.log.take(), self.tell.clone());
        tokio::spawn(async move {
            watch::follow(engine, name, index, checked, log, tell).await;
            drop(own);
        });
        Ok(())
    }

    /// Says whether the container has ended whose interface the others share.
    async fn owner_has_ended(&self) -> bool {
        let Some(owner) = self.owner else { return false };
        let inspected = self.engine.docker.inspect_container(&self.members[owner].name, None).await;
        let state = inspected.ok().and_then(|container| container.state);
        state.is_none_or(|state| state.running != Some(true))
    }

    /// Takes note of a container that could not be started: with an essential one, the task has failed.
    fn failed(&mut self, index: usize, why: String, task: &str) -> Result<(), String> {
        let member = &mut self.members[index];
        member.state = State::Ended { exit_code: None };
        let (container, essential) = (member.definition.name.clone(), member.definition.is_essential());
        self.say(TaskEvent::ContainerStopped { container, exit_code: None, reason: Some(why) });
        if essential { Err(task.into()) } else { Ok(()) }
    }

    /// Takes note of what has happened; says whether the task ends with it.
    fn take(&mut self, index: usize, happening: Happening) -> bool {
        let member = &mut self.members[index];
        let container = member.definition.name.clone();
        match happening {
            Happening::Health(found) => {
                if let State::Running { healthy, .. } = &mut member.state {
                    *healthy = Some(found);
                }
                self.say(TaskEvent::Health { container, healthy: Some(found) });
                false
            }
            Happening::Ended { exit_code, reason } => {
                member.state = State::Ended { exit_code };
                let essential = member.definition.is_essential();
                self.say(TaskEvent::ContainerStopped { container, exit_code, reason });
                essential
            }
        }
    }

    /// Stops what still runs, first what others do not need; kills it when that is asked for.
    async fn end_all(&mut self, orders: &mut Orders) {
        let mut limit = Instant::now() + ENDED;
        let mut killed = false;
        while self.members.iter().any(is_running) {
            for index in 0..self.members.len() {
                let member = &self.members[index];
                if !killed && is_running(member) && !member.stopping && !self.is_needed(index) {
                    let timeout = member.definition.stop_timeout.unwrap_or(STOP_TIMEOUT).min(LONGEST_STOP_TIMEOUT);
                    limit = limit.max(Instant::now() + Duration::from_secs(timeout) + ENDED);
                    let (engine, name) = (Arc::clone(&self.engine), member.name.clone());
                    self.members[index].stopping = true;
                    tokio::spawn(async move {
                        let seconds = i32::try_from(timeout).unwrap_or(i32::MAX);
                        let options = StopContainerOptionsBuilder::default().t(seconds).build();
                        let _it_is_removed_in_the_end = engine.docker.stop_container(&name, Some(options)).await;
                    });
                }
            }
            tokio::select! {
                biased;
                Some((index, happening)) = self.happenings.recv() => {
                    self.take(index, happening);
                }
                () = orders.asked_to_die(), if !killed => {
                    killed = true;
                    for member in self.members.iter().filter(|member| is_running(member)) {
                        let _ended_already = self.engine.docker.kill_container(&member.name, None).await;
                    }
                }
                () = tokio::time::sleep_until(limit) => return,
            }
        }
    }

    /// Says whether one that runs was started because of this one.
    fn is_needed(&self, index: usize) -> bool {
        let name = &self.members[index].definition.name;
        let needs = |member: &Member| member.definition.depends_on.iter().any(|one| one.container_name == *name);
        self.members.iter().any(|member| is_running(member) && needs(member))
    }

    /// Removes the containers and the volumes.
    async fn remove(&self) {
        for member in &self.members {
            leftovers::remove_container(&self.engine.docker, &member.name).await;
        }
        for point in self.members.iter().flat_map(|member| &member.definition.mount_points) {
            let name = volume_name(&self.engine, &self.launch.task_arn, &point.source_volume);
            leftovers::remove_volume(&self.engine.docker, &name).await;
        }
    }

    fn say(&self, event: TaskEvent) {
        let _nobody_listens = self.events.send(event);
    }
}

fn is_running(member: &Member) -> bool {
    matches!(member.state, State::Running { .. })
}
