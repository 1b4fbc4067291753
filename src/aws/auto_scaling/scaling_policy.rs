//! `AWS::ApplicationAutoScaling::ScalingPolicy`.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_applicationautoscaling::types as sdk;
use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::predictive_parts::PredictiveScalingPolicyConfiguration;
use super::target_tracking_parts::{StepScalingPolicyConfiguration, TargetTrackingScalingPolicyConfiguration};
use super::{Target, in_turn};
use crate::address::Id;
use crate::aws::alike::alike;
use crate::aws::client::Aws;
use crate::aws::error::{During, built, found};
use crate::aws::mirror::Mirror;
use crate::aws::resource::{Observed, Resource, Result};
use crate::catalog::Permissions;
use crate::cloud::{CloudError, ErrorKind, Op};

const OPERATION: &str = "application-autoscaling:PutScalingPolicy";
/// Policies that one call describes by name.
const DESCRIBE_BATCH: usize = 50;

/// How a scalable target's capacity changes: to keep a metric at a value, by steps when an alarm is raised, or by a forecast.
///
/// It names its target by `ScalingTargetId`, or by `ResourceId`, `ScalableDimension` and `ServiceNamespace`. A policy of the
/// same name and target that is not the stack's is never overwritten. One read describes 50 policies.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ScalingPolicy {
    /// The policy's name, one of its kind in the target.
    #[schemars(length(min = 1, max = 256), regex(pattern = r"^\P{Cc}+$"))]
    pub policy_name: String,
    /// The kind of policy.
    #[schemars(extend("enum" = ["StepScaling", "TargetTrackingScaling", "PredictiveScaling"]))]
    pub policy_type: String,
    /// What is forecast, for `PredictiveScaling`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predictive_scaling_policy_configuration: Option<PredictiveScalingPolicyConfiguration>,
    /// What scales: `service/<cluster>/<service>` for an ECS service.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1600))]
    pub resource_id: Option<String>,
    /// Which capacity: `ecs:service:DesiredCount` for an ECS service.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = [
        "ecs:service:DesiredCount", "ec2:spot-fleet-request:TargetCapacity", "elasticmapreduce:instancegroup:InstanceCount",
        "appstream:fleet:DesiredCapacity", "dynamodb:table:ReadCapacityUnits", "dynamodb:table:WriteCapacityUnits",
        "dynamodb:index:ReadCapacityUnits", "dynamodb:index:WriteCapacityUnits", "rds:cluster:ReadReplicaCount",
        "sagemaker:variant:DesiredInstanceCount", "sagemaker:variant:DesiredProvisionedConcurrency",
        "sagemaker:inference-component:DesiredCopyCount", "custom-resource:ResourceType:Property",
        "comprehend:document-classifier-endpoint:DesiredInferenceUnits",
        "comprehend:entity-recognizer-endpoint:DesiredInferenceUnits", "lambda:function:ProvisionedConcurrency",
        "cassandra:table:ReadCapacityUnits", "cassandra:table:WriteCapacityUnits", "kafka:broker-storage:VolumeSize",
        "elasticache:cache-cluster:Nodes", "elasticache:replication-group:NodeGroups",
        "elasticache:replication-group:Replicas", "neptune:cluster:ReadReplicaCount",
        "workspaces:workspacespool:DesiredUserSessions"
    ]))]
    pub scalable_dimension: Option<String>,
    /// The scalable target, by its `Id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scaling_target_id: Option<String>,
    /// The service that it belongs to, such as `ecs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = [
        "ecs", "elasticmapreduce", "ec2", "appstream", "dynamodb", "rds", "sagemaker", "custom-resource", "comprehend",
        "lambda", "cassandra", "kafka", "elasticache", "neptune", "workspaces"
    ]))]
    pub service_namespace: Option<String>,
    /// The steps, for `StepScaling`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_scaling_policy_configuration: Option<StepScalingPolicyConfiguration>,
    /// The metric and its value, for `TargetTrackingScaling`. AWS makes the alarms that it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_tracking_scaling_policy_configuration: Option<TargetTrackingScalingPolicyConfiguration>,
}

/// What AWS tells of a scaling policy.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// Its ARN, which an alarm takes as action.
    pub arn: String,
}

