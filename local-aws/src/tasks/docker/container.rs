//! What the engine is told of a container of a task.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use bollard::models::{
    ContainerCreateBody, EndpointIpamConfig, EndpointSettings, HealthConfig, HostConfig, HostConfigLogConfig, Mount,
    MountType, MountVolumeOptions, NetworkingConfig, ResourcesUlimits,
};

use super::engine::Engine;
use super::leftovers;
use crate::ecs::runtime::Launch;
use crate::tasks::caller::Caller;
use crate::tasks::definition::{Container, Definition, HealthCheck};

/// What the labels begin with by which ECS's own agent says whose a container is.
const AGENT_LABELS: &str = "com.amazonaws.ecs";
/// Docker refuses less.
const LEAST_MEMORY: i64 = 6 << 20;
const NANOSECONDS: i64 = 1_000_000_000;

/// How a container is on the network.
#[derive(Debug, Clone)]
pub(super) enum Attachment {
    /// It has the address of the task.
    Address(Ipv4Addr),
    /// It shares the interface of another container.
    With(String),
}

/// Everything that decides how a container is made.
pub(super) struct Plan<'a> {
    pub(super) engine: &'a Engine,
    pub(super) caller: &'a Caller,
    pub(super) definition: &'a Definition,
    pub(super) container: &'a Container,
    /// The name of the image on the engine.
    pub(super) image: &'a str,
    pub(super) secrets: &'a [(String, String)],
    pub(super) launch: &'a Launch,
    pub(super) attachment: Attachment,
}

impl Plan<'_> {
    /// Returns what the engine is told.
    pub(super) fn body(&self) -> ContainerCreateBody {
        let container = self.container;
        ContainerCreateBody {
            image: Some(self.image.into()),
            env: Some(self.environment()),
            cmd: container.command.clone(),
            entrypoint: container.entry_point.clone(),
            user: container.user.clone(),
            working_dir: container.working_directory.clone(),
            // As on ECS, a health check of the image does not count.
            healthcheck: Some(container.health_check.as_ref().map_or_else(unchecked, checked)),
            labels: Some(self.labels()),
            networking_config: self.networking(),
            host_config: Some(self.host()),
            ..ContainerCreateBody::default()
        }
    }

    fn labels(&self) -> HashMap<String, String> {
        let Launch { cluster, group, task_arn, .. } = self.launch;
        let own = [
            ("cluster", cluster),
            ("container-name", &self.container.name),
            ("task-arn", task_arn),
            ("task-definition-family", &self.definition.family),
            ("task-group", group),
        ];
        let own = own.map(|(name, value)| (format!("{AGENT_LABELS}.{name}"), value.clone()));
        let given = self.container.docker_labels.clone();
        given.into_iter().chain(own).chain(leftovers::labels(&self.engine.name)).collect()
    }

    fn environment(&self) -> Vec<String> {
        let endpoint = format!("http://{}", self.engine.endpoint);
        let key = self.caller.access_key();
        let own = [
            ("AWS_ENDPOINT_URL", endpoint.as_str()),
            ("AWS_REGION", &self.launch.region),
            ("AWS_DEFAULT_REGION", &self.launch.region),
            ("AWS_ACCESS_KEY_ID", key),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_EXECUTION_ENV", "AWS_ECS_FARGATE"),
        ];
        let own = own.map(|(name, value)| (name, value.to_owned()));
        let given = self.container.environment.iter();
        let given = given.map(|variable| (variable.name.as_str(), self.engine.reachable(&variable.value)));
        let secret = self.secrets.iter().map(|(name, value)| (name.as_str(), self.engine.reachable(value)));
        let mut variables: Vec<(&str, String)> = Vec::new();
        for (name, value) in own.into_iter().chain(given).chain(secret) {
            variables.retain(|(known, _)| *known != name);
            variables.push((name, value));
        }
        variables.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
    }

    fn networking(&self) -> Option<NetworkingConfig> {
        let Attachment::Address(address) = self.attachment else { return None };
        let ipam = EndpointIpamConfig { ipv4_address: Some(address.to_string()), ..EndpointIpamConfig::default() };
        let settings = EndpointSettings { ipam_config: Some(ipam), ..EndpointSettings::default() };
        Some(NetworkingConfig { endpoints_config: Some(HashMap::from([(self.engine.name.clone(), settings)])) })
    }

    fn host(&self) -> HostConfig {
        let container = self.container;
        let whole = |text: &Option<String>| text.as_deref().and_then(|text| text.trim().parse::<i64>().ok());
        let memory = container.memory.or_else(|| whole(&self.definition.memory)).map(mebibytes);
        let cpu = whole(&self.definition.cpu).filter(|units| *units > 0);
        let nano_cpus = cpu.map(|units| (units * NANOSECONDS / 1024).min(self.engine.processors * NANOSECONDS));
        let capabilities = &container.linux_parameters.capabilities;
        let ulimits = container.ulimits.iter().map(|limit| ResourcesUlimits {
            name: Some(limit.name.clone()),
            soft: Some(limit.soft_limit),
            hard: Some(limit.hard_limit),
        });
        HostConfig {
            network_mode: Some(match &self.attachment {
                Attachment::Address(_) => self.engine.name.clone(),
                Attachment::With(other) => format!("container:{other}"),
            }),
            memory,
            // No swap: what is beyond the limit is killed, as on AWS.
            memory_swap: memory,
            memory_reservation: container.memory_reservation.map(mebibytes),
            nano_cpus,
            cpu_shares: (container.cpu > 1).then_some(container.cpu),
            readonly_rootfs: Some(container.readonly_root_filesystem),
            init: container.linux_parameters.init_process_enabled,
            cap_add: capabilities.add.clone(),
            cap_drop: capabilities.drop.clone(),
            ulimits: Some(ulimits.collect()),
            mounts: Some(self.mounts()),
            // The one that the engine can always read again; the file is gone with the container.
            log_config: Some(HostConfigLogConfig { typ: Some("json-file".into()), config: None }),
            ..HostConfig::default()
        }
    }

    fn mounts(&self) -> Vec<Mount> {
        let mount_points = self.container.mount_points.iter();
        let mounts = mount_points.map(|point| Mount {
            target: Some(point.container_path.clone()),
            source: Some(volume_name(self.engine, &self.launch.task_arn, &point.source_volume)),
            typ: Some(MountType::VOLUME),
            read_only: Some(point.read_only),
            volume_options: Some(MountVolumeOptions { labels: Some(self.labels()), ..MountVolumeOptions::default() }),
            ..Mount::default()
        });
        mounts.collect()
    }
}

