//! Why a deployment failed: its tasks, what they died of, their last words, and what ECS and the load balancers say.

use std::collections::BTreeSet;

use aws_sdk_ecs::types::{self as sdk, DesiredStatus, HealthStatus};

use super::verdict::Expected;
use crate::aws::client::Aws;
use crate::aws::ecs::logs;
use crate::aws::ecs::tasks::{self, Target, short};
use crate::cloud::Detail;

/// Events of a service that a failure tells.
const EVENTS: usize = 5;
/// Tasks that a failure tells of: one for each reason, no more than these.
const TASKS: usize = 3;
/// Lines of a container's log that a failure tells.
const LINES: i32 = 20;

/// What is known of why a deployment of `service` failed. What can't be read is left out.
pub(super) async fn details(aws: &Aws, cluster: &str, service: &sdk::Service, expected: &Expected) -> Vec<Detail> {
    let arn = service.service_arn().unwrap_or_default();
    let (stopped, running, targets) = tokio::join!(
        tasks::of_service(aws, cluster, arn, DesiredStatus::Stopped),
        tasks::of_service(aws, cluster, arn, DesiredStatus::Running),
        tasks::targets(aws, service.load_balancers()),
    );
    let (mut stopped, running) = (stopped.unwrap_or_default(), running.unwrap_or_default());
    let targets = targets.unwrap_or_default();
    stopped.retain(|task| is_of(task, service, expected) && is_telling(task));
    stopped.sort_by(|one, other| stopped_at(other).total_cmp(&stopped_at(one)));

    let mut details = Vec::new();
    let mut reasons = BTreeSet::new();
    for task in &stopped {
        if details.len() < TASKS && reasons.insert(cause(task)) {
            details.push(of_task(task, &targets));
        }
    }
    let sick =
        running.iter().filter(|task| is_of(task, service, expected)).find(|task| !ills(task, &targets).is_empty());
    details.extend(sick.map(|task| of_task(task, &targets)));
    let last_words = stopped.first().or(sick);
    if let Some(task) = last_words {
        details.extend(last_lines(aws, task).await);
    }
    details.extend(events(service, expected));
    details
}

/// When a task stopped, or began to; in seconds.
pub(super) fn stopped_at(task: &sdk::Task) -> f64 {
    task.stopped_at().or(task.stopping_at()).map(|time| time.as_secs_f64()).unwrap_or_default()
}

/// Whether a task is one of the deployment that failed.
fn is_of(task: &sdk::Task, service: &sdk::Service, expected: &Expected) -> bool {
    match expected {
        Expected::Id(id) => task.started_by() == Some(id),
        Expected::TaskDefinition(arn) => task.task_definition_arn() == Some(arn),
        Expected::Newest => {
            let primary = super::primary(service);
            primary.is_none_or(|primary| task.started_by() == primary.id())
        }
    }
}

/// Whether a task did not stop merely because it was no longer wanted.
pub(in crate::aws::ecs) fn is_telling(task: &sdk::Task) -> bool {
    let reason = task.stopped_reason().unwrap_or_default();
    let by_scheduler = task.stop_code() == Some(&sdk::TaskStopCode::ServiceSchedulerInitiated);
    !(by_scheduler && reason.starts_with("Scaling activity"))
}

/// What a task stopped of, without what differs from task to task.
fn cause(task: &sdk::Task) -> (Option<String>, Vec<(String, Option<i32>)>) {
    let containers = task.containers().iter();
    let codes = containers.map(|container| (container.name().unwrap_or_default().to_owned(), container.exit_code()));
    (task.stop_code().map(|code| code.as_str().to_owned()), codes.collect())
}

pub(super) fn of_task(task: &sdk::Task, targets: &[Target]) -> Detail {
    let id = short(task.task_arn().unwrap_or_default());
    let revision = task.task_definition_arn().map(super::revision).unwrap_or_default();
    let about = match (task.stop_code(), task.stopped_reason()) {
        (None, None) => format!("task {id} of {revision} runs, but is not healthy"),
        (code, reason) => {
            let code = code.map(|code| code.as_str().to_owned());
            let why: Vec<String> = [code, reason.map(str::to_owned)].into_iter().flatten().collect();
            format!("task {id} of {revision} stopped: {}", why.join(": "))
        }
    };
    let exits = task.containers().iter().filter_map(exit);
    Detail { about, lines: exits.chain(ills(task, targets)).collect() }
}

/// How a container ended, where it did.
fn exit(container: &sdk::Container) -> Option<String> {
    let name = container.name().unwrap_or_default();
    match (container.exit_code(), container.reason()) {
        (Some(code), Some(reason)) => Some(format!("container {name}: exit code {code}: {reason}")),
        (Some(code), None) => Some(format!("container {name}: exit code {code}{}", meaning(code))),
        (None, Some(reason)) => Some(format!("container {name}: {reason}")),
        (None, None) => None,
    }
}

/// What an exit code says of a process that a signal ended.
fn meaning(code: i32) -> &'static str {
    match code {
        137 => " (SIGKILL: out of memory, or not gone within its stop timeout)",
        139 => " (SIGSEGV)",
        143 => " (SIGTERM)",
        _ => "",
    }
}

