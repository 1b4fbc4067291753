//! The parts that properties of `AWS::ECS::Service` are made of, to and from the SDK's types.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::error::built;
use crate::aws::resource::Result;

const OPERATION: &str = "ecs:CreateService";

/// A share of a service's tasks that a capacity provider gets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CapacityProviderStrategyItem {
    /// Tasks that at least run on it. AWS's default is 0.
    #[serde(default)]
    #[schemars(range(min = 0, max = 100_000))]
    pub base: i32,
    /// The capacity provider: `FARGATE`, `FARGATE_SPOT` or one of the cluster's own.
    pub capacity_provider: String,
    /// Its share of the tasks beyond the base. AWS's default is 0.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1000))]
    pub weight: i32,
}

/// What stops a deployment that does not come up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeploymentCircuitBreaker {
    /// Whether a deployment whose tasks keep failing is given up.
    pub enable: bool,
    /// Whether the last deployment that worked is brought back then.
    pub rollback: bool,
}

/// Alarms that stop a deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeploymentAlarms {
    /// Names of CloudWatch alarms.
    pub alarm_names: Vec<String>,
    /// Whether they are heeded.
    pub enable: bool,
    /// Whether the last deployment that worked is brought back when one rings.
    pub rollback: bool,
}

/// How a new version takes the place of the old one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeploymentConfiguration {
    /// Alarms that stop a deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarms: Option<DeploymentAlarms>,
    /// Minutes for which both versions run after the traffic has moved; not for `ROLLING`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1440))]
    pub bake_time_in_minutes: Option<i32>,
    /// What stops a deployment that does not come up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment_circuit_breaker: Option<DeploymentCircuitBreaker>,
    /// The most tasks during a deployment, in percent of the desired count. AWS's default is 200.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_percent: Option<i32>,
    /// The fewest healthy tasks during a deployment, in percent of the desired count. AWS's default is 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_healthy_percent: Option<i32>,
    /// How the new version takes over. AWS's default is `ROLLING`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["ROLLING", "BLUE_GREEN"]))]
    pub strategy: Option<String>,
}

/// Who carries deployments out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeploymentController {
    /// The controller. AWS's default is `ECS`.
    #[serde(rename = "Type")]
    #[schemars(extend("enum" = ["ECS", "CODE_DEPLOY", "EXTERNAL"]))]
    pub kind: String,
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

/// A target group that a service's tasks are registered with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct LoadBalancer {
    /// The container that traffic goes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_name: Option<String>,
    /// The container's port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_port: Option<i32>,
    /// The target group. A listener must use it before the service is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_group_arn: Option<String>,
}

/// Where a service's tasks are in the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct NetworkConfiguration {
    /// Their place in a VPC; required for Fargate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub awsvpc_configuration: Option<AwsVpcConfiguration>,
}

/// Where a service's tasks are in a VPC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AwsVpcConfiguration {
    /// Whether tasks get public addresses. AWS's default is `DISABLED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["ENABLED", "DISABLED"]))]
    pub assign_public_ip: Option<String>,
    /// Their security groups, 5 at most. AWS's default is the VPC's default group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_groups: Option<BTreeSet<String>>,
    /// Their subnets, 16 at most.
    pub subnets: BTreeSet<String>,
}

/// Where tasks may run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PlacementConstraint {
    /// An expression of the cluster query language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    /// The kind of constraint.
    #[serde(rename = "Type")]
    #[schemars(extend("enum" = ["distinctInstance", "memberOf"]))]
    pub kind: String,
}

/// How tasks are spread over instances.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PlacementStrategy {
    /// What they are spread or packed by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The kind of strategy.
    #[serde(rename = "Type")]
    #[schemars(extend("enum" = ["binpack", "random", "spread"]))]
    pub kind: String,
}

/// A Cloud Map service that tasks are registered with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ServiceRegistry {
    /// The container, for SRV records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_name: Option<String>,
    /// The container's port, for SRV records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_port: Option<i32>,
    /// The port, where the service was registered with one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<i32>,
    /// The Cloud Map service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry_arn: Option<String>,
}

/// How services find and call each other by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ServiceConnectConfiguration {
    /// Whether Service Connect is used.
    pub enabled: bool,
    /// Where the proxy's logs go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_configuration: Option<LogConfiguration>,
    /// The Cloud Map namespace, by name or ARN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// What this service offers; none for one that only calls others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub services: Option<Vec<ServiceConnectService>>,
}

/// Where logs go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct LogConfiguration {
    /// The driver, such as `awslogs`.
    pub log_driver: String,
    /// Its options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<BTreeMap<String, String>>,
}

