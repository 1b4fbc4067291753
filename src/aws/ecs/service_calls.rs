//! The calls that make, change and tell an `AWS::ECS::Service`.

use aws_sdk_ecs::operation::create_service::builders::CreateServiceFluentBuilder;
use aws_sdk_ecs::operation::update_service::builders::UpdateServiceFluentBuilder;
use aws_sdk_ecs::types::{self as sdk, AvailabilityZoneRebalancing, PropagateTags, ServiceField};

use super::connect_parts::ServiceConnectConfiguration;
use super::deployment_parts::{DeploymentConfiguration, DeploymentController};
use super::service::{Outputs, Service};
use super::{tag_list, tags};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::error::{During, built, found};
use crate::aws::mirror::{Mirror, Word};
use crate::aws::resource::{Observed, Result};
use crate::cloud::Op;

impl Service {
    /// The call that makes it.
    pub(super) fn create_call(&self, aws: &Aws, op: &Op) -> Result<CreateServiceFluentBuilder> {
        const OPERATION: &str = "ecs:CreateService";
        Ok(aws
            .ecs()
            .create_service()
            .client_token(op.id.as_str())
            .set_service_name(self.service_name.clone())
            .set_availability_zone_rebalancing(self.availability_zone_rebalancing.as_deref().map(Into::into))
            .set_capacity_provider_strategy(built(self.capacity_provider_strategy.sdk(), OPERATION)?)
            .set_cluster(self.cluster.clone())
            .set_deployment_configuration(built(self.deployment_configuration.sdk(), OPERATION)?)
            .set_deployment_controller(built(self.deployment_controller.sdk(), OPERATION)?)
            .set_desired_count(self.desired_count.or_else(|| self.first_count()))
            .set_enable_ecs_managed_tags(self.enable_ecs_managed_tags)
            .set_enable_execute_command(self.enable_execute_command)
            .set_gateway_connectors(built(self.gateway_connectors.sdk(), OPERATION)?)
            .set_health_check_grace_period_seconds(self.health_check_grace_period_seconds)
            .set_launch_type(self.launch_type.as_deref().map(Into::into))
            .set_load_balancers(built(self.load_balancers.sdk(), OPERATION)?)
            .set_monitoring(built(self.monitoring.sdk(), OPERATION)?)
            .set_network_configuration(built(self.network_configuration.sdk(), OPERATION)?)
            .set_placement_constraints(built(self.placement_constraints.sdk(), OPERATION)?)
            .set_placement_strategy(built(self.placement_strategies.sdk(), OPERATION)?)
            .set_platform_version(self.platform_version.clone())
            .set_propagate_tags(self.propagate_tags.as_deref().map(Into::into))
            .set_role(self.role.clone())
            .set_scheduling_strategy(self.scheduling_strategy.as_deref().map(Into::into))
            .set_service_connect_configuration(built(self.service_connect_configuration.sdk(), OPERATION)?)
            .set_service_registries(built(self.service_registries.sdk(), OPERATION)?)
            .set_tags(tag_list(&self.tags))
            .set_task_definition(self.task_definition.clone())
            .set_volume_configurations(built(self.volume_configurations.sdk(), OPERATION)?)
            .set_vpc_lattice_configurations(built(self.vpc_lattice_configurations.sdk(), OPERATION)?))
    }

    /// How many tasks a service is made with whose stack does not say: CloudFormation's default; the API has none.
    fn first_count(&self) -> Option<i32> {
        (self.scheduling_strategy.as_deref() != Some("DAEMON")).then_some(1)
    }

