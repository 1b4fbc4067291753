//! `AWS::ECS::Service`.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_ecs::types as sdk;
use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::connect_parts::ServiceConnectConfiguration;
use super::deployment::{Deployment, Expected, Origin};
use super::deployment_parts::{DeploymentConfiguration, DeploymentController};
use super::gateway_parts::GatewayConnector;
use super::service_calls::{self, describe, describe_any};
use super::service_parts::{
    CapacityProviderStrategyItem, ForceNewDeployment, LoadBalancer, MonitoringConfiguration, NetworkConfiguration,
    PlacementConstraint, PlacementStrategy, ServiceRegistry, ServiceVolumeConfiguration, VpcLatticeConfiguration,
};
use super::{retag, tags};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::error::During;
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{self as ownership, Tags};
use crate::aws::wait::{self, Probe};
use crate::catalog::{GeneratedName, Permissions, Tagging};
use crate::cloud::{CloudError, ErrorKind, Op};

/// Services that one call describes.
const DESCRIBE_BATCH: usize = 10;
/// How long tasks may take to stop.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// The calls of whatever sets a deployment going, which is followed, and where it had failed before, set going again.
macro_rules! followed {
    [$($call:literal),*] => {
        &[
            $($call,)*
            "ecs:UpdateService",
            "ecs:DescribeServices",
            "ecs:TagResource",
            "iam:PassRole",
            "ecs:DescribeServiceDeployments",
            "ecs:DescribeTaskDefinition",
            "ecs:DescribeTasks",
            "ecs:ListServiceDeployments",
            "ecs:ListTasks",
            "elasticloadbalancing:DescribeTargetHealth",
            "logs:GetLogEvents",
        ]
    };
}

/// A service: keeps a number of tasks running, replaces them when their definition changes.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Service {
    /// Whether tasks are moved to keep zones evenly used. AWS's default is `ENABLED` where the service allows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["ENABLED", "DISABLED"]))]
    pub availability_zone_rebalancing: Option<String>,
    /// Which capacity providers run the tasks, in place of `LaunchType`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("uniqueItems" = true))]
    pub capacity_provider_strategy: Option<Vec<CapacityProviderStrategyItem>>,
    /// The cluster, by name or ARN. AWS's default is the cluster named `default`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// How a new version takes the place of the old one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment_configuration: Option<DeploymentConfiguration>,
    /// Who carries deployments out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment_controller: Option<DeploymentController>,
    /// How many tasks run. Leave it out where autoscaling rules it: the service is made with one task, and later changes do
    /// not touch the number, nor does taking it out of the stack.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub desired_count: Option<i32>,
    /// Whether ECS tags tasks with the cluster's and the service's names.
    #[serde(rename = "EnableECSManagedTags", skip_serializing_if = "Option::is_none")]
    pub enable_ecs_managed_tags: Option<bool>,
    /// Whether commands can be run in containers (`aws ecs execute-command`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_execute_command: Option<bool>,
    /// Deploys anew where nothing else changes: a change of the nonce does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub force_new_deployment: Option<ForceNewDeployment>,
    /// Ports of the tasks that a gateway of ECS sends traffic to; one at most. Take one away by an empty list.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1), extend("writeOnly" = true))]
    pub gateway_connectors: Option<Vec<GatewayConnector>>,
    /// Seconds for which failing health checks of a load balancer are ignored after a task starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub health_check_grace_period_seconds: Option<i32>,
    /// What tasks run on. AWS's default is `EC2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["EC2", "FARGATE", "EXTERNAL"]))]
    pub launch_type: Option<String>,
    /// Target groups that the tasks are registered with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("uniqueItems" = true))]
    pub load_balancers: Option<Vec<LoadBalancer>>,
    /// How finely the service is measured. AWS's default is once a minute; give that to go back to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub monitoring: Option<MonitoringConfiguration>,
    /// Where the tasks are in the network; required for Fargate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_configuration: Option<NetworkConfiguration>,
    /// Where tasks may run; not for Fargate.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("uniqueItems" = true))]
    pub placement_constraints: Option<Vec<PlacementConstraint>>,
    /// How tasks are spread over instances; not for Fargate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placement_strategies: Option<Vec<PlacementStrategy>>,
    /// The version of Fargate. AWS's default is `LATEST`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform_version: Option<String>,
    /// Whose tags the tasks get. AWS's default is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["SERVICE", "TASK_DEFINITION"]))]
    pub propagate_tags: Option<String>,
    /// The role with which ECS calls a load balancer, where tasks are not in `awsvpc`. AWS's default is its service-linked
    /// role.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub role: Option<String>,
    /// Whether a number of tasks runs, or one on every instance. AWS's default is `REPLICA`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["REPLICA", "DAEMON"]))]
    pub scheduling_strategy: Option<String>,
    /// How services find and call each other by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub service_connect_configuration: Option<ServiceConnectConfiguration>,
    /// The service's name; made from the stack's and the resource's where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub service_name: Option<String>,
    /// Cloud Map services that the tasks are registered with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("uniqueItems" = true))]
    pub service_registries: Option<Vec<ServiceRegistry>>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// The ARN of the task definition, with its revision: `${TaskDefinition.TaskDefinitionArn}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^arn:[^:]+:ecs:[^:]+:[^:]+:task-definition/[^:]+:[0-9]+$"))]
    pub task_definition: Option<String>,
    /// How volumes that the task definition leaves open are made for each task.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub volume_configurations: Option<Vec<ServiceVolumeConfiguration>>,
    /// Ports of the tasks that are targets of VPC Lattice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_lattice_configurations: Option<Vec<VpcLatticeConfiguration>>,
}

