//! Tasks on a whole local AWS, launched as the scheduler launches them.

mod containers;
mod image;
mod simulated;

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;

use super::caller::Caller;
use crate::ecs::runtime::{Launch, Stop, TaskEvent};
use crate::{LocalAws, Options};

/// A local AWS whose runtime is used directly.
struct Stage {
    local: LocalAws,
    caller: Caller,
}

impl Stage {
    async fn new(containers: bool) -> Self {
        let local = LocalAws::start(Options { time_scale: 0.0, containers, ..Options::default() }).await.unwrap();
        let caller = Caller::new(&local.control().0.upstream, &arn(0));
        Self { local, caller }
    }

    fn launch(&self, number: u32, task_definition: Value) -> Task {
        self.launch_in(number, task_definition, Value::Null)
    }

    fn launch_in(&self, number: u32, task_definition: Value, network: Value) -> Task {
        let launch = Launch {
            task_arn: arn(number),
            task_definition,
            overrides: Value::Null,
            cluster: "main".into(),
            group: "service:web".into(),
            network,
            region: "us-east-1".into(),
            time_scale: self.local.control().0.clock().time_scale(),
        };
        Task { events: self.local.control().0.ecs.runtime.launch(launch) }
    }

    fn stop(&self, number: u32) {
        self.local.control().0.ecs.runtime.stop(&arn(number));
    }

    async fn aws(&self, service: &str, target: &str, input: Value) -> Value {
        self.caller.json(service, target, &input).await.unwrap()
    }

    async fn log_group(&self, name: &str) {
        self.aws("logs", "Logs_20140328.CreateLogGroup", json!({ "logGroupName": name })).await;
    }

    async fn lines(&self, group: &str, stream: &str) -> Vec<String> {
        let input = json!({"logGroupName": group, "logStreamName": stream, "startFromHead": true});
        let answer = self.aws("logs", "Logs_20140328.GetLogEvents", input).await;
        let events = answer["events"].as_array().cloned().unwrap_or_default();
        events.iter().map(|event| event["message"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

fn arn(number: u32) -> String {
    format!("arn:aws:ecs:us-east-1:123456789012:task/main/{}", id(number))
}

fn id(number: u32) -> String {
    format!("{number:032x}")
}

fn awslogs(group: &str) -> Value {
    json!({"logDriver": "awslogs", "options": {
        "awslogs-group": group, "awslogs-region": "us-east-1", "awslogs-stream-prefix": "ecs",
    }})
}

struct Task {
    events: UnboundedReceiver<TaskEvent>,
}

impl Task {
    /// Returns the next event, in words.
    async fn next(&mut self) -> String {
        match self.event().await {
            TaskEvent::Pulled => "pulled".into(),
            TaskEvent::Started { .. } => "started".into(),
            TaskEvent::Health { container, healthy } => format!("{container} healthy: {healthy:?}"),
            TaskEvent::ContainerStopped { container, exit_code, reason } => {
                format!("{container} stopped: {exit_code:?} {}", reason.unwrap_or_default())
            }
            TaskEvent::Stopped(Stop::FailedToStart(reason)) => format!("failed: {reason}"),
            TaskEvent::Stopped(stop) => format!("{stop:?}"),
        }
    }

    async fn event(&mut self) -> TaskEvent {
        let event = tokio::time::timeout(Duration::from_secs(60), self.events.recv()).await;
        event.expect("nothing happens").expect("the task is gone without its last event")
    }

    /// Returns all events up to the last, in words.
    async fn all(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            let next = self.next().await;
            let last = next.starts_with("failed: ") || ["AsAsked", "EssentialContainerExited"].contains(&next.as_str());
            all.push(next);
            if last {
                return all;
            }
        }
    }
}