impl Resource for ScalingPolicy {
    const TYPE: &'static str = "AWS::ApplicationAutoScaling::ScalingPolicy";
    const CREATE_ONLY: &'static [&'static str] =
        &["PolicyName", "ResourceId", "ScalableDimension", "ScalingTargetId", "ServiceNamespace"];
    const UNIQUE: &'static [&'static [&'static str]] =
        &[&["PolicyName", "ScalingTargetId"], &["PolicyName", "ResourceId", "ScalableDimension", "ServiceNamespace"]];
    const PERMISSIONS: Permissions = Permissions {
        create: &[
            "application-autoscaling:PutScalingPolicy",
            "application-autoscaling:DescribeScalingPolicies",
            "cloudwatch:PutMetricAlarm",
            "cloudwatch:DescribeAlarms",
            "cloudwatch:DeleteAlarms",
        ],
        read: &["application-autoscaling:DescribeScalingPolicies"],
        update: &[
            "application-autoscaling:PutScalingPolicy",
            "cloudwatch:PutMetricAlarm",
            "cloudwatch:DescribeAlarms",
            "cloudwatch:DeleteAlarms",
        ],
        delete: &["application-autoscaling:DeleteScalingPolicy", "cloudwatch:DeleteAlarms"],
    };
    const READ_BATCH: usize = DESCRIBE_BATCH;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, _op: &Op) -> Result<Id> {
        let target = self.target()?;
        // Putting changes what is there, whoever's it is.
        if self.existing(aws, &target).await?.is_some() {
            let name = &self.policy_name;
            let why = format!("a policy named {name} of {} exists already, and is not on record", target.resource);
            return Err(CloudError::new(ErrorKind::Conflict, OPERATION, why));
        }
        let arn = self.put(aws, &target).await?;
        Ok(id(&arn, &target.dimension))
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let mut namespaces: BTreeMap<Target, BTreeSet<String>> = BTreeMap::new();
        for (target, name) in ids.iter().filter_map(parts) {
            namespaces.entry(target).or_default().insert(name);
        }
        // The call is for one namespace, and takes one target or all.
        let mut asked: BTreeMap<String, Vec<(Target, BTreeSet<String>)>> = BTreeMap::new();
        for (target, names) in namespaces {
            asked.entry(target.namespace.clone()).or_default().push((target, names));
        }
        let reads = asked.into_values().map(|asked| async move {
            let only = if let [(target, _)] = asked.as_slice() { Some(target.clone()) } else { None };
            let Some(namespace) = asked.first().map(|(target, _)| target.namespace()) else { return Ok(Vec::new()) };
            let names: BTreeSet<String> = asked.into_iter().flat_map(|(_, names)| names).collect();
            describe(aws, namespace, only.as_ref(), names.into_iter().collect()).await
        });
        let told = try_join_all(reads).await?.into_iter().flatten().map(observed);
        Ok(told.filter(|told| ids.contains(&told.id)).collect())
    }

    async fn update(&self, aws: &Aws, _op: &Op, _id: &Id, _old: &Self) -> Result<()> {
        // It replaces the whole configuration: what is no longer given goes back to AWS's default.
        self.put(aws, &self.target()?).await?;
        Ok(())
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        const OPERATION: &str = "application-autoscaling:DeleteScalingPolicy";
        let Some((target, name)) = parts(id) else {
            return Err(CloudError::new(ErrorKind::Invalid, OPERATION, format!("`{id}` names no scaling policy")));
        };
        let call = aws
            .auto_scaling()
            .delete_scaling_policy()
            .service_namespace(target.namespace())
            .resource_id(&target.resource)
            .scalable_dimension(target.dimension())
            .policy_name(name);
        in_turn(aws, OPERATION, || async { call.clone().send().await.during(OPERATION) }).await?;
        Ok(())
    }

    /// It takes no tags; what says the same is as good as what was lost.
    async fn find(&self, aws: &Aws, _op: &Op) -> Result<Option<Id>> {
        let found = self.existing(aws, &self.target()?).await?.map(observed);
        Ok(found.filter(|found| alike(self, &found.properties)).map(|found| found.id))
    }
}

impl ScalingPolicy {
    fn target(&self) -> Result<Target> {
        if let Some(id) = &self.scaling_target_id {
            return Target::parse(id);
        }
        match (&self.service_namespace, &self.resource_id, &self.scalable_dimension) {
            (Some(namespace), Some(resource), Some(dimension)) => {
                Ok(Target { namespace: namespace.clone(), resource: resource.clone(), dimension: dimension.clone() })
            }
            _ => {
                let why = "it needs ScalingTargetId, or ResourceId, ScalableDimension and ServiceNamespace";
                Err(CloudError::new(ErrorKind::Invalid, OPERATION, why))
            }
        }
    }

