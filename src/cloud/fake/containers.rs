//! The types of a service that is deployed, in AWS's names but without its schemas: what `deploy` and the lints are about.

use serde_json::{Map, Value as Json, json};

use super::catalog::base;
use crate::catalog::{Tagging, TypeInfo};

/// The types, with the properties and outputs that tests use.
pub(super) fn types() -> [TypeInfo; 7] {
    [
        TypeInfo {
            properties: properties(
                &["Cluster", "TaskDefinition", "LaunchType", "SchedulingStrategy"],
                &["DesiredCount", "HealthCheckGracePeriodSeconds"],
                &[
                    "DeploymentConfiguration",
                    "DeploymentController",
                    "NetworkConfiguration",
                    "ServiceConnectConfiguration",
                ],
                &["LoadBalancers"],
            ),
            outputs: properties(&["Name", "ServiceArn"], &[], &[], &[]),
            ..base("AWS::ECS::Service")
        },
        TypeInfo {
            properties: properties(&["Family"], &[], &[], &["ContainerDefinitions"]),
            outputs: properties(&["TaskDefinitionArn"], &[], &[], &[]),
            ..base("AWS::ECS::TaskDefinition")
        },
        TypeInfo {
            properties: properties(
                &["Protocol", "HealthCheckPath", "HealthCheckProtocol"],
                &["Port"],
                &["HealthCheckEnabled"],
                &["TargetGroupAttributes"],
            ),
            outputs: properties(&["TargetGroupArn"], &[], &[], &[]),
            tags: Some(Tagging::List),
            ..base("AWS::ElasticLoadBalancingV2::TargetGroup")
        },
        TypeInfo {
            properties: properties(&["LoadBalancerArn"], &["Port"], &[], &["DefaultActions"]),
            outputs: properties(&["ListenerArn"], &[], &[], &[]),
            ..base("AWS::ElasticLoadBalancingV2::Listener")
        },
        TypeInfo {
            properties: properties(&["ListenerArn"], &["Priority"], &[], &["Actions", "Conditions"]),
            outputs: properties(&["RuleArn"], &[], &[], &[]),
            ..base("AWS::ElasticLoadBalancingV2::ListenerRule")
        },
        TypeInfo {
            properties: properties(&["AvailabilityZone", "CidrBlock"], &[], &[], &[]),
            outputs: properties(&["SubnetId"], &[], &[], &[]),
            ..base("AWS::EC2::Subnet")
        },
        TypeInfo {
            properties: properties(&["ResourceId"], &["MinCapacity", "MaxCapacity"], &[], &[]),
            ..base("AWS::ApplicationAutoScaling::ScalableTarget")
        },
    ]
}

fn properties(texts: &[&str], numbers: &[&str], any: &[&str], lists: &[&str]) -> Json {
    let kinds = [(texts, json!({"type": "string"})), (numbers, json!({"type": "integer"})), (any, json!({}))];
    let list = (lists, json!({"type": "array", "items": {}}));
    let entries = kinds
        .iter()
        .chain([&list])
        .flat_map(|(names, schema)| names.iter().map(move |name| ((*name).to_owned(), schema.clone())));
    json!({"type": "object", "additionalProperties": false, "properties": entries.collect::<Map<_, _>>()})
}
