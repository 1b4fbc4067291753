//! A task definition as far as it decides how the task runs, with what RunTask overrides.

use std::collections::HashMap;

use serde::{Deserialize, Deserializer};

use crate::ecs::runtime::Launch;

/// A task to run.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Definition {
    pub(super) container_definitions: Vec<Container>,
    #[serde(default)]
    pub(super) family: String,
    /// CPU units: 1,024 are one processor.
    #[serde(default)]
    pub(super) cpu: Option<String>,
    /// MiB.
    #[serde(default)]
    pub(super) memory: Option<String>,
}

/// One container of a task.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Container {
    pub(super) name: String,
    pub(super) image: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) cpu: i64,
    pub(super) memory: Option<i64>,
    pub(super) memory_reservation: Option<i64>,
    pub(super) essential: Option<bool>,
    pub(super) entry_point: Option<Vec<String>>,
    pub(super) command: Option<Vec<String>>,
    #[serde(deserialize_with = "or_default")]
    pub(super) environment: Vec<Variable>,
    #[serde(deserialize_with = "or_default")]
    pub(super) secrets: Vec<Secret>,
    #[serde(deserialize_with = "or_default")]
    pub(super) depends_on: Vec<Dependency>,
    /// Seconds until what depends on this container gives up.
    pub(super) start_timeout: Option<u64>,
    /// Seconds from SIGTERM to SIGKILL.
    pub(super) stop_timeout: Option<u64>,
    pub(super) user: Option<String>,
    pub(super) working_directory: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) readonly_root_filesystem: bool,
    pub(super) health_check: Option<HealthCheck>,
    pub(super) log_configuration: Option<LogConfiguration>,
    #[serde(deserialize_with = "or_default")]
    pub(super) mount_points: Vec<MountPoint>,
    #[serde(deserialize_with = "or_default")]
    pub(super) linux_parameters: LinuxParameters,
    #[serde(deserialize_with = "or_default")]
    pub(super) ulimits: Vec<Ulimit>,
    #[serde(deserialize_with = "or_default")]
    pub(super) docker_labels: HashMap<String, String>,
}

impl Container {
    /// Says whether the task ends with this container.
    pub(super) fn is_essential(&self) -> bool {
        self.essential.unwrap_or(true)
    }

    /// Returns the awslogs options, where that is where its output goes.
    pub(super) fn awslogs(&self) -> Option<&HashMap<String, String>> {
        let configuration = self.log_configuration.as_ref()?;
        (configuration.log_driver == "awslogs").then_some(&configuration.options)
    }
}

/// An environment variable.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Variable {
    pub(super) name: String,
    #[serde(default)]
    pub(super) value: String,
}

/// An environment variable that is fetched when the task starts.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Secret {
    pub(super) name: String,
    pub(super) value_from: String,
}

/// What must be so of another container before this one starts.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Dependency {
    pub(super) container_name: String,
    pub(super) condition: Condition,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Condition {
    /// It has been started.
    Start,
    /// It has ended, however.
    Complete,
    /// It has ended with exit code 0.
    Success,
    /// Its health check has succeeded.
    Healthy,
}

/// A container's own health check; the defaults are ECS's.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HealthCheck {
    pub(super) command: Vec<String>,
    #[serde(default = "HealthCheck::interval")]
    pub(super) interval: u32,
    #[serde(default = "HealthCheck::timeout")]
    pub(super) timeout: u32,
    #[serde(default = "HealthCheck::retries")]
    pub(super) retries: u32,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) start_period: u32,
}

impl HealthCheck {
    const fn interval() -> u32 {
        30
    }

    const fn timeout() -> u32 {
        5
    }