/// What AWS tells of a service.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// The service's name.
    pub name: String,
    /// The service's ARN.
    pub service_arn: String,
}

impl Resource for Service {
    const TYPE: &'static str = "AWS::ECS::Service";
    const CREATE_ONLY: &'static [&'static str] =
        &["Cluster", "LaunchType", "Role", "SchedulingStrategy", "ServiceName"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["Cluster", "ServiceName"]];
    const GENERATED_NAME: Option<GeneratedName> =
        Some(GeneratedName { property: "ServiceName", max_length: 255, lower_case: false });
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: followed!["ecs:CreateService"],
        read: &["ecs:DescribeServices"],
        update: followed!["ecs:UntagResource"],
        delete: &["ecs:DeleteService", "ecs:DescribeServices"],
    };
    const READ_BATCH: usize = 100;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, op: &Op) -> Result<Id> {
        let answer = self.create_call(aws, op)?.send().await.during("ecs:CreateService")?;
        let arn = answer.service().and_then(|service| service.service_arn());
        let arn =
            arn.ok_or_else(|| CloudError::new(ErrorKind::Lost, "ecs:CreateService", "the answer holds no ARN"))?;
        Ok(Id::compound(&[arn, self.cluster_name()]))
    }

    async fn settle(&self, aws: &Aws, op: &Op, id: &Id) -> Result<()> {
        let expected = self.task_definition.clone().map_or(Expected::Newest, Expected::TaskDefinition);
        self.deployment(aws, op, id, expected, Origin::Service).resume().await
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let mut clusters: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for id in ids {
            let [arn, cluster] = id.parts();
            clusters.entry(cluster).or_default().push(arn);
        }
        let reads = clusters.into_iter().flat_map(|(cluster, arns)| {
            let batches: Vec<_> = arns.chunks(DESCRIBE_BATCH).map(<[_]>::to_vec).collect();
            batches.into_iter().map(move |arns| async move {
                let services = describe(aws, cluster, arns.iter().map(|arn| (*arn).to_owned()).collect()).await?;
                Ok(services.into_iter().map(|service| service_calls::observed(service, cluster)).collect::<Vec<_>>())
            })
        });
        Ok(try_join_all(reads).await?.into_iter().flatten().collect())
    }

    async fn update(&self, aws: &Aws, op: &Op, id: &Id, old: &Self) -> Result<()> {
        let [arn, cluster] = id.parts();
        retag(aws, arn, &old.tags, &self.tags).await?;
        if !self.differs(old)? {
            return Ok(());
        }
        let mut call = self.update_call(aws, cluster, arn, old)?;
        if let Some(connect) = self.changed_connection(old) {
            call = call.service_connect_configuration(service_calls::in_namespace(aws, cluster, arn, connect).await?);
        }
        // Whether it makes a new deployment shows only beside what was there before.
        let before = describe(aws, cluster, vec![arn.to_owned()]).await?.pop();
        let answer = call.send().await.during("ecs:UpdateService")?;
        let made = answer.service().and_then(primary_id);
        let origin = match before {
            Some(before) if primary_id(&before) == made => Origin::Nothing,
            before => Origin::Change(before.and_then(|service| service.current_service_deployment)),
        };
        self.deployment(aws, op, id, made.map_or(Expected::Newest, Expected::Id), origin).follow().await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        let [arn, cluster] = id.parts();
        let call = aws.ecs().delete_service().cluster(cluster).service(arn).force(true);
        call.send().await.during("ecs:DeleteService")?;
        wait::until(aws, "ecs:DescribeServices", DRAIN_TIMEOUT, || async {
            let services = describe_any(aws, cluster, vec![arn.to_owned()]).await?;
            let draining = services.iter().find(|service| service.status() != Some("INACTIVE"));
            Ok(draining.map_or(Probe::Ready(()), |service| {
                let status = service.status().unwrap_or("there").to_lowercase();
                Probe::Pending(format!("{status} ({} tasks run)", service.running_count()))
            }))
        })
        .await
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        let Some(name) = &self.service_name else { return Ok(None) };
        let services = describe(aws, self.cluster_name(), vec![name.clone()]).await?;
        let ours = services.iter().find(|service| tags(service.tags()).have(&ownership::of_op(op)));
        Ok(ours.and_then(|service| service.service_arn()).map(|arn| Id::compound(&[arn, self.cluster_name()])))
    }
}

impl Service {
    fn deployment<'a>(
        &self,
        aws: &'a Aws,
        op: &'a Op,
        id: &'a Id,
        expected: Expected,
        origin: Origin,
    ) -> Deployment<'a> {
        let [service, cluster] = id.parts();
        Deployment { aws, op, cluster, service, expected, origin, pauses: self.pauses() }
    }

    fn cluster_name(&self) -> &str {
        self.cluster.as_deref().unwrap_or("default")
    }

    /// How long a deployment waits on purpose.
    fn pauses(&self) -> Duration {
        self.deployment_configuration.as_ref().map(DeploymentConfiguration::pauses).unwrap_or_default()
    }

    /// Whether anything but tags changes.
    fn differs(&self, old: &Self) -> Result<bool> {
        let json = |service: &Self| {
            let mut json = serde_json::to_value(service)
                .map_err(|error| CloudError::new(ErrorKind::Other, Self::TYPE, error.to_string()))?;
            json.as_object_mut().map(|map| map.remove("Tags"));
            Ok::<_, CloudError>(json)
        };
        Ok(json(self)? != json(old)?)
    }
}

/// The id of the deployment that is to serve.
fn primary_id(service: &sdk::Service) -> Option<String> {
    let primary = service.deployments().iter().find(|deployment| deployment.status() == Some("PRIMARY"));
    primary.and_then(|deployment| deployment.id()).map(str::to_owned)
}