impl Engine {
    /// Returns `text` with the address that this endpoint has for containers in the place of the one on loopback.
    fn reachable(&self, text: &str) -> String {
        let port = self.port;
        let inside = self.endpoint.to_string();
        text.replace(&format!("127.0.0.1:{port}"), &inside).replace(&format!("localhost:{port}"), &inside)
    }
}

/// The name of a container of a task on the engine.
pub(super) fn container_name(engine: &Engine, task_arn: &str, container: &str) -> String {
    format!("{}-{}-{container}", engine.name, task_id(task_arn))
}

/// The name of a volume of a task on the engine.
pub(super) fn volume_name(engine: &Engine, task_arn: &str, volume: &str) -> String {
    format!("{}-{}-volume-{volume}", engine.name, task_id(task_arn))
}

/// The id of a task: the last part of its ARN.
pub(super) fn task_id(task_arn: &str) -> &str {
    task_arn.rsplit('/').next().unwrap_or(task_arn)
}

fn mebibytes(count: i64) -> i64 {
    count.saturating_mul(1 << 20).max(LEAST_MEMORY)
}

fn unchecked() -> HealthConfig {
    HealthConfig { test: Some(vec!["NONE".into()]), ..HealthConfig::default() }
}

fn checked(check: &HealthCheck) -> HealthConfig {
    let nanoseconds = |seconds: u32| Some(i64::from(seconds) * NANOSECONDS);
    HealthConfig {
        test: Some(check.command.clone()),
        interval: nanoseconds(check.interval),
        timeout: nanoseconds(check.timeout),
        retries: Some(check.retries.into()),
        start_period: nanoseconds(check.start_period),
        start_interval: None,
    }
}
