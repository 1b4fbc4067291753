//! A container of `AWS::ECS::TaskDefinition`, to and from the SDK's types.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::types as sdk;

use super::container_parts::{
    ContainerDependency, EnvironmentFile, FirelensConfiguration, HealthCheck, HostEntry, LinuxParameters,
    LogConfiguration, MountPoint, PortMapping, RepositoryCredentials, ResourceRequirement, RestartPolicy, Secret,
    SystemControl, Ulimit, VolumeFrom,
};
use crate::aws::mirror::{Word, mirror};

mirror! {
    /// A name and its value.
    pub struct KeyValuePair = sdk::KeyValuePair {
        /// The name.
        name(set_name): Option<String>,
        /// The value.
        value(set_value): Option<String>,
    }

    /// A container.
    pub struct ContainerDefinition = sdk::ContainerDefinition {
        /// The command, in place of the image's.
        command(set_command): Option<Vec<String>>,
        /// CPU units that are kept for it, of the task's.
        cpu(set_cpu): Option<i32>,
        /// Credential specifications, for Active Directory.
        credential_specs(set_credential_specs): Option<BTreeSet<String>>,
        /// Containers that it waits for.
        #[schemars(extend("uniqueItems" = true))]
        depends_on(set_depends_on): Option<Vec<ContainerDependency>>,
        /// Whether it has no network.
        disable_networking(set_disable_networking): Option<bool>,
        /// DNS search domains; not for `awsvpc`.
        dns_search_domains(set_dns_search_domains): Option<BTreeSet<String>>,
        /// DNS servers; not for `awsvpc`.
        dns_servers(set_dns_servers): Option<BTreeSet<String>>,
        /// Docker labels.
        docker_labels(set_docker_labels): Option<BTreeMap<String, String>>,
        /// SELinux and AppArmor labels; not for Fargate.
        docker_security_options(set_docker_security_options): Option<BTreeSet<String>>,
        /// The entry point, in place of the image's.
        entry_point(set_entry_point): Option<Vec<String>>,
        /// Environment variables. They are stored in clear: for secrets, use `Secrets`.
        #[schemars(extend("uniqueItems" = true))]
        environment(set_environment): Option<Vec<KeyValuePair>>,
        /// Files of environment variables.
        environment_files(set_environment_files): Option<Vec<EnvironmentFile>>,
        /// Whether the task stops when it does. AWS's default is true.
        essential(set_essential): Option<bool>,
        /// Entries of `/etc/hosts`; not for `awsvpc`.
        #[schemars(extend("uniqueItems" = true))]
        extra_hosts(set_extra_hosts): Option<Vec<HostEntry>>,
        /// That it routes the logs of the others.
        firelens_configuration(set_firelens_configuration): Option<FirelensConfiguration>,
        /// How it is told whether the container is healthy.
        health_check(set_health_check): Option<HealthCheck>,
        /// Its host name; not for `awsvpc`.
        hostname(set_hostname): Option<String>,
        /// The image, with its tag or digest.
        image(set_image): String,
        /// Whether its standard input stays open.
        interactive(set_interactive): Option<bool>,
        /// Links to other containers; `bridge` only.
        links(set_links): Option<BTreeSet<String>>,
        /// What it may do with the kernel.
        linux_parameters(set_linux_parameters): Option<LinuxParameters>,
        /// Where its output goes.
        log_configuration(set_log_configuration): Option<LogConfiguration>,
        /// MiB of memory that it may use at most.
        memory(set_memory): Option<i32>,
        /// MiB of memory that are kept for it.
        memory_reservation(set_memory_reservation): Option<i32>,
        /// Volumes, and where it sees them.
        #[schemars(extend("uniqueItems" = true))]
        mount_points(set_mount_points): Option<Vec<MountPoint>>,
        /// Its name.
        name(set_name): String,
        /// Ports that it listens on.
        #[schemars(extend("uniqueItems" = true))]
        port_mappings(set_port_mappings): Option<Vec<PortMapping>>,
        /// Whether it has the host's rights; not for Fargate.
        privileged(set_privileged): Option<bool>,
        /// Whether it has a terminal.
        pseudo_terminal(set_pseudo_terminal): Option<bool>,
        /// Whether its root file system is read-only.
        readonly_root_filesystem(set_readonly_root_filesystem): Option<bool>,
        /// Credentials of a private registry.
        repository_credentials(set_repository_credentials): Option<RepositoryCredentials>,
        /// GPUs and the like.
        #[schemars(extend("uniqueItems" = true))]
        resource_requirements(set_resource_requirements): Option<Vec<ResourceRequirement>>,
        /// Whether it is started again when it stops.
        restart_policy(set_restart_policy): Option<RestartPolicy>,
        /// Secrets that become environment variables.
        #[schemars(extend("uniqueItems" = true))]
        secrets(set_secrets): Option<Vec<Secret>>,
        /// Seconds that what it waits for may take.
        start_timeout(set_start_timeout): Option<i32>,
        /// Seconds that it has to stop by itself. AWS's default is 30.
        stop_timeout(set_stop_timeout): Option<i32>,
        /// Kernel parameters of its namespace.
        #[schemars(extend("uniqueItems" = true))]
        system_controls(set_system_controls): Option<Vec<SystemControl>>,
        /// Limits.
        #[schemars(extend("uniqueItems" = true))]
        ulimits(set_ulimits): Option<Vec<Ulimit>>,
        /// The user that it runs as.
        user(set_user): Option<String>,
        /// Whether the tag of its image is resolved to a digest once for all tasks. AWS's default is `enabled`.
        #[schemars(extend("enum" = ["enabled", "disabled"]))]
        version_consistency(set_version_consistency): Option<Word<sdk::VersionConsistency>>,
        /// Containers whose volumes it sees.
        #[schemars(extend("uniqueItems" = true))]
        volumes_from(set_volumes_from): Option<Vec<VolumeFrom>>,
        /// The folder that it starts in.
        working_directory(set_working_directory): Option<String>,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::aws::mirror::Mirror;

    #[test]
    fn a_container_comes_back_from_the_sdk_as_it_went() {
        let container = json!({
            "Command": ["sleep", "1"],
            "DependsOn": [{ "Condition": "HEALTHY", "ContainerName": "db" }],
            "Environment": [{ "Name": "A", "Value": "1" }],
            "HealthCheck": { "Command": ["CMD", "true"], "Retries": 3 },
            "Image": "app:1",
            "LogConfiguration": { "LogDriver": "awslogs", "Options": { "awslogs-group": "g" } },
            "Name": "app",
            "PortMappings": [{ "AppProtocol": "grpc", "ContainerPort": 80, "Protocol": "tcp" }],
            "RestartPolicy": { "Enabled": true, "IgnoredExitCodes": [0] },
            "Secrets": [{ "Name": "B", "ValueFrom": "arn" }],
            "Ulimits": [{ "HardLimit": 2, "Name": "nofile", "SoftLimit": 1 }],
        });
        let parsed: ContainerDefinition = serde_json::from_value(container.clone()).expect("a container");
        let sdk = parsed.sdk().expect("all that the SDK requires").expect("a container");
        assert_eq!(sdk.cpu(), 0);
        let mut told = serde_json::to_value(ContainerDefinition::of(Some(sdk))).expect("json");
        told.as_object_mut().expect("an object").remove("Cpu");
        assert_eq!(told, container);
    }
}
