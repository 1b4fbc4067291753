//! Where the containers of a task definition write their logs, and what stands there.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use aws_sdk_ecs::types::{self as sdk, LogDriver};
use futures::future::{join_all, try_join_all};
use jiff::Timestamp;

use super::service_calls::describe;
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::error::{During, found};
use crate::aws::logs::exists;
use crate::aws::resource::Result;
use crate::cloud::services::{LogLine, LogsAsked};
use crate::cloud::{CloudError, ErrorKind};

/// Pages of one log that are read at once: more than a person reads.
const PAGES: usize = 20;

/// Where one container writes its log: a group, and in it a stream for each task.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Log {
    /// The container's name.
    pub(super) container: String,
    /// The log group's name.
    pub(super) group: String,
    prefix: Option<String>,
    /// Whether tasks make the group where it is not there.
    makes_group: bool,
}

impl Log {
    /// The stream of a task; none where the log driver names it as only Docker knows.
    pub(super) fn stream(&self, task: &str) -> Option<String> {
        self.prefix.as_ref().map(|prefix| format!("{prefix}/{}/{task}", self.container))
    }

    /// Its last lines, the oldest first.
    pub(super) async fn last(&self, aws: &Aws, task: &str, lines: i32) -> Result<Vec<String>> {
        let Some(stream) = self.stream(task) else { return Ok(Vec::new()) };
        let call = aws.logs().get_log_events().log_group_name(&self.group).log_stream_name(stream);
        let answer = call.limit(lines).start_from_head(false).send().await.during("logs:GetLogEvents");
        let events = found(answer)?.and_then(|answer| answer.events).unwrap_or_default();
        Ok(events.into_iter().filter_map(|event| event.message).map(|line| line.trim_end().to_owned()).collect())
    }

    /// The lines that are asked for; none where nothing was written yet.
    async fn since(&self, aws: &Aws, asked: &LogsAsked) -> Result<Vec<LogLine>> {
        let Some(prefix) = self.stream(asked.task.as_deref().unwrap_or_default()) else { return Ok(Vec::new()) };
        let mut call = aws.logs().filter_log_events().log_group_name(&self.group).log_stream_name_prefix(&prefix);
        call = call.start_time(asked.since.as_millisecond()).set_filter_pattern(asked.filter.clone());
        let mut lines = Vec::new();
        let mut pages = call.into_paginator().send();
        for _ in 0..PAGES {
            let Some(page) = pages.next().await else { break };
            let Some(page) = found(page.during("logs:FilterLogEvents"))? else { break };
            let events = page.events.unwrap_or_default().into_iter();
            let asked = events.filter(|event| event.log_stream_name().is_some_and(|name| name.starts_with(&prefix)));
            lines.extend(asked.filter_map(|event| self.line(event)));
        }
        Ok(lines)
    }

    fn line(&self, event: FilteredLogEvent) -> Option<LogLine> {
        let stream = event.log_stream_name?;
        Some(LogLine {
            time: Timestamp::from_millisecond(event.timestamp?).ok()?,
            task: stream.rsplit('/').next()?.to_owned(),
            container: self.container.clone(),
            message: event.message?.trim_end().to_owned(),
            id: event.event_id.unwrap_or_default(),
        })
    }
}

/// Lines of the logs of a service's containers, of all revisions that are deployed, by time.
pub(in crate::aws) async fn of_service(aws: &Aws, service: &Id, asked: &LogsAsked) -> Result<Vec<LogLine>> {
    let [arn, cluster] = service.parts();
    let told = describe(aws, cluster, vec![arn.to_owned()]).await?;
    let deployed = told.iter().flat_map(|service| service.deployments());
    let definitions: BTreeSet<&str> = deployed.filter_map(|deployment| deployment.task_definition()).collect();
    let logs = try_join_all(definitions.into_iter().map(|definition| of_task_definition(aws, definition))).await?;
    let logs: BTreeSet<Log> = logs.into_iter().flatten().filter(|log| log.prefix.is_some()).collect();
    if logs.is_empty() {
        let why =
            "none of its containers writes to CloudWatch Logs in this region, with a prefix that tells its tasks apart";
        return Err(CloudError::new(ErrorKind::NotFound, "logs", why));
    }
    let read = try_join_all(logs.iter().map(|log| log.since(aws, asked))).await?;
    let mut lines: Vec<LogLine> = read.into_iter().flatten().collect();
    // Lines of one time stay as their stream has them.
    lines.sort_by_key(|line| line.time);
    Ok(lines)
}

/// Where the containers of a task definition write, those that write to CloudWatch Logs in this region.
pub(super) async fn of_task_definition(aws: &Aws, arn: &str) -> Result<Vec<Log>> {
    let call = aws.ecs().describe_task_definition().task_definition(arn);
    let answer = call.send().await.during("ecs:DescribeTaskDefinition")?;
    let definition = answer.task_definition;
    let containers = definition.as_ref().map(sdk::TaskDefinition::container_definitions).unwrap_or_default();
    Ok(containers.iter().filter_map(|container| log(container, aws.region())).collect())
}

/// The log groups that tasks of a task definition can't start without, and that are not there; where they can't be asked
/// for, nothing is known to be missing.
pub(super) async fn missing_groups(aws: &Aws, arn: &str) -> Vec<String> {
    let logs = of_task_definition(aws, arn).await.unwrap_or_default();
    let groups: BTreeSet<String> = logs.into_iter().filter(|log| !log.makes_group).map(|log| log.group).collect();
    let asked = groups.into_iter().map(|group| async move {
        let missing = exists(aws, &group).await.is_ok_and(|exists| !exists);
        missing.then_some(group)
    });
    join_all(asked).await.into_iter().flatten().collect()
}

fn log(container: &sdk::ContainerDefinition, region: &str) -> Option<Log> {
    let configuration = container.log_configuration()?;
    let options: BTreeMap<&str, &str> =
        configuration.options().into_iter().flatten().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let here = options.get("awslogs-region").is_none_or(|written| *written == region);
    (*configuration.log_driver() == LogDriver::Awslogs && here).then_some(())?;
    Some(Log {
        container: container.name()?.to_owned(),
        group: (*options.get("awslogs-group")?).to_owned(),
        prefix: options.get("awslogs-stream-prefix").map(|prefix| (*prefix).to_owned()),
        makes_group: options.get("awslogs-create-group") == Some(&"true"),
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::{ContainerDefinition, LogConfiguration};

    use super::*;

    fn container(options: &[(&str, &str)]) -> ContainerDefinition {
        let logs = LogConfiguration::builder().log_driver(LogDriver::Awslogs);
        let logs = options.iter().fold(logs, |logs, (key, value)| logs.options(*key, *value));
        ContainerDefinition::builder().name("app").log_configuration(logs.build().expect("logs")).build()
    }

    #[test]
    fn a_stream_is_named_by_prefix_container_and_task() {
        let found = log(&container(&[("awslogs-group", "/api"), ("awslogs-stream-prefix", "web")]), "us-east-1");
        assert_eq!(found.and_then(|log| log.stream("0a1b")), Some("web/app/0a1b".to_owned()));
    }

    #[test]
    fn a_log_in_another_region_or_without_a_prefix_has_no_stream_here() {
        assert_eq!(log(&container(&[("awslogs-group", "/api"), ("awslogs-region", "eu-west-1")]), "us-east-1"), None);
        let found = log(&container(&[("awslogs-group", "/api")]), "us-east-1").expect("a log");
        assert_eq!(found.stream("0a1b"), None);
    }
}