/// Health checks that fail: those of containers, and those of load balancers.
fn ills(task: &sdk::Task, targets: &[Target]) -> Vec<String> {
    let containers = task.containers().iter();
    let sick = containers.filter(|container| container.health_status() == Some(&HealthStatus::Unhealthy));
    let sick =
        sick.map(|container| format!("container {}: its health check fails", container.name().unwrap_or_default()));
    let address = tasks::address(task);
    let of_task = targets.iter().filter(|target| Some(target.id.as_str()) == address && target.state == "unhealthy");
    let unhealthy = of_task.map(|target| {
        let port = target.port.map(|port| format!(":{port}")).unwrap_or_default();
        let reason = target.reason.as_deref().unwrap_or("no reason given");
        format!("target {}{port} in {}: unhealthy: {reason}", target.id, target.group)
    });
    sick.chain(unhealthy).collect()
}

/// The last lines of the log of the container that a task died of.
async fn last_lines(aws: &Aws, task: &sdk::Task) -> Option<Detail> {
    let container = culprit(task)?;
    let (name, id) = (container.name()?, tasks::name(task.task_arn()?));
    let logs = logs::of_task_definition(aws, task.task_definition_arn()?).await.ok()?;
    let stream = logs.iter().find(|log| log.container == name)?;
    let lines = stream.last(aws, id, LINES).await.ok()?;
    let task = short(id);
    Some(match lines.len() {
        0 => Detail { about: format!("container {name} of task {task} wrote nothing to {}", stream.group), lines },
        1 => Detail { about: format!("the last line of container {name} of task {task} in {}", stream.group), lines },
        count => {
            let about = format!("the last {count} lines of container {name} of task {task} in {}", stream.group);
            Detail { about, lines }
        }
    })
}

/// The container that a task died of: one that failed, else one that was sick, else the first.
pub(in crate::aws::ecs) fn culprit(task: &sdk::Task) -> Option<&sdk::Container> {
    let containers = || task.containers().iter();
    let failed = |container: &&sdk::Container| container.exit_code().is_some_and(|code| !matches!(code, 0 | 137 | 143));
    let sick = |container: &&sdk::Container| container.health_status() == Some(&HealthStatus::Unhealthy);
    containers().find(failed).or_else(|| containers().find(sick)).or_else(|| containers().next())
}

/// What the service said last, since the deployment began; the newest first.
fn events(service: &sdk::Service, expected: &Expected) -> Option<Detail> {
    let ours = service.deployments().iter().find(|deployment| expected.is(deployment));
    let since = ours.and_then(|deployment| deployment.created_at()).map(|time| time.as_secs_f64());
    let recent = service.events().iter().filter(|event| {
        let at = event.created_at().map(|time| time.as_secs_f64());
        since.is_none() || at.is_none() || at >= since
    });
    let lines: Vec<String> = recent.filter_map(|event| event.message()).take(EVENTS).map(str::to_owned).collect();
    (!lines.is_empty()).then(|| Detail { about: "the service's last events, the newest first".to_owned(), lines })
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::{Attachment, Container, KeyValuePair, Task, TaskStopCode};

    use super::*;

    fn task() -> aws_sdk_ecs::types::builders::TaskBuilder {
        let address = KeyValuePair::builder().name("privateIPv4Address").value("10.0.1.5").build();
        Task::builder()
            .task_arn("arn:aws:ecs:us-east-1:1:task/dev/0a1b2c3d4e5f")
            .task_definition_arn("arn:aws:ecs:us-east-1:1:task-definition/api:7")
            .attachments(Attachment::builder().details(address).build())
    }

    #[test]
    fn a_stopped_task_is_told_with_its_exit_codes() {
        let app = Container::builder().name("app").exit_code(1).build();
        let proxy = Container::builder().name("proxy").exit_code(137).build();
        let task = task().stop_code(TaskStopCode::EssentialContainerExited);
        let task = task.stopped_reason("Essential container in task exited").containers(proxy).containers(app).build();
        let detail = of_task(&task, &[]);
        assert_eq!(
            detail.about,
            "task 0a1b2c3d of api:7 stopped: EssentialContainerExited: Essential container in task exited"
        );
        assert_eq!(
            detail.lines,
            [
                "container proxy: exit code 137 (SIGKILL: out of memory, or not gone within its stop timeout)",
                "container app: exit code 1"
            ]
        );
        assert_eq!(culprit(&task).and_then(Container::name), Some("app"));
    }

    #[test]
    fn failing_health_checks_are_told_with_the_target_and_its_reason() {
        let app = Container::builder().name("app").health_status(HealthStatus::Unhealthy).build();
        let target = |id: &str| Target {
            group: "web".to_owned(),
            id: id.to_owned(),
            port: Some(8080),
            state: "unhealthy".to_owned(),
            reason: Some("Target.ResponseCodeMismatch: Health checks failed with these codes: [500]".to_owned()),
        };
        let detail = of_task(&task().containers(app).build(), &[target("10.0.1.4"), target("10.0.1.5")]);
        assert_eq!(detail.about, "task 0a1b2c3d of api:7 runs, but is not healthy");
        assert_eq!(
            detail.lines,
            [
                "container app: its health check fails",
                "target 10.0.1.5:8080 in web: unhealthy: Target.ResponseCodeMismatch: Health checks failed with these \
                 codes: [500]"
            ]
        );
    }

    #[test]
    fn tasks_that_were_only_no_longer_wanted_tell_nothing() {
        let scaled = task().stop_code(TaskStopCode::ServiceSchedulerInitiated);
        let scaled = scaled.stopped_reason("Scaling activity initiated by (deployment ecs-svc/1)").build();
        let sick = task().stop_code(TaskStopCode::ServiceSchedulerInitiated);
        let sick = sick.stopped_reason("Task failed ELB health checks in (target-group web)").build();
        assert!(!is_telling(&scaled) && is_telling(&sick));
    }
}
