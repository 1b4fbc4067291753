//! `AWS::ECS::Service`.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_ecs::types::{self as sdk, PropagateTags, ServiceField};
use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::deployment::{self, Expected};
use super::service_parts::{
    CapacityProviderStrategyItem, DeploymentConfiguration, DeploymentController, ForceNewDeployment, LoadBalancer,
    NetworkConfiguration, PlacementConstraint, PlacementStrategy, ServiceConnectConfiguration, ServiceRegistry,
};
use super::{retag, tag_list, tags};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::error::{During, found};
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{self as ownership, Tags};
use crate::aws::wait::{self, Probe};
use crate::catalog::{GeneratedName, Permissions, Tagging};
use crate::cloud::{CloudError, ErrorKind, Op};

/// Services that one call describes.
const DESCRIBE_BATCH: usize = 10;
/// How long tasks may take to stop.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(15 * 60);

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
    /// How many tasks run. Where autoscaling rules it, put it under `lifecycle: { ignore: [DesiredCount] }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub desired_count: Option<i32>,
    /// Whether ECS tags tasks with the cluster's and the service's names.
    #[serde(rename = "EnableECSManagedTags", skip_serializing_if = "Option::is_none")]
    pub enable_ecs_managed_tags: Option<bool>,
    /// Whether commands can be run in containers (`aws ecs execute-command`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_execute_command: Option<bool>,
    /// Deploys anew where nothing else changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub force_new_deployment: Option<ForceNewDeployment>,
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
    pub load_balancers: Option<Vec<LoadBalancer>>,
    /// Where the tasks are in the network; required for Fargate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_configuration: Option<NetworkConfiguration>,
    /// Where tasks may run; not for Fargate.
    #[serde(skip_serializing_if = "Option::is_none")]
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
    pub service_registries: Option<Vec<ServiceRegistry>>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// The ARN of the task definition, with its revision: `${TaskDefinition.TaskDefinitionArn}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^arn:[^:]+:ecs:[^:]+:[^:]+:task-definition/[^:]+:[0-9]+$"))]
    pub task_definition: Option<String>,
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
    const CREATE_ONLY: &'static [&'static str] = &["Cluster", "LaunchType", "SchedulingStrategy", "ServiceName"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["Cluster", "ServiceName"]];
    const GENERATED_NAME: Option<GeneratedName> =
        Some(GeneratedName { property: "ServiceName", max_length: 255, lower_case: false });
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &["ecs:CreateService", "ecs:DescribeServices", "ecs:TagResource", "iam:PassRole"],
        read: &["ecs:DescribeServices"],
        update: &["ecs:UpdateService", "ecs:DescribeServices", "ecs:TagResource", "ecs:UntagResource", "iam:PassRole"],
        delete: &["ecs:DeleteService", "ecs:DescribeServices"],
    };
    const READ_BATCH: usize = 100;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, op: &Op) -> Result<Id> {
        let capacity = self
            .capacity_provider_strategy
            .as_ref()
            .map(|items| items.iter().map(CapacityProviderStrategyItem::sdk).collect::<Result<Vec<_>>>());
        let call = aws
            .ecs()
            .create_service()
            .client_token(op.id.as_str())
            .set_service_name(self.service_name.clone())
            .set_availability_zone_rebalancing(self.availability_zone_rebalancing.as_deref().map(Into::into))
            .set_capacity_provider_strategy(capacity.transpose()?)
            .set_cluster(self.cluster.clone())
            .set_deployment_configuration(
                self.deployment_configuration.as_ref().map(DeploymentConfiguration::sdk).transpose()?,
            )
            .set_deployment_controller(self.deployment_controller.as_ref().map(DeploymentController::sdk).transpose()?)
            .set_desired_count(self.desired_count.or_else(|| self.default_count()))
            .set_enable_ecs_managed_tags(self.enable_ecs_managed_tags)
            .set_enable_execute_command(self.enable_execute_command)
            .set_health_check_grace_period_seconds(self.health_check_grace_period_seconds)
            .set_launch_type(self.launch_type.as_deref().map(Into::into))
            .set_load_balancers(list(&self.load_balancers, LoadBalancer::sdk))
            .set_network_configuration(self.network_configuration.as_ref().map(NetworkConfiguration::sdk).transpose()?)
            .set_placement_constraints(list(&self.placement_constraints, PlacementConstraint::sdk))
            .set_placement_strategy(list(&self.placement_strategies, PlacementStrategy::sdk))
            .set_platform_version(self.platform_version.clone())
            .set_propagate_tags(self.propagate_tags.as_deref().map(Into::into))
            .set_scheduling_strategy(self.scheduling_strategy.as_deref().map(Into::into))
            .set_service_connect_configuration(
                self.service_connect_configuration.as_ref().map(ServiceConnectConfiguration::sdk).transpose()?,
            )
            .set_service_registries(list(&self.service_registries, ServiceRegistry::sdk))
            .set_tags(tag_list(&self.tags))
            .set_task_definition(self.task_definition.clone());
        let answer = call.send().await.during("ecs:CreateService")?;
        let arn = answer.service().and_then(|service| service.service_arn());
        let arn =
            arn.ok_or_else(|| CloudError::new(ErrorKind::Lost, "ecs:CreateService", "the answer holds no ARN"))?;
        Ok(Id::compound(&[arn, self.cluster_name()]))
    }

    async fn settle(&self, aws: &Aws, id: &Id) -> Result<()> {
        let [arn, cluster] = id.parts();
        let expected = self.task_definition.clone().map_or(Expected::Newest, Expected::TaskDefinition);
        deployment::wait(aws, cluster, arn, &expected).await
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
                Ok(services.into_iter().map(|service| observed(&service, cluster)).collect::<Vec<_>>())
            })
        });
        Ok(try_join_all(reads).await?.into_iter().flatten().collect())
    }

    async fn update(&self, aws: &Aws, id: &Id, old: &Self) -> Result<()> {
        let [arn, cluster] = id.parts();
        retag(aws, arn, &old.tags, &self.tags).await?;
        if !self.differs(old)? {
            return Ok(());
        }
        let answer = self.update_call(aws, cluster, arn, old)?.send().await.during("ecs:UpdateService")?;
        let deployments = answer.service().map(|service| service.deployments()).unwrap_or_default();
        let primary = deployments.iter().find(|deployment| deployment.status() == Some("PRIMARY"));
        let id = primary.and_then(|deployment| deployment.id()).map(str::to_owned);
        deployment::wait(aws, cluster, arn, &id.map_or(Expected::Newest, Expected::Id)).await
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
    fn cluster_name(&self) -> &str {
        self.cluster.as_deref().unwrap_or("default")
    }

    /// CloudFormation's default; the API has none.
    fn default_count(&self) -> Option<i32> {
        (self.scheduling_strategy.as_deref() != Some("DAEMON")).then_some(1)
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

    /// The call with what changes, and only that.
    fn update_call(
        &self,
        aws: &Aws,
        cluster: &str,
        arn: &str,
        old: &Self,
    ) -> Result<aws_sdk_ecs::operation::update_service::builders::UpdateServiceFluentBuilder> {
        /// The new value where it differs from the old; AWS's default where there no longer is one.
        fn changed<T: Clone + PartialEq>(new: &Option<T>, old: &Option<T>, default: Option<T>) -> Option<T> {
            if new == old { None } else { new.clone().or(default) }
        }
        let capacity = changed(&self.capacity_provider_strategy, &old.capacity_provider_strategy, Some(Vec::new()));
        let capacity = capacity.map(|items| items.iter().map(CapacityProviderStrategyItem::sdk).collect::<Result<_>>());
        let configuration = changed(
            &self.deployment_configuration,
            &old.deployment_configuration,
            Some(DeploymentConfiguration::standard()),
        );
        let configuration =
            configuration.map(|new| new.over(old.deployment_configuration.as_ref()).sdk()).transpose()?;
        let controller = changed(&self.deployment_controller, &old.deployment_controller, None);
        let network = changed(&self.network_configuration, &old.network_configuration, None);
        let connect = &self.service_connect_configuration;
        let connect = changed(connect, &old.service_connect_configuration, None);
        let propagate = if self.propagate_tags == old.propagate_tags {
            None
        } else {
            Some(self.propagate_tags.as_deref().map_or(PropagateTags::None, Into::into))
        };
        let rebalancing = changed(&self.availability_zone_rebalancing, &old.availability_zone_rebalancing, None);
        let constraints = changed(&self.placement_constraints, &old.placement_constraints, Some(Vec::new()));
        let strategies = changed(&self.placement_strategies, &old.placement_strategies, Some(Vec::new()));
        let balancers = changed(&self.load_balancers, &old.load_balancers, Some(Vec::new()));
        let registries = changed(&self.service_registries, &old.service_registries, Some(Vec::new()));
        let forced = self.force_new_deployment.as_ref().filter(|force| force.enable_force_new_deployment);
        let grace = &self.health_check_grace_period_seconds;
        Ok(aws
            .ecs()
            .update_service()
            .cluster(cluster)
            .service(arn)
            .set_availability_zone_rebalancing(rebalancing.as_deref().map(Into::into))
            .set_capacity_provider_strategy(capacity.transpose()?)
            .set_deployment_configuration(configuration)
            .set_deployment_controller(controller.as_ref().map(DeploymentController::sdk).transpose()?)
            .set_desired_count(changed(&self.desired_count, &old.desired_count, self.default_count()))
            .set_enable_ecs_managed_tags(changed(
                &self.enable_ecs_managed_tags,
                &old.enable_ecs_managed_tags,
                Some(false),
            ))
            .set_enable_execute_command(changed(&self.enable_execute_command, &old.enable_execute_command, Some(false)))
            .set_force_new_deployment(forced.map(|_| true))
            .set_health_check_grace_period_seconds(changed(grace, &old.health_check_grace_period_seconds, Some(0)))
            .set_load_balancers(list(&balancers, LoadBalancer::sdk))
            .set_network_configuration(network.as_ref().map(NetworkConfiguration::sdk).transpose()?)
            .set_placement_constraints(list(&constraints, PlacementConstraint::sdk))
            .set_placement_strategy(list(&strategies, PlacementStrategy::sdk))
            .set_platform_version(changed(&self.platform_version, &old.platform_version, Some("LATEST".to_owned())))
            .set_propagate_tags(propagate)
            .set_service_connect_configuration(connect.as_ref().map(ServiceConnectConfiguration::sdk).transpose()?)
            .set_service_registries(list(&registries, ServiceRegistry::sdk))
            .set_task_definition(changed(&self.task_definition, &old.task_definition, None)))
    }
}

fn list<T, U>(items: &Option<Vec<T>>, sdk: impl Fn(&T) -> U) -> Option<Vec<U>> {
    items.as_ref().map(|items| items.iter().map(sdk).collect())
}

/// The services of `cluster` by name or ARN, at most [`DESCRIBE_BATCH`]; those that are gone or going are left out.
pub(super) async fn describe(aws: &Aws, cluster: &str, services: Vec<String>) -> Result<Vec<sdk::Service>> {
    let mut services = describe_any(aws, cluster, services).await?;
    services.retain(|service| service.status() == Some("ACTIVE"));
    Ok(services)
}

async fn describe_any(aws: &Aws, cluster: &str, services: Vec<String>) -> Result<Vec<sdk::Service>> {
    let call = aws.ecs().describe_services().cluster(cluster).set_services(Some(services)).include(ServiceField::Tags);
    // The cluster may be gone with all in it.
    let answer = found(call.send().await.during("ecs:DescribeServices"))?;
    Ok(answer.and_then(|answer| answer.services).unwrap_or_default())
}

fn observed(service: &sdk::Service, cluster: &str) -> Observed<Service> {
    fn some<T, U>(items: &[T], of: impl Fn(&T) -> U) -> Option<Vec<U>> {
        (!items.is_empty()).then(|| items.iter().map(of).collect())
    }
    let arn = service.service_arn().unwrap_or_default();
    let propagate = service.propagate_tags().filter(|from| **from != PropagateTags::None);
    Observed {
        id: Id::compound(&[arn, cluster]),
        properties: Service {
            availability_zone_rebalancing: service.availability_zone_rebalancing().map(ToString::to_string),
            capacity_provider_strategy: some(service.capacity_provider_strategy(), CapacityProviderStrategyItem::of),
            cluster: Some(cluster.to_owned()),
            deployment_configuration: service.deployment_configuration().map(DeploymentConfiguration::of),
            deployment_controller: service
                .deployment_controller()
                .map(|controller| DeploymentController { kind: controller.r#type().to_string() }),
            desired_count: Some(service.desired_count()),
            enable_ecs_managed_tags: Some(service.enable_ecs_managed_tags()),
            enable_execute_command: Some(service.enable_execute_command()),
            force_new_deployment: None,
            health_check_grace_period_seconds: service.health_check_grace_period_seconds(),
            launch_type: service.launch_type().map(ToString::to_string),
            load_balancers: some(service.load_balancers(), LoadBalancer::of),
            network_configuration: service.network_configuration().map(NetworkConfiguration::of),
            placement_constraints: some(service.placement_constraints(), PlacementConstraint::of),
            placement_strategies: some(service.placement_strategy(), PlacementStrategy::of),
            platform_version: service.platform_version().map(str::to_owned),
            propagate_tags: propagate.map(ToString::to_string),
            scheduling_strategy: service.scheduling_strategy().map(ToString::to_string),
            service_connect_configuration: None,
            service_name: service.service_name().map(str::to_owned),
            service_registries: some(service.service_registries(), ServiceRegistry::of),
            tags: tags(service.tags()),
            task_definition: service.task_definition().map(str::to_owned),
        },
        outputs: Outputs { name: service.service_name().unwrap_or_default().to_owned(), service_arn: arn.to_owned() },
    }
}