    /// The call with what changes, and only that, but for Service Connect.
    pub(super) fn update_call(
        &self,
        aws: &Aws,
        cluster: &str,
        arn: &str,
        old: &Self,
    ) -> Result<UpdateServiceFluentBuilder> {
        const OPERATION: &str = "ecs:UpdateService";
        fn list<T: Mirror + Clone + PartialEq>(
            new: &Option<Vec<T>>,
            old: &Option<Vec<T>>,
        ) -> Result<Option<Vec<T::Sdk>>> {
            built(changed(new, old, Some(Vec::new())).sdk(), OPERATION)
        }
        let configuration = (self.deployment_configuration != old.deployment_configuration).then(|| {
            let (new, old) = (self.deployment_configuration.as_ref(), old.deployment_configuration.as_ref());
            DeploymentConfiguration::over(new, old)
        });
        let controller = DeploymentController { r#type: Word(sdk::DeploymentControllerType::Ecs) };
        let controller = changed(&self.deployment_controller, &old.deployment_controller, Some(controller));
        let network = changed(&self.network_configuration, &old.network_configuration, None);
        let asked = self.force_new_deployment.as_ref().is_some_and(|force| force.enable_force_new_deployment);
        // ECS refuses another capacity provider strategy without a new deployment.
        let forced = asked || self.capacity_provider_strategy != old.capacity_provider_strategy;
        let (propagate, old_propagate) = (&self.propagate_tags, &old.propagate_tags);
        let propagate = changed(propagate, old_propagate, Some(PropagateTags::None.to_string()));
        let (rebalancing, old_rebalancing) = (&self.availability_zone_rebalancing, &old.availability_zone_rebalancing);
        let rebalancing = changed(rebalancing, old_rebalancing, self.first_rebalancing());
        let (tagged, old_tagged) = (&self.enable_ecs_managed_tags, &old.enable_ecs_managed_tags);
        let (grace, old_grace) = (&self.health_check_grace_period_seconds, &old.health_check_grace_period_seconds);
        let (commands, old_commands) = (&self.enable_execute_command, &old.enable_execute_command);
        Ok(aws
            .ecs()
            .update_service()
            .cluster(cluster)
            .service(arn)
            .set_availability_zone_rebalancing(rebalancing.as_deref().map(Into::into))
            .set_capacity_provider_strategy(list(&self.capacity_provider_strategy, &old.capacity_provider_strategy)?)
            .set_deployment_configuration(built(configuration.sdk(), OPERATION)?)
            .set_deployment_controller(built(controller.sdk(), OPERATION)?)
            // Where the stack no longer says how many, it is somebody else's to say.
            .set_desired_count(changed(&self.desired_count, &old.desired_count, None))
            .set_enable_ecs_managed_tags(changed(tagged, old_tagged, Some(false)))
            .set_enable_execute_command(changed(commands, old_commands, Some(false)))
            .set_force_new_deployment(forced.then_some(true))
            .set_gateway_connectors(list(&self.gateway_connectors, &old.gateway_connectors)?)
            .set_health_check_grace_period_seconds(changed(grace, old_grace, Some(0)))
            .set_load_balancers(list(&self.load_balancers, &old.load_balancers)?)
            .set_monitoring(built(changed(&self.monitoring, &old.monitoring, None).sdk(), OPERATION)?)
            .set_network_configuration(built(network.sdk(), OPERATION)?)
            .set_placement_constraints(list(&self.placement_constraints, &old.placement_constraints)?)
            .set_placement_strategy(list(&self.placement_strategies, &old.placement_strategies)?)
            .set_platform_version(changed(&self.platform_version, &old.platform_version, Some("LATEST".to_owned())))
            .set_propagate_tags(propagate.as_deref().map(Into::into))
            .set_service_registries(list(&self.service_registries, &old.service_registries)?)
            .set_task_definition(changed(&self.task_definition, &old.task_definition, None))
            .set_volume_configurations(list(&self.volume_configurations, &old.volume_configurations)?)
            .set_vpc_lattice_configurations(list(&self.vpc_lattice_configurations, &old.vpc_lattice_configurations)?))
    }

    /// What Service Connect becomes, where that changes.
    pub(super) fn changed_connection(&self, old: &Self) -> Option<ServiceConnectConfiguration> {
        let (new, old) = (&self.service_connect_configuration, &old.service_connect_configuration);
        changed(new, old, Some(ServiceConnectConfiguration::off()))
    }

    /// What AWS's default is for a service that is made; it can't be where tasks are not to outnumber the desired count.
    fn first_rebalancing(&self) -> Option<String> {
        let most = self.deployment_configuration.as_ref().and_then(|configuration| configuration.maximum_percent);
        let possible = self.first_count().is_some() && most.is_none_or(|most| most > 100);
        let rebalancing =
            if possible { AvailabilityZoneRebalancing::Enabled } else { AvailabilityZoneRebalancing::Disabled };
        Some(rebalancing.to_string())
    }
}

/// The new value where it differs from the old; AWS's default where there no longer is one.
fn changed<T: Clone + PartialEq>(new: &Option<T>, old: &Option<T>, default: Option<T>) -> Option<T> {
    if new == old { None } else { new.clone().or(default) }
}

/// `connect` as the API takes it. Where it names no namespace, it keeps the one that it has: an update without one would move
/// it to the cluster's.
pub(super) async fn in_namespace(
    aws: &Aws,
    cluster: &str,
    arn: &str,
    mut connect: ServiceConnectConfiguration,
) -> Result<sdk::ServiceConnectConfiguration> {
    if connect.enabled && connect.namespace.is_none() {
        let mut services = describe(aws, cluster, vec![arn.to_owned()]).await?;
        let deployments = services.pop().and_then(|service| service.deployments);
        let told = primary(deployments).and_then(|deployment| deployment.service_connect_configuration);
        connect.namespace = told.and_then(|told| told.namespace);
    }
    Ok(built(connect.sdk(), "ecs:UpdateService")?
        .unwrap_or_else(|| sdk::ServiceConnectConfiguration::builder().build()))
}

/// The services of `cluster` by name or ARN, as many as one call describes; those that are gone or going are left out.
pub(super) async fn describe(aws: &Aws, cluster: &str, services: Vec<String>) -> Result<Vec<sdk::Service>> {
    let mut services = describe_any(aws, cluster, services).await?;
    services.retain(|service| service.status() == Some("ACTIVE"));
    Ok(services)
}

/// As [`describe`], those that are gone or going too.
pub(super) async fn describe_any(aws: &Aws, cluster: &str, services: Vec<String>) -> Result<Vec<sdk::Service>> {
    let call = aws.ecs().describe_services().cluster(cluster).set_services(Some(services)).include(ServiceField::Tags);
    // The cluster may be gone with all in it.
    let answer = found(call.send().await.during("ecs:DescribeServices"))?;
    Ok(answer.and_then(|answer| answer.services).unwrap_or_default())
}

/// The deployment that is to serve.
fn primary(deployments: Option<Vec<sdk::Deployment>>) -> Option<sdk::Deployment> {
    deployments.into_iter().flatten().find(|deployment| deployment.status() == Some("PRIMARY"))
}

/// A service as AWS tells it: Service Connect, volumes and VPC Lattice with its deployment.
pub(super) fn observed(service: sdk::Service, cluster: &str) -> Observed<Service> {
    fn some<T>(items: Option<Vec<T>>) -> Option<Vec<T>> {
        items.filter(|items| !items.is_empty())
    }
    let arn = service.service_arn.unwrap_or_default();
    let propagate = service.propagate_tags.filter(|from| *from != PropagateTags::None);
    let (connect, volumes, lattice) = primary(service.deployments).map_or((None, None, None), |deployment| {
        let lattice = deployment.vpc_lattice_configurations;
        (deployment.service_connect_configuration, deployment.volume_configurations, lattice)
    });
    // Told by name, by ARN, and sometimes as neither was given.
    let connect = connect.map(|mut connect| {
        connect.namespace = None;
        connect
    });
    Observed {
        id: Id::compound(&[&arn, cluster]),
        properties: Service {
            availability_zone_rebalancing: service.availability_zone_rebalancing.map(|word| word.to_string()),
            capacity_provider_strategy: Mirror::of(some(service.capacity_provider_strategy)),
            cluster: Some(cluster.to_owned()),
            deployment_configuration: Mirror::of(service.deployment_configuration),
            deployment_controller: Mirror::of(service.deployment_controller),
            desired_count: Some(service.desired_count),
            enable_ecs_managed_tags: Some(service.enable_ecs_managed_tags),
            enable_execute_command: Some(service.enable_execute_command),
            force_new_deployment: None,
            gateway_connectors: None,
            health_check_grace_period_seconds: service.health_check_grace_period_seconds,
            launch_type: service.launch_type.map(|kind| kind.to_string()),
            load_balancers: Mirror::of(some(service.load_balancers)),
            monitoring: None,
            network_configuration: Mirror::of(service.network_configuration),
            placement_constraints: Mirror::of(some(service.placement_constraints)),
            placement_strategies: Mirror::of(some(service.placement_strategy)),
            platform_version: service.platform_version,
            propagate_tags: propagate.map(|from| from.to_string()),
            role: None,
            scheduling_strategy: service.scheduling_strategy.map(|strategy| strategy.to_string()),
            service_connect_configuration: Mirror::of(connect),
            service_name: service.service_name.clone(),
            service_registries: Mirror::of(some(service.service_registries)),
            tags: tags(service.tags.as_deref().unwrap_or_default()),
            task_definition: service.task_definition,
            volume_configurations: Mirror::of(some(volumes)),
            vpc_lattice_configurations: Mirror::of(some(lattice)),
        },
        outputs: Outputs { name: service.service_name.unwrap_or_default(), service_arn: arn },
    }
}
