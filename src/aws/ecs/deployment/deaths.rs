//! Tasks that died though their deployment succeeded: what a user should know of a version that does not always start.

use aws_sdk_ecs::types::{self as sdk, DesiredStatus};

use super::failure::{is_telling, of_task, stopped_at};
use super::{Deployment, Origin, primary, revision};
use crate::aws::ecs::tasks;
use crate::cloud::Detail;

impl Deployment<'_> {
    /// Warns of the tasks of a deployment that serves now, where some of them have died. Where they may not be asked for,
    /// nothing is said.
    pub(super) async fn warn_of_deaths(&self, service: &sdk::Service) {
        if matches!(self.origin, Origin::Nothing) {
            return;
        }
        let stopped = tasks::of_service(self.aws, self.cluster, self.service, DesiredStatus::Stopped).await;
        if let Some(detail) = deaths(service, &stopped.unwrap_or_default()) {
            self.op.warn(detail);
        }
    }
}

/// How many of the stopped tasks of a service are of the deployment that serves and died, and of what the last one did.
fn deaths(service: &sdk::Service, stopped: &[sdk::Task]) -> Option<Detail> {
    let primary = primary(service)?;
    let died = || stopped.iter().filter(|task| task.started_by() == primary.id() && is_telling(task));
    let last = died().max_by(|one, other| stopped_at(one).total_cmp(&stopped_at(other)))?;
    let last = of_task(last, &[]);
    let tasks = match died().count() {
        1 => "1 task".to_owned(),
        count => format!("{count} tasks"),
    };
    let of = primary.task_definition().map_or("its revision", revision);
    Some(Detail {
        about: format!("{tasks} of {of} died since its deployment began; it serves all the same"),
        lines: std::iter::once(format!("the last: {}", last.about)).chain(last.lines).collect(),
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::primitives::DateTime;
    use aws_sdk_ecs::types::{Container, Task, TaskStopCode};

    use super::*;

    fn service() -> sdk::Service {
        let new = sdk::Deployment::builder().id("ecs-svc/2").status("PRIMARY");
        let new = new.task_definition("arn:aws:ecs:us-east-1:1:task-definition/api:7").build();
        sdk::Service::builder().deployments(new).build()
    }

    fn task(name: &str, started_by: &str, at: i64, exit_code: i32) -> Task {
        Task::builder()
            .task_arn(format!("arn:aws:ecs:us-east-1:1:task/dev/{name}"))
            .task_definition_arn("arn:aws:ecs:us-east-1:1:task-definition/api:7")
            .started_by(started_by)
            .stop_code(TaskStopCode::EssentialContainerExited)
            .stopped_reason("Essential container in task exited")
            .stopped_at(DateTime::from_secs(at))
            .containers(Container::builder().name("app").exit_code(exit_code).build())
            .build()
    }

    #[test]
    fn the_dead_of_the_deployment_that_serves_are_counted_and_the_last_one_told() {
        let stopped = [task("0a", "ecs-svc/2", 20, 4), task("0b", "ecs-svc/2", 10, 3), task("0c", "ecs-svc/1", 30, 5)];
        let told = deaths(&service(), &stopped).expect("a warning");
        assert_eq!(told.about, "2 tasks of api:7 died since its deployment began; it serves all the same");
        assert_eq!(
            told.lines,
            [
                "the last: task 0a of api:7 stopped: EssentialContainerExited: Essential container in task exited",
                "container app: exit code 4"
            ]
        );
    }

    #[test]
    fn where_none_died_nothing_is_said() {
        let scaled = Task::builder().started_by("ecs-svc/2").stop_code(TaskStopCode::ServiceSchedulerInitiated);
        let scaled = scaled.stopped_reason("Scaling activity initiated by (deployment ecs-svc/2)").build();
        assert_eq!(deaths(&service(), &[scaled, task("0c", "ecs-svc/1", 30, 5)]), None);
    }
}