/// A port of a task that other services call by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ServiceConnectService {
    /// Names and ports that others call it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_aliases: Option<Vec<ServiceConnectClientAlias>>,
    /// Its name in the namespace. AWS's default is the port's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discovery_name: Option<String>,
    /// The port that the proxy listens on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 65_535))]
    pub ingress_port_override: Option<i32>,
    /// The port mapping's name in the task definition.
    pub port_name: String,
}

/// A name and port that others call a service by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ServiceConnectClientAlias {
    /// The name. AWS's default is `<discovery name>.<namespace>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_name: Option<String>,
    /// The port.
    #[schemars(range(min = 0, max = 65_535))]
    pub port: i32,
}

impl CapacityProviderStrategyItem {
    pub(super) fn sdk(&self) -> Result<sdk::CapacityProviderStrategyItem> {
        let item = sdk::CapacityProviderStrategyItem::builder().capacity_provider(&self.capacity_provider);
        built(item.base(self.base).weight(self.weight).build(), OPERATION)
    }

    pub(super) fn of(item: &sdk::CapacityProviderStrategyItem) -> Self {
        Self { base: item.base(), capacity_provider: item.capacity_provider().to_owned(), weight: item.weight() }
    }
}

impl DeploymentConfiguration {
    /// AWS's defaults: what a configuration that is no longer given goes back to.
    pub(super) fn standard() -> Self {
        Self {
            alarms: Some(DeploymentAlarms { alarm_names: Vec::new(), enable: false, rollback: false }),
            bake_time_in_minutes: None,
            deployment_circuit_breaker: Some(DeploymentCircuitBreaker { enable: false, rollback: false }),
            maximum_percent: Some(200),
            minimum_healthy_percent: Some(100),
            strategy: Some("ROLLING".to_owned()),
        }
    }

    /// These settings, AWS's defaults for those that were set in `old` and no longer are.
    pub(super) fn over(&self, old: Option<&Self>) -> Self {
        let (standard, mut new) = (Self::standard(), self.clone());
        let Some(old) = old else { return new };
        new.alarms = new.alarms.or(standard.alarms.filter(|_| old.alarms.is_some()));
        let breaker = standard.deployment_circuit_breaker.filter(|_| old.deployment_circuit_breaker.is_some());
        new.deployment_circuit_breaker = new.deployment_circuit_breaker.or(breaker);
        new.maximum_percent = new.maximum_percent.or(standard.maximum_percent);
        new.minimum_healthy_percent = new.minimum_healthy_percent.or(standard.minimum_healthy_percent);
        new.strategy = new.strategy.or(standard.strategy.filter(|_| old.strategy.is_some()));
        new
    }

    pub(super) fn sdk(&self) -> Result<sdk::DeploymentConfiguration> {
        let alarms = self.alarms.as_ref().map(|alarms| {
            let names = Some(alarms.alarm_names.clone());
            let builder = sdk::DeploymentAlarms::builder().set_alarm_names(names);
            built(builder.enable(alarms.enable).rollback(alarms.rollback).build(), OPERATION)
        });
        let breaker = self.deployment_circuit_breaker.as_ref().map(|breaker| {
            sdk::DeploymentCircuitBreaker::builder().enable(breaker.enable).rollback(breaker.rollback).build()
        });
        Ok(sdk::DeploymentConfiguration::builder()
            .set_alarms(alarms.transpose()?)
            .set_bake_time_in_minutes(self.bake_time_in_minutes)
            .set_deployment_circuit_breaker(breaker)
            .set_maximum_percent(self.maximum_percent)
            .set_minimum_healthy_percent(self.minimum_healthy_percent)
            .set_strategy(self.strategy.as_deref().map(Into::into))
            .build())
    }

    pub(super) fn of(configuration: &sdk::DeploymentConfiguration) -> Self {
        let breaker = configuration.deployment_circuit_breaker();
        Self {
            alarms: configuration.alarms().map(|alarms| DeploymentAlarms {
                alarm_names: alarms.alarm_names().to_vec(),
                enable: alarms.enable(),
                rollback: alarms.rollback(),
            }),
            bake_time_in_minutes: configuration.bake_time_in_minutes(),
            deployment_circuit_breaker: breaker
                .map(|breaker| DeploymentCircuitBreaker { enable: breaker.enable(), rollback: breaker.rollback() }),
            maximum_percent: configuration.maximum_percent(),
            minimum_healthy_percent: configuration.minimum_healthy_percent(),
            strategy: configuration.strategy().map(ToString::to_string),
        }
    }
}

impl DeploymentController {
    pub(super) fn sdk(&self) -> Result<sdk::DeploymentController> {
        built(sdk::DeploymentController::builder().r#type(self.kind.as_str().into()).build(), OPERATION)
    }
}

impl LoadBalancer {
    pub(super) fn sdk(&self) -> sdk::LoadBalancer {
        sdk::LoadBalancer::builder()
            .set_container_name(self.container_name.clone())
            .set_container_port(self.container_port)
            .set_target_group_arn(self.target_group_arn.clone())
            .build()
    }

