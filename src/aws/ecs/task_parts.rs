//! The parts of `AWS::ECS::TaskDefinition` that are not of a container.

use std::collections::BTreeMap;

use aws_sdk_ecs::types as sdk;

use super::container::KeyValuePair;
use crate::aws::mirror::{Word, mirror};

mirror! {
    /// The size of a task's ephemeral storage.
    pub struct EphemeralStorage = sdk::EphemeralStorage {
        /// GiB, 21 to 200.
        #[serde(rename = "SizeInGiB")]
        #[schemars(range(min = 21, max = 200))]
        size_in_gib(set_size_in_gib): Option<i32>,
    }

    /// The operating system and processor that tasks run on.
    pub struct RuntimePlatform = sdk::RuntimePlatform {
        /// The processor. AWS's default is `X86_64`.
        #[schemars(extend("enum" = ["X86_64", "ARM64"]))]
        cpu_architecture(set_cpu_architecture): Option<Word<sdk::CpuArchitecture>>,
        /// The operating system. AWS's default is `LINUX`.
        #[schemars(extend("enum" = [
            "LINUX",
            "WINDOWS_SERVER_2004_CORE",
            "WINDOWS_SERVER_2016_FULL",
            "WINDOWS_SERVER_2019_CORE",
            "WINDOWS_SERVER_2019_FULL",
            "WINDOWS_SERVER_2022_CORE",
            "WINDOWS_SERVER_2022_FULL",
            "WINDOWS_SERVER_2025_CORE",
            "WINDOWS_SERVER_2025_FULL",
            "WINDOWS_SERVER_20H2_CORE"
        ]))]
        operating_system_family(set_operating_system_family): Option<Word<sdk::OsFamily>>,
    }

    /// Where tasks may run.
    pub struct TaskDefinitionPlacementConstraint = sdk::TaskDefinitionPlacementConstraint {
        /// An expression of the cluster query language.
        expression(set_expression): Option<String>,
        /// The kind of constraint.
        #[schemars(extend("enum" = ["memberOf"]))]
        r#type(set_type): Word<sdk::TaskDefinitionPlacementConstraintType>,
    }

    /// The App Mesh proxy.
    pub struct ProxyConfiguration = sdk::ProxyConfiguration, fallible {
        /// The container that is the proxy.
        container_name(set_container_name): String,
        /// The proxy's properties, such as `AppPorts` and `ProxyIngressPort`.
        #[serde(rename = "ProxyConfigurationProperties")]
        #[schemars(extend("uniqueItems" = true))]
        properties(set_properties): Option<Vec<KeyValuePair>>,
        /// The kind of proxy.
        #[schemars(extend("enum" = ["APPMESH"]))]
        r#type(set_type): Option<Word<sdk::ProxyConfigurationType>>,
    }

    /// A volume that containers can mount.
    pub struct Volume = sdk::Volume {
        /// Whether it is configured when a task or service is started.
        configured_at_launch(set_configured_at_launch): Option<bool>,
        /// A Docker volume; not for Fargate.
        docker_volume_configuration(set_docker_volume_configuration): Option<DockerVolumeConfiguration>,
        /// A folder of an Amazon EFS file system.
        #[serde(rename = "EFSVolumeConfiguration")]
        efs_volume_configuration(set_efs_volume_configuration): Option<EfsVolumeConfiguration>,
        /// A folder of an Amazon FSx for Windows File Server file system; not for Fargate.
        #[serde(rename = "FSxWindowsFileServerVolumeConfiguration")]
        fsx_windows_file_server_volume_configuration(set_fsx_windows_file_server_volume_configuration):
            Option<FsxWindowsFileServerVolumeConfiguration>,
        /// A folder of the host; on Fargate, an empty one.
        host(set_host): Option<HostVolumeProperties>,
        /// The volume's name.
        name(set_name): Option<String>,
        /// A folder of an S3 Files file system.
        #[serde(rename = "S3FilesVolumeConfiguration")]
        s3files_volume_configuration(set_s3files_volume_configuration): Option<S3FilesVolumeConfiguration>,
    }

    /// A folder of an Amazon FSx for Windows File Server file system.
    pub struct FsxWindowsFileServerVolumeConfiguration = sdk::FSxWindowsFileServerVolumeConfiguration, fallible {
        /// How access is granted.
        authorization_config(set_authorization_config): Option<FsxAuthorizationConfig>,
        /// The file system.
        file_system_id(set_file_system_id): String,
        /// The folder.
        root_directory(set_root_directory): String,
    }

    /// How access to an FSx file system is granted.
    pub struct FsxAuthorizationConfig = sdk::FSxWindowsFileServerAuthorizationConfig, fallible {
        /// The ARN of the secret or parameter that holds the credentials.
        credentials_parameter(set_credentials_parameter): String,
        /// The domain of the Active Directory.
        domain(set_domain): String,
    }

    /// A folder of an S3 Files file system.
    pub struct S3FilesVolumeConfiguration = sdk::S3FilesVolumeConfiguration, fallible {
        /// The access point.
        access_point_arn(set_access_point_arn): Option<String>,
        /// The file system.
        file_system_arn(set_file_system_arn): String,
        /// The folder. AWS's default is `/`.
        root_directory(set_root_directory): Option<String>,
        /// The port for encrypted data.
        transit_encryption_port(set_transit_encryption_port): Option<i32>,
    }

    /// A folder of the host.
    pub struct HostVolumeProperties = sdk::HostVolumeProperties {
        /// Its path; an empty folder of the task's own where it is not given.
        source_path(set_source_path): Option<String>,
    }

    /// A Docker volume.
    pub struct DockerVolumeConfiguration = sdk::DockerVolumeConfiguration {
        /// Whether it is made where it does not exist; shared volumes only.
        autoprovision(set_autoprovision): Option<bool>,
        /// The driver.
        driver(set_driver): Option<String>,
        /// The driver's options.
        driver_opts(set_driver_opts): Option<BTreeMap<String, String>>,
        /// Labels.
        labels(set_labels): Option<BTreeMap<String, String>>,
        /// Whether it lives as long as the task or longer. AWS's default is `task`.
        #[schemars(extend("enum" = ["task", "shared"]))]
        scope(set_scope): Option<Word<sdk::Scope>>,
    }

    /// A folder of an Amazon EFS file system.
    pub struct EfsVolumeConfiguration = sdk::EfsVolumeConfiguration, fallible {
        /// How access is granted.
        authorization_config(set_authorization_config): Option<AuthorizationConfig>,
        /// The file system.
        #[serde(rename = "FilesystemId")]
        file_system_id(set_file_system_id): String,
        /// The folder. AWS's default is `/`.
        root_directory(set_root_directory): Option<String>,
        /// Whether it is encrypted on its way. AWS's default is `DISABLED`.
        #[schemars(extend("enum" = ["ENABLED", "DISABLED"]))]
        transit_encryption(set_transit_encryption): Option<Word<sdk::EfsTransitEncryption>>,
        /// The port for encrypted data.
        transit_encryption_port(set_transit_encryption_port): Option<i32>,
    }

    /// How access to a file system is granted.
    pub struct AuthorizationConfig = sdk::EfsAuthorizationConfig {
        /// The access point.
        access_point_id(set_access_point_id): Option<String>,
        /// Whether the task role is used. AWS's default is `DISABLED`.
        #[serde(rename = "IAM")]
        #[schemars(extend("enum" = ["ENABLED", "DISABLED"]))]
        iam(set_iam): Option<Word<sdk::EfsAuthorizationConfigIam>>,
    }
}
