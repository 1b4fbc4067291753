//! The parts that a container of `AWS::ECS::TaskDefinition` is made of, to and from the SDK's types.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::types as sdk;
use aws_smithy_types::error::operation::BuildError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::mirror::{Mirror, Word, mirror};

mirror! {
    /// A container that another waits for.
    pub struct ContainerDependency = sdk::ContainerDependency, fallible {
        /// What is waited for.
        #[schemars(extend("enum" = ["START", "COMPLETE", "SUCCESS", "HEALTHY"]))]
        condition(set_condition): Word<sdk::ContainerCondition>,
        /// The container.
        container_name(set_container_name): String,
    }

    /// A file of environment variables.
    pub struct EnvironmentFile = sdk::EnvironmentFile, fallible {
        /// Where it is kept.
        #[schemars(extend("enum" = ["s3"]))]
        r#type(set_type): Word<sdk::EnvironmentFileType>,
        /// Its ARN.
        value(set_value): String,
    }

    /// An entry of `/etc/hosts`.
    pub struct HostEntry = sdk::HostEntry, fallible {
        /// The host name.
        hostname(set_hostname): String,
        /// The address.
        ip_address(set_ip_address): String,
    }

    /// That a container routes the logs of the others.
    pub struct FirelensConfiguration = sdk::FirelensConfiguration, fallible {
        /// Options of the router.
        options(set_options): Option<BTreeMap<String, String>>,
        /// The router.
        #[schemars(extend("enum" = ["fluentd", "fluentbit"]))]
        r#type(set_type): Word<sdk::FirelensConfigurationType>,
    }

    /// How it is told whether a container is healthy.
    pub struct HealthCheck = sdk::HealthCheck, fallible {
        /// The command: `["CMD-SHELL", "curl -f http://localhost/ || exit 1"]`.
        command(set_command): Vec<String>,
        /// Seconds between two checks. AWS's default is 30.
        #[schemars(range(min = 5, max = 300))]
        interval(set_interval): Option<i32>,
        /// Failed checks after which it is unhealthy. AWS's default is 3.
        #[schemars(range(min = 1, max = 10))]
        retries(set_retries): Option<i32>,
        /// Seconds after its start for which failures do not count.
        #[schemars(range(min = 0, max = 300))]
        start_period(set_start_period): Option<i32>,
        /// Seconds that a check may take. AWS's default is 5.
        #[schemars(range(min = 2, max = 60))]
        timeout(set_timeout): Option<i32>,
    }

    /// What a container may do with the kernel.
    pub struct LinuxParameters = sdk::LinuxParameters {
        /// Capabilities beside or less than Docker's.
        capabilities(set_capabilities): Option<KernelCapabilities>,
        /// Devices of the host; not for Fargate.
        #[schemars(extend("uniqueItems" = true))]
        devices(set_devices): Option<Vec<Device>>,
        /// Whether an init process forwards signals and reaps processes.
        init_process_enabled(set_init_process_enabled): Option<bool>,
        /// MiB of swap; not for Fargate.
        max_swap(set_max_swap): Option<i32>,
        /// MiB of `/dev/shm`; not for Fargate.
        shared_memory_size(set_shared_memory_size): Option<i32>,
        /// How readily it swaps, 0 to 100; not for Fargate.
        swappiness(set_swappiness): Option<i32>,
        /// Mounts in memory; not for Fargate.
        #[schemars(extend("uniqueItems" = true))]
        tmpfs(set_tmpfs): Option<Vec<Tmpfs>>,
    }

    /// Capabilities.
    pub struct KernelCapabilities = sdk::KernelCapabilities {
        /// Those that it has beside Docker's.
        add(set_add): Option<BTreeSet<String>>,
        /// Those of Docker's that it has not.
        drop(set_drop): Option<BTreeSet<String>>,
    }

    /// A device of the host.
    pub struct Device = sdk::Device, fallible {
        /// Where the container sees it.
        container_path(set_container_path): Option<String>,
        /// Where it is on the host.
        host_path(set_host_path): String,
        /// What the container may do with it.
        #[schemars(extend("items" = {"type": "string", "enum": ["read", "write", "mknod"]}, "uniqueItems" = true))]
        permissions(set_permissions): Option<Vec<Word<sdk::DeviceCgroupPermission>>>,
    }

    /// A mount in memory.
    pub struct Tmpfs = sdk::Tmpfs, fallible {
        /// Where the container sees it.
        container_path(set_container_path): String,
        /// Options of the mount.
        mount_options(set_mount_options): Option<BTreeSet<String>>,
        /// Its size in MiB.
        size(set_size): i32,
    }

    /// Where a container's output goes.
    pub struct LogConfiguration = sdk::LogConfiguration, fallible {
        /// The driver; on Fargate `awslogs`, `splunk` or `awsfirelens`.
        log_driver(set_log_driver): Word<sdk::LogDriver>,
        /// The driver's options, such as `awslogs-group`.
        options(set_options): Option<BTreeMap<String, String>>,
        /// Secrets that become options.
        #[schemars(extend("uniqueItems" = true))]
        secret_options(set_secret_options): Option<Vec<Secret>>,
    }

    /// A volume, and where a container sees it.
    pub struct MountPoint = sdk::MountPoint {
        /// Where the container sees it.
        container_path(set_container_path): Option<String>,
        /// Whether it can only read it.
        read_only(set_read_only): Option<bool>,
        /// The volume's name.
        source_volume(set_source_volume): Option<String>,
    }

    /// A port that a container listens on.
    pub struct PortMapping = sdk::PortMapping {
        /// What is spoken on it, for Service Connect.
        #[schemars(extend("enum" = ["http", "http2", "grpc"]))]
        app_protocol(set_app_protocol): Option<Word<sdk::ApplicationProtocol>>,
        /// The port.
        container_port(set_container_port): Option<i32>,
        /// A range of ports, in place of one.
        container_port_range(set_container_port_range): Option<String>,
        /// The host's port; with `awsvpc`, the same.
        host_port(set_host_port): Option<i32>,
        /// Its name, for Service Connect.
        name(set_name): Option<String>,
        /// The protocol. AWS's default is `tcp`.
        #[schemars(extend("enum" = ["tcp", "udp"]))]
        protocol(set_protocol): Option<Word<sdk::TransportProtocol>>,
    }

    /// Credentials of a private registry.
    pub struct RepositoryCredentials = sdk::RepositoryCredentials, fallible {
        /// The ARN of the secret that holds them.
        credentials_parameter(set_credentials_parameter): String,
    }

    /// GPUs and the like.
    pub struct ResourceRequirement = sdk::ResourceRequirement, fallible {
        /// How a GPU is shared with other containers.
        sharing_strategy(set_sharing_strategy): Option<SharingStrategy>,
        /// What is needed.
        #[schemars(extend("enum" = ["GPU", "InferenceAccelerator", "NeuronDevice"]))]
        r#type(set_type): Word<sdk::ResourceType>,
        /// How many, or which.
        value(set_value): String,
    }

    /// What of a GPU a container gets, by NVIDIA's Multi-Process Service.
    pub struct NvidiaMpsAllocation = sdk::NvidiaMpsAllocation, fallible {
        /// Percent of its computing power at most.
        #[schemars(range(min = 1, max = 100))]
        max_compute_percent(set_max_compute_percent): Option<i32>,
        /// MiB of its memory.
        #[schemars(range(min = 1))]
        memory(set_memory): i32,
    }

    /// Whether a container is started again when it stops.
    pub struct RestartPolicy = sdk::ContainerRestartPolicy, fallible {
        /// Whether it is.
        enabled(set_enabled): bool,
        /// Exit codes after which it is not.
        #[schemars(extend("uniqueItems" = true))]
        ignored_exit_codes(set_ignored_exit_codes): Option<Vec<i32>>,
        /// Seconds that it must have run to be started again. AWS's default is 300.
        #[schemars(range(min = 60, max = 1800))]
        restart_attempt_period(set_restart_attempt_period): Option<i32>,
    }

    /// A secret that becomes an environment variable or an option.
    pub struct Secret = sdk::Secret, fallible {
        /// The variable's or option's name.
        name(set_name): String,
        /// The ARN of a Secrets Manager secret or SSM parameter.
        value_from(set_value_from): String,
    }

    /// A kernel parameter.
    pub struct SystemControl = sdk::SystemControl {
        /// Its name.
        namespace(set_namespace): Option<String>,
        /// Its value.
        value(set_value): Option<String>,
    }

    /// A limit.
    pub struct Ulimit = sdk::Ulimit, fallible {
        /// The most that the container can raise it to.
        hard_limit(set_hard_limit): i32,
        /// What is limited.
        #[schemars(extend("enum" = [
            "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio",
            "rttime", "sigpending", "stack"
        ]))]
        name(set_name): Word<sdk::UlimitName>,
        /// The limit.
        soft_limit(set_soft_limit): i32,
    }

    /// A container whose volumes another sees.
    pub struct VolumeFrom = sdk::VolumeFrom {
        /// Whether it can only read them.
        read_only(set_read_only): Option<bool>,
        /// The container.
        source_container(set_source_container): Option<String>,
    }
}

/// How a GPU is shared with other containers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SharingStrategy {
    /// By NVIDIA's Multi-Process Service.
    pub nvidia_mps: NvidiaMpsAllocation,
}

/// The SDK has a union for it.
impl Mirror for SharingStrategy {
    type Sdk = sdk::SharingStrategy;

    fn sdk(&self) -> Result<Option<Self::Sdk>, BuildError> {
        Ok(self.nvidia_mps.sdk()?.map(Self::Sdk::NvidiaMps))
    }

    fn of(sdk: Option<Self::Sdk>) -> Self {
        Self { nvidia_mps: Mirror::of(sdk.and_then(|sdk| sdk.as_nvidia_mps().ok().cloned())) }
    }
}