    /// The policy of that name and target.
    async fn existing(&self, aws: &Aws, target: &Target) -> Result<Option<sdk::ScalingPolicy>> {
        let names = vec![self.policy_name.clone()];
        Ok(describe(aws, target.namespace(), Some(target), names).await?.into_iter().next())
    }

    /// Returns the policy's ARN.
    async fn put(&self, aws: &Aws, target: &Target) -> Result<String> {
        let step = &self.step_scaling_policy_configuration;
        let tracking = &self.target_tracking_scaling_policy_configuration;
        let predictive = &self.predictive_scaling_policy_configuration;
        let call = aws
            .auto_scaling()
            .put_scaling_policy()
            .service_namespace(target.namespace())
            .resource_id(&target.resource)
            .scalable_dimension(target.dimension())
            .policy_name(&self.policy_name)
            .policy_type(self.policy_type.as_str().into())
            .set_predictive_scaling_policy_configuration(built(predictive.sdk(), OPERATION)?)
            .set_step_scaling_policy_configuration(built(step.sdk(), OPERATION)?)
            .set_target_tracking_scaling_policy_configuration(built(tracking.sdk(), OPERATION)?);
        let answer = in_turn(aws, OPERATION, || async { call.clone().send().await.during(OPERATION) }).await?;
        Ok(answer.policy_arn)
    }
}

fn id(arn: &str, dimension: &str) -> Id {
    Id::compound(&[arn, dimension])
}

/// The target and the name of the policy that `id` names: its ARN ends with
/// `:resource/<namespace>/<resource>:policyName/<name>`.
fn parts(id: &Id) -> Option<(Target, String)> {
    let (arn, dimension) = id.as_str().rsplit_once('|')?;
    let (_, rest) = arn.split_once(":resource/")?;
    let (namespace, rest) = rest.split_once('/')?;
    let (resource, name) = rest.split_once(":policyName/")?;
    let target = Target { namespace: namespace.into(), resource: resource.into(), dimension: dimension.into() };
    Some((target, name.to_owned()))
}

/// The policies of a namespace with one of `names`, at most [`DESCRIBE_BATCH`], of one target or of all.
async fn describe(
    aws: &Aws,
    namespace: sdk::ServiceNamespace,
    target: Option<&Target>,
    names: Vec<String>,
) -> Result<Vec<sdk::ScalingPolicy>> {
    let mut call = aws.auto_scaling().describe_scaling_policies().service_namespace(namespace);
    if let Some(target) = target {
        call = call.resource_id(&target.resource).scalable_dimension(target.dimension());
    }
    let told = call.set_policy_names(Some(names)).into_paginator().items().send();
    let told = told.collect::<std::result::Result<Vec<_>, _>>().await;
    Ok(found(told.during("application-autoscaling:DescribeScalingPolicies"))?.unwrap_or_default())
}

fn observed(policy: sdk::ScalingPolicy) -> Observed<ScalingPolicy> {
    let target = Target {
        namespace: policy.service_namespace.to_string(),
        resource: policy.resource_id,
        dimension: policy.scalable_dimension.to_string(),
    };
    let properties = ScalingPolicy {
        policy_name: policy.policy_name,
        policy_type: policy.policy_type.to_string(),
        predictive_scaling_policy_configuration: Mirror::of(policy.predictive_scaling_policy_configuration),
        scaling_target_id: Some(target.id().as_str().to_owned()),
        step_scaling_policy_configuration: Mirror::of(policy.step_scaling_policy_configuration),
        target_tracking_scaling_policy_configuration: Mirror::of(policy.target_tracking_scaling_policy_configuration),
        resource_id: Some(target.resource),
        scalable_dimension: Some(target.dimension.clone()),
        service_namespace: Some(target.namespace),
    };
    let id = id(&policy.policy_arn, &target.dimension);
    Observed { id, properties, outputs: Outputs { arn: policy.policy_arn } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_tells_the_target_and_the_name() {
        let arn = "arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:0-1:resource/ecs/service/main/web:policyName/a:b|c/d";
        let (target, name) = parts(&id(arn, "ecs:service:DesiredCount")).expect("its parts");
        assert_eq!(target.id().as_str(), "service/main/web|ecs:service:DesiredCount|ecs");
        assert_eq!(Target::parse(target.id().as_str()), Ok(target));
        assert_eq!(name, "a:b|c/d");
        assert_eq!(parts(&Id::new("arn:aws:x|y")), None);
    }
}
