//! RunTask, StopTask, DescribeTasks and ListTasks.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::launch::as_launched;
use super::operations::{Cluster, cluster, described, page, short, strings};
use super::runtime::Launch;
use super::services::{count, definition, launch_choice};
use super::task::{Plan, Stopped, Task};
use super::{announced, refused, text};
use crate::error::AwsError;
use crate::facts::Facts;

/// How many tasks one RunTask starts at most.
const MOST: usize = 10;

pub(super) async fn run(input: &Value, facts: &Facts<'_>) -> Result<Value, AwsError> {
    let scheduler = &facts.shared.ecs;
    let cluster = cluster(input, facts).await?;
    let definition = definition(text(&input["taskDefinition"]), facts).await?;
    if definition["status"] != "ACTIVE" {
        return refused("ClientException", "TaskDefinition is inactive");
    }
    let number = count(&input["count"]).unwrap_or(1);
    if !(1..=MOST).contains(&number) {
        return refused("InvalidParameterException", "Count must be between 1 and 10.");
    }
    let (choice, value) = launch_choice(input, &cluster, facts).await?;
    let mut settings = Map::new();
    settings.insert(choice.to_owned(), value);
    settings.insert("platformVersion".to_owned(), input["platformVersion"].clone());
    let family = format!("family:{}", text(&definition["family"]));
    let group = input["group"].as_str().map_or(family, str::to_owned);
    let subnet = input["networkConfiguration"]["awsvpcConfiguration"]["subnets"][0].as_str().map(str::to_owned);
    let scale = facts.shared.clock().time_scale();
    let mut state = scheduler.state();
    let now = state.keeper.now(scale.share());
    let mut started = Vec::new();
    for _ in 0..number {
        let arn = format!("{}/{}", cluster.arn.replacen(":cluster/", ":task/", 1), scheduler.ids.task());
        let mut told = as_launched(&definition, &settings);
        told.insert("overrides".to_owned(), input["overrides"].clone());
        told.retain(|_, value| !value.is_null());
        told.insert("enableExecuteCommand".to_owned(), json!(input["enableExecuteCommand"] == true));
        let events = scheduler.runtime.launch(Launch {
            task_arn: arn.clone(),
            task_definition: (*definition).clone(),
            overrides: input["overrides"].clone(),
            cluster: cluster.name.clone(),
            group: group.clone(),
            network: input["networkConfiguration"].clone(),
            region: facts.region().to_owned(),
            time_scale: scale.clone(),
        });
        let plan = Plan {
            arn: arn.clone(),
            cluster_arn: cluster.arn.clone(),
            group: group.clone(),
            started_by: text(&input["startedBy"]).to_owned(),
            service: None,
            definition: definition.clone(),
            attachments: Vec::new(),
            grace: Duration::ZERO,
            subnet: subnet.clone(),
            told,
            tags: input["tags"].as_array().cloned().unwrap_or_default(),
        };
        let task = Task::new(plan, announced(events, &scheduler.changed), &now);
        started.push(task.told(true));
        state.tasks.insert(arn, task);
    }
    Ok(json!({"tasks": started, "failures": []}))
}

/// Returns the ARN of the task that `reference` names in `cluster`, whether or not it is there.
fn named(cluster: &Cluster, reference: &str) -> String {
    if reference.starts_with("arn:") {
        return reference.to_owned();
    }
    format!("{}/{}", cluster.arn.replacen(":cluster/", ":task/", 1), short(reference))
}

pub(super) async fn stop(input: &Value, facts: &Facts<'_>) -> Result<Value, AwsError> {
    let cluster = cluster(input, facts).await?;
    let mut state = facts.shared.ecs.state();
    let now = state.keeper.now(facts.shared.clock().scale());
    let Some(task) = state.tasks.get_mut(&named(&cluster, text(&input["task"]))) else {
        return refused("InvalidParameterException", "The referenced task was not found.");
    };
    let reason = input["reason"].as_str().unwrap_or("Task stopped by user").to_owned();
    task.stop(Stopped { code: "UserInitiated", reason }, &now);
    Ok(json!({"task": task.told(true)}))
}

pub(super) async fn describe(input: &Value, facts: &Facts<'_>) -> Result<Value, AwsError> {
    let cluster = cluster(input, facts).await?;
    let with_tags = strings(input, "include").any(|include| include == "TAGS");
    let state = facts.shared.ecs.state();
    let arn = |reference: &str| named(&cluster, reference);
    let find = |reference: &str| {
        let task = state.tasks.get(&arn(reference)).filter(|task| task.plan.cluster_arn == cluster.arn)?;
        Some(task.told(with_tags))
    };
    Ok(described(strings(input, "tasks"), "tasks", arn, find))
}

pub(super) async fn list(input: &Value, facts: &Facts<'_>) -> Result<Value, AwsError> {
    let cluster = cluster(input, facts).await?;
    let state = facts.shared.ecs.state();
    let stopped = input["desiredStatus"] == "STOPPED";
    let wanted = |task: &&Task| {
        let definition = &task.plan.definition;
        let group = input["serviceName"].as_str().map(|name| format!("service:{}", short(name)));
        task.plan.cluster_arn == cluster.arn
            && task.is_live() != stopped
            && (input["family"].is_null() || input["family"] == definition["family"])
            && group.is_none_or(|group| group == task.plan.group)
            && (input["startedBy"].is_null() || input["startedBy"] == *task.plan.started_by)
            && (input["launchType"].is_null() || task.plan.told.get("launchType") == Some(&input["launchType"]))
    };
    let arns = state.tasks.values().filter(wanted).map(|task| json!(task.plan.arn)).collect();
    Ok(page(arns, input, "taskArns"))
}
