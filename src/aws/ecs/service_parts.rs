//! The parts that properties of `AWS::ECS::Service` are made of, but for deployments, Service Connect and gateways.

use std::collections::BTreeSet;

use aws_sdk_ecs::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::mirror::{Word, mirror};

mirror! {
    /// A share of a service's tasks that a capacity provider gets.
    pub struct CapacityProviderStrategyItem = sdk::CapacityProviderStrategyItem, fallible {
        /// Tasks that at least run on it. AWS's default is 0.
        #[schemars(range(min = 0, max = 100_000))]
        base(set_base): Option<i32>,
        /// The capacity provider: `FARGATE`, `FARGATE_SPOT` or one of the cluster's own.
        capacity_provider(set_capacity_provider): String,
        /// Its share of the tasks beyond the base. AWS's default is 0.
        #[schemars(range(min = 0, max = 1000))]
        weight(set_weight): Option<i32>,
    }

    /// A target group that a service's tasks are registered with.
    pub struct LoadBalancer = sdk::LoadBalancer {
        /// What else a deployment needs that moves traffic from one target group to another.
        advanced_configuration(set_advanced_configuration): Option<AdvancedConfiguration>,
        /// The container that traffic goes to.
        container_name(set_container_name): Option<String>,
        /// The container's port.
        container_port(set_container_port): Option<i32>,
        /// A Classic Load Balancer, in place of a target group.
        load_balancer_name(set_load_balancer_name): Option<String>,
        /// The target group. A listener must use it before the service is made.
        target_group_arn(set_target_group_arn): Option<String>,
    }

    /// What a deployment needs that moves traffic from one target group to another.
    pub struct AdvancedConfiguration = sdk::AdvancedConfiguration {
        /// The other target group.
        alternate_target_group_arn(set_alternate_target_group_arn): String,
        /// The listener rule, or the listener of a Network Load Balancer, that the users' traffic comes by.
        production_listener_rule(set_production_listener_rule): Option<String>,
        /// The role with which ECS changes listeners and target groups.
        role_arn(set_role_arn): Option<String>,
        /// The listener rule, or the listener, that test traffic comes by.
        test_listener_rule(set_test_listener_rule): Option<String>,
    }

    /// Where a service's tasks are in the network.
    pub struct NetworkConfiguration = sdk::NetworkConfiguration {
        /// Their place in a VPC; required for Fargate.
        awsvpc_configuration(set_awsvpc_configuration): Option<AwsVpcConfiguration>,
    }

    /// Where a service's tasks are in a VPC.
    pub struct AwsVpcConfiguration = sdk::AwsVpcConfiguration, fallible {
        /// Whether tasks get public addresses. AWS's default is `DISABLED`.
        #[schemars(extend("enum" = ["ENABLED", "DISABLED"]))]
        assign_public_ip(set_assign_public_ip): Option<Word<sdk::AssignPublicIp>>,
        /// Their security groups, 5 at most. AWS's default is the VPC's default group.
        security_groups(set_security_groups): Option<BTreeSet<String>>,
        /// Their subnets, 16 at most.
        subnets(set_subnets): BTreeSet<String>,
    }

    /// Where tasks may run.
    pub struct PlacementConstraint = sdk::PlacementConstraint {
        /// An expression of the cluster query language.
        expression(set_expression): Option<String>,
        /// The kind of constraint.
        #[schemars(extend("enum" = ["distinctInstance", "memberOf"]))]
        r#type(set_type): Word<sdk::PlacementConstraintType>,
    }

    /// How tasks are spread over instances.
    pub struct PlacementStrategy = sdk::PlacementStrategy {
        /// What they are spread or packed by.
        field(set_field): Option<String>,
        /// The kind of strategy.
        #[schemars(extend("enum" = ["binpack", "random", "spread"]))]
        r#type(set_type): Word<sdk::PlacementStrategyType>,
    }

    /// A Cloud Map service that tasks are registered with.
    pub struct ServiceRegistry = sdk::ServiceRegistry {
        /// The container, for SRV records.
        container_name(set_container_name): Option<String>,
        /// The container's port, for SRV records.
        container_port(set_container_port): Option<i32>,
        /// The port, where the service was registered with one.
        port(set_port): Option<i32>,
        /// The Cloud Map service.
        registry_arn(set_registry_arn): Option<String>,
    }

    /// A port of a task that is a target of VPC Lattice.
    pub struct VpcLatticeConfiguration = sdk::VpcLatticeConfiguration, fallible {
        /// What else a deployment needs that moves traffic from one target group to another.
        advanced_configuration(set_advanced_configuration): Option<VpcLatticeAdvancedConfiguration>,
        /// The port mapping's name in the task definition.
        port_name(set_port_name): String,
        /// The role with which ECS registers targets.
        role_arn(set_role_arn): String,
        /// The target group of VPC Lattice.
        target_group_arn(set_target_group_arn): String,
    }

    /// What a deployment needs that moves traffic from one target group of VPC Lattice to another.
    pub struct VpcLatticeAdvancedConfiguration = sdk::VpcLatticeAdvancedConfiguration {
        /// The other target group.
        alternate_target_group_arn(set_alternate_target_group_arn): Option<String>,
        /// The listener rule that the users' traffic comes by.
        production_listener_rule(set_production_listener_rule): Option<String>,
        /// The listener rule that test traffic comes by.
        test_listener_rule(set_test_listener_rule): Option<String>,
    }

    /// How finely a service is measured.
    pub struct MonitoringConfiguration = sdk::MonitoringConfiguration {
        /// Metrics and how often each is told.
        #[schemars(length(min = 1, max = 2))]
        metric_configurations(set_metric_configurations): Vec<MetricConfiguration>,
    }

    /// Metrics of a service and how often they are told.
    pub struct MetricConfiguration = sdk::MetricConfiguration, fallible {
        /// The metrics.
        #[schemars(length(min = 1, max = 2), extend("items" = { "type": "string", "enum": ["CPUUtilization", "MemoryUtilization"] }))]
        metric_names(set_metric_names): BTreeSet<String>,
        /// Seconds between two values. AWS's default is 60.
        #[schemars(range(min = 20, max = 60), extend("enum" = [20, 60]))]
        resolution_seconds(set_resolution_seconds): i32,
    }

    /// How a volume that the task definition leaves open is made for each task.
    pub struct ServiceVolumeConfiguration = sdk::ServiceVolumeConfiguration, fallible {
        /// An EBS volume that ECS makes and deletes.
        #[serde(rename = "ManagedEBSVolume")]
        managed_ebs_volume(set_managed_ebs_volume): Option<ServiceManagedEbsVolumeConfiguration>,
        /// The volume's name in the task definition, where it has `ConfiguredAtLaunch`.
        name(set_name): String,
    }

    /// An EBS volume that ECS makes for each task, and deletes with it.
    pub struct ServiceManagedEbsVolumeConfiguration = sdk::ServiceManagedEbsVolumeConfiguration, fallible {
        /// Whether it is encrypted.
        encrypted(set_encrypted): Option<bool>,
        /// The file system. AWS's default is `xfs`; of a snapshot, give what it has.
        #[schemars(extend("enum" = ["ext3", "ext4", "ntfs", "xfs"]))]
        filesystem_type(set_filesystem_type): Option<Word<sdk::TaskFilesystemType>>,
        /// I/O operations a second; required for `io1` and `io2`.
        iops(set_iops): Option<i32>,
        /// The KMS key that it is encrypted with.
        kms_key_id(set_kms_key_id): Option<String>,
        /// The role with which ECS makes volumes.
        role_arn(set_role_arn): String,
        /// Its size in GiB; required where there is no snapshot.
        #[serde(rename = "SizeInGiB")]
        size_in_gib(set_size_in_gib): Option<i32>,
        /// The snapshot that it is made of.
        snapshot_id(set_snapshot_id): Option<String>,
        /// Tags of the volume.
        tag_specifications(set_tag_specifications): Option<Vec<EbsTagSpecification>>,
        /// MiB a second; `gp3` only.
        throughput(set_throughput): Option<i32>,
        /// MiB a second at which it is filled from its snapshot.
        volume_initialization_rate(set_volume_initialization_rate): Option<i32>,
        /// The kind of volume, such as `gp3`. AWS's default is `gp3`.
        volume_type(set_volume_type): Option<String>,
    }

    /// Tags of a volume that ECS makes.
    pub struct EbsTagSpecification = sdk::EbsTagSpecification, fallible {
        /// Whose tags it gets too.
        #[schemars(extend("enum" = ["SERVICE", "TASK_DEFINITION"]))]
        propagate_tags(set_propagate_tags): Option<Word<sdk::PropagateTags>>,
        /// What is tagged.
        #[schemars(extend("enum" = ["volume"]))]
        resource_type(set_resource_type): Word<sdk::EbsResourceType>,
        /// Tags.
        #[schemars(length(max = 50))]
        tags(set_tags): Option<Vec<VolumeTag>>,
    }

    /// A tag of a volume.
    pub struct VolumeTag = sdk::Tag {
        /// Its key.
        #[schemars(length(min = 1, max = 128))]
        key(set_key): Option<String>,
        /// Its value.
        #[schemars(length(max = 256))]
        value(set_value): Option<String>,
    }
}

/// A deployment without any other change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ForceNewDeployment {
    /// Whether an update deploys anew even where nothing else changes.
    pub enable_force_new_deployment: bool,
    /// Any text: changing it deploys anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub force_new_deployment_nonce: Option<String>,
}