    const fn retries() -> u32 {
        3
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogConfiguration {
    pub(super) log_driver: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) options: HashMap<String, String>,
}

/// Where a volume of the task is seen.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MountPoint {
    pub(super) source_volume: String,
    pub(super) container_path: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) read_only: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct LinuxParameters {
    pub(super) init_process_enabled: Option<bool>,
    #[serde(deserialize_with = "or_default")]
    pub(super) capabilities: Capabilities,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Capabilities {
    pub(super) add: Option<Vec<String>>,
    pub(super) drop: Option<Vec<String>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ulimit {
    pub(super) name: String,
    pub(super) soft_limit: i64,
    pub(super) hard_limit: i64,
}

/// What RunTask changes of a task definition.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Overrides {
    #[serde(deserialize_with = "or_default")]
    container_overrides: Vec<ContainerOverride>,
    cpu: Option<String>,
    memory: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ContainerOverride {
    name: String,
    command: Option<Vec<String>>,
    #[serde(deserialize_with = "or_default")]
    environment: Vec<Variable>,
    cpu: Option<i64>,
    memory: Option<i64>,
    memory_reservation: Option<i64>,
}

impl Definition {
    /// Reads what is to be launched.
    pub(super) fn read(launch: &Launch) -> Result<Self, serde_json::Error> {
        let mut definition = Self::deserialize(&launch.task_definition)?;
        let overrides = Option::<Overrides>::deserialize(&launch.overrides)?.unwrap_or_default();
        definition.cpu = overrides.cpu.or(definition.cpu);
        definition.memory = overrides.memory.or(definition.memory);
        for change in overrides.container_overrides {
            let named = definition.container_definitions.iter_mut().find(|container| container.name == change.name);
            let Some(container) = named else { continue };
            container.command = change.command.or(container.command.take());
            container.cpu = change.cpu.unwrap_or(container.cpu);
            container.memory = change.memory.or(container.memory);
            container.memory_reservation = change.memory_reservation.or(container.memory_reservation);
            let overridden = |name: &str| change.environment.iter().any(|variable| variable.name == name);
            container.environment.retain(|variable| !overridden(&variable.name));
            container.environment.extend(change.environment);
        }
        Ok(definition)
    }
}

/// What is null counts as left out.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    pub(in crate::tasks) fn launch(task_definition: Value, overrides: Value) -> Launch {
        Launch {
            task_arn: "arn:aws:ecs:us-east-1:123456789012:task/main/0123456789abcdef0123456789abcdef".into(),
            task_definition,
            overrides,
            cluster: "main".into(),
            group: "service:web".into(),
            network: Value::Null,
            region: "us-east-1".into(),
            time_scale: crate::clock::TimeScale::fixed(0.0),
        }
    }

    #[test]
    fn what_is_left_out_or_null_has_ecs_defaults() {
        let container = json!({
            "name": "web", "image": "web:1", "environment": null, "healthCheck": {"command": ["CMD", "/check"]},
        });
        let definition = Definition::read(&launch(json!({"containerDefinitions": [container]}), Value::Null)).unwrap();
        let container = &definition.container_definitions[0];
        assert!(container.is_essential());
        assert!(container.environment.is_empty());
        let check = container.health_check.as_ref().unwrap();
        assert_eq!((check.interval, check.timeout, check.retries, check.start_period), (30, 5, 3, 0));
    }

    #[test]
    fn overrides_replace_the_command_and_single_variables() {
        let container = json!({
            "name": "web", "image": "web:1", "command": ["serve"],
            "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
        });
        let change = json!({"name": "web", "command": ["migrate"], "environment": [{"name": "B", "value": "3"}]});
        let overrides = json!({"containerOverrides": [change, {"name": "other", "command": ["x"]}], "memory": "512"});
        let task_definition = json!({"containerDefinitions": [container], "memory": "256"});
        let definition = Definition::read(&launch(task_definition, overrides)).unwrap();
        let container = &definition.container_definitions[0];
        assert_eq!(container.command.as_deref(), Some(&["migrate".to_owned()][..]));
        let variables: Vec<_> =
            container.environment.iter().map(|one| (one.name.as_str(), one.value.as_str())).collect();
        assert_eq!(variables, [("A", "1"), ("B", "3")]);
        assert_eq!(definition.memory.as_deref(), Some("512"));
    }
}