    pub(super) fn of(balancer: &sdk::LoadBalancer) -> Self {
        Self {
            container_name: balancer.container_name().map(str::to_owned),
            container_port: balancer.container_port(),
            target_group_arn: balancer.target_group_arn().map(str::to_owned),
        }
    }
}

impl NetworkConfiguration {
    pub(super) fn sdk(&self) -> Result<sdk::NetworkConfiguration> {
        let vpc = self.awsvpc_configuration.as_ref().map(|vpc| {
            let list = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>();
            let builder = sdk::AwsVpcConfiguration::builder().set_subnets(Some(list(&vpc.subnets)));
            let builder = builder.set_security_groups(vpc.security_groups.as_ref().map(list));
            built(builder.set_assign_public_ip(vpc.assign_public_ip.as_deref().map(Into::into)).build(), OPERATION)
        });
        Ok(sdk::NetworkConfiguration::builder().set_awsvpc_configuration(vpc.transpose()?).build())
    }

    pub(super) fn of(network: &sdk::NetworkConfiguration) -> Self {
        Self {
            awsvpc_configuration: network.awsvpc_configuration().map(|vpc| AwsVpcConfiguration {
                assign_public_ip: vpc.assign_public_ip().map(ToString::to_string),
                security_groups: Some(vpc.security_groups().iter().cloned().collect()),
                subnets: vpc.subnets().iter().cloned().collect(),
            }),
        }
    }
}

impl PlacementConstraint {
    pub(super) fn sdk(&self) -> sdk::PlacementConstraint {
        let builder = sdk::PlacementConstraint::builder().r#type(self.kind.as_str().into());
        builder.set_expression(self.expression.clone()).build()
    }

    pub(super) fn of(constraint: &sdk::PlacementConstraint) -> Self {
        Self {
            expression: constraint.expression().map(str::to_owned),
            kind: constraint.r#type().map(ToString::to_string).unwrap_or_default(),
        }
    }
}

impl PlacementStrategy {
    pub(super) fn sdk(&self) -> sdk::PlacementStrategy {
        sdk::PlacementStrategy::builder().r#type(self.kind.as_str().into()).set_field(self.field.clone()).build()
    }

    pub(super) fn of(strategy: &sdk::PlacementStrategy) -> Self {
        Self {
            field: strategy.field().map(str::to_owned),
            kind: strategy.r#type().map(ToString::to_string).unwrap_or_default(),
        }
    }
}

impl ServiceRegistry {
    pub(super) fn sdk(&self) -> sdk::ServiceRegistry {
        sdk::ServiceRegistry::builder()
            .set_container_name(self.container_name.clone())
            .set_container_port(self.container_port)
            .set_port(self.port)
            .set_registry_arn(self.registry_arn.clone())
            .build()
    }

    pub(super) fn of(registry: &sdk::ServiceRegistry) -> Self {
        Self {
            container_name: registry.container_name().map(str::to_owned),
            container_port: registry.container_port(),
            port: registry.port(),
            registry_arn: registry.registry_arn().map(str::to_owned),
        }
    }
}

impl ServiceConnectConfiguration {
    pub(super) fn sdk(&self) -> Result<sdk::ServiceConnectConfiguration> {
        let log = self.log_configuration.as_ref().map(|log| {
            let options = log.options.as_ref().map(|options| options.clone().into_iter().collect());
            let builder = sdk::LogConfiguration::builder().log_driver(log.log_driver.as_str().into());
            built(builder.set_options(options).build(), OPERATION)
        });
        let services = self
            .services
            .as_ref()
            .map(|services| services.iter().map(ServiceConnectService::sdk).collect::<Result<Vec<_>>>());
        Ok(sdk::ServiceConnectConfiguration::builder()
            .enabled(self.enabled)
            .set_log_configuration(log.transpose()?)
            .set_namespace(self.namespace.clone())
            .set_services(services.transpose()?)
            .build())
    }
}

impl ServiceConnectService {
    fn sdk(&self) -> Result<sdk::ServiceConnectService> {
        let aliases = self.client_aliases.iter().flatten().map(|alias| {
            let builder = sdk::ServiceConnectClientAlias::builder().port(alias.port);
            built(builder.set_dns_name(alias.dns_name.clone()).build(), OPERATION)
        });
        let builder = sdk::ServiceConnectService::builder().port_name(&self.port_name);
        let builder = builder.set_client_aliases(Some(aliases.collect::<Result<_>>()?));
        let builder = builder.set_discovery_name(self.discovery_name.clone());
        built(builder.set_ingress_port_override(self.ingress_port_override).build(), OPERATION)
    }
}
