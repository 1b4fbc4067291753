//! `AWS::ApplicationAutoScaling::ScalableTarget`.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_applicationautoscaling::types as sdk;
use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::scheduled_action::{self, ScheduledAction};
use super::{Target, in_turn};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::error::{During, built, found};
use crate::aws::mirror::{Mirror, mirror};
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{self as ownership, Tags};
use crate::catalog::{Permissions, Tagging};
use crate::cloud::{CloudError, Op};
use crate::value::Value;

const OPERATION: &str = "application-autoscaling:RegisterScalableTarget";
/// Targets that one call describes.
const DESCRIBE_BATCH: usize = 50;

mirror! {
    /// What of the scaling is suspended.
    pub struct SuspendedState = sdk::SuspendedState {
        /// Whether policies may not take capacity away. AWS's default is false.
        dynamic_scaling_in_suspended(set_dynamic_scaling_in_suspended): Option<bool>,
        /// Whether policies may not add capacity. AWS's default is false.
        dynamic_scaling_out_suspended(set_dynamic_scaling_out_suspended): Option<bool>,
        /// Whether scheduled actions do nothing. AWS's default is false.
        scheduled_scaling_suspended(set_scheduled_scaling_suspended): Option<bool>,
    }
}

/// Something whose capacity scales between two limits, such as the tasks of an ECS service.
///
/// AWS moves the capacity between the limits at once, so an ECS service that scales does not give its `DesiredCount`. A target
/// that is registered already, and not by the stack, is never overwritten. One read describes 50 targets, and their tags one by
/// one.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ScalableTarget {
    /// The most capacity.
    #[schemars(range(min = 0))]
    pub max_capacity: i32,
    /// The least capacity.
    #[schemars(range(min = 0))]
    pub min_capacity: i32,
    /// What scales: `service/<cluster>/<service>` for an ECS service.
    #[schemars(length(min = 1, max = 1600))]
    pub resource_id: String,
    /// The role by which AWS changes the capacity. AWS uses the service's own, `AWSServiceRoleForApplicationAutoScaling_…`,
    /// where it has one, as ECS does.
    #[serde(rename = "RoleARN", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1600), extend("writeOnly" = true))]
    pub role_arn: Option<String>,
    /// Which capacity: `ecs:service:DesiredCount` for an ECS service.
    #[schemars(extend("enum" = [
        "ecs:service:DesiredCount", "ec2:spot-fleet-request:TargetCapacity", "ec2:capacity-reservation:AvailableInstances",
        "elasticmapreduce:instancegroup:InstanceCount", "appstream:fleet:DesiredCapacity", "dynamodb:table:ReadCapacityUnits",
        "dynamodb:table:WriteCapacityUnits", "dynamodb:index:ReadCapacityUnits", "dynamodb:index:WriteCapacityUnits",
        "rds:cluster:ReadReplicaCount", "sagemaker:variant:DesiredInstanceCount",
        "sagemaker:variant:DesiredProvisionedConcurrency", "sagemaker:inference-component:DesiredCopyCount",
        "custom-resource:ResourceType:Property", "comprehend:document-classifier-endpoint:DesiredInferenceUnits",
        "comprehend:entity-recognizer-endpoint:DesiredInferenceUnits", "lambda:function:ProvisionedConcurrency",
        "cassandra:table:ReadCapacityUnits", "cassandra:table:WriteCapacityUnits", "kafka:broker-storage:VolumeSize",
        "elasticache:cache-cluster:Nodes", "elasticache:replication-group:NodeGroups",
        "elasticache:replication-group:Replicas", "neptune:cluster:ReadReplicaCount",
        "workspaces:workspacespool:DesiredUserSessions"
    ]))]
    pub scalable_dimension: String,
    /// Limits that change at some time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("uniqueItems" = true))]
    pub scheduled_actions: Option<Vec<ScheduledAction>>,
    /// The service that it belongs to, such as `ecs`.
    #[schemars(extend("enum" = [
        "ecs", "elasticmapreduce", "ec2", "appstream", "dynamodb", "rds", "sagemaker", "custom-resource", "comprehend",
        "lambda", "cassandra", "kafka", "elasticache", "neptune", "workspaces"
    ]))]
    pub service_namespace: String,
    /// What of the scaling is suspended. AWS's default is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspended_state: Option<SuspendedState>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// What AWS tells of a scalable target.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// Its id, which a policy takes as `ScalingTargetId`.
    pub id: String,
}

impl Resource for ScalableTarget {
    const TYPE: &'static str = "AWS::ApplicationAutoScaling::ScalableTarget";
    const CREATE_ONLY: &'static [&'static str] = &["ResourceId", "ScalableDimension", "ServiceNamespace"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["ResourceId", "ScalableDimension", "ServiceNamespace"]];
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &[
            "application-autoscaling:RegisterScalableTarget",
            "application-autoscaling:DescribeScalableTargets",
            "application-autoscaling:ListTagsForResource",
            "application-autoscaling:TagResource",
            "application-autoscaling:PutScheduledAction",
            "iam:CreateServiceLinkedRole",
            "iam:PassRole",
        ],
        read: &[
            "application-autoscaling:DescribeScalableTargets",
            "application-autoscaling:DescribeScheduledActions",
            "application-autoscaling:ListTagsForResource",
        ],
        update: &[
            "application-autoscaling:RegisterScalableTarget",
            "application-autoscaling:DescribeScalableTargets",
            "application-autoscaling:PutScheduledAction",
            "application-autoscaling:DeleteScheduledAction",
            "application-autoscaling:TagResource",
            "application-autoscaling:UntagResource",
            "iam:PassRole",
        ],
        delete: &["application-autoscaling:DeregisterScalableTarget"],
    };
    const READ_BATCH: usize = DESCRIBE_BATCH;
    type Outputs = Outputs;

    fn normalize(properties: &mut Value) {
        scheduled_action::normalize(properties);
    }

    async fn create(&self, aws: &Aws, op: &Op) -> Result<Id> {
        let target = self.target();
        // Registering again changes what is there, whoever's it is.
        if let Some(found) = tags_at(aws, &target).await? {
            ownership::made_by(op, &format!("a scalable target for {}", target.resource), &found, OPERATION)?;
        }
        let tags: HashMap<String, String> = self.tags.0.clone().into_iter().collect();
        self.register(aws, self.suspended_state.as_ref(), Some(tags)).await?;
        Ok(target.id())
    }

    async fn settle(&self, aws: &Aws, _op: &Op, _id: &Id) -> Result<()> {
        scheduled_action::change(aws, &self.target(), &[], self.scheduled_actions.as_deref().unwrap_or_default()).await
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let mut namespaces: BTreeMap<String, Vec<Target>> = BTreeMap::new();
        for target in ids.iter().filter_map(|id| Target::parse(id.as_str()).ok()) {
            namespaces.entry(target.namespace.clone()).or_default().push(target);
        }
        let reads = namespaces.into_values().map(|targets| async move { read_namespace(aws, targets).await });
        Ok(try_join_all(reads).await?.into_iter().flatten().collect())
    }

    async fn update(&self, aws: &Aws, _op: &Op, _id: &Id, old: &Self) -> Result<()> {
        let target = self.target();
        let limits = |it: &Self| (it.min_capacity, it.max_capacity, it.role_arn.clone());
        if limits(self) != limits(old) || self.suspended_state != old.suspended_state {
            // What is not sent stays as it is.
            let resumed = |flag: fn(&SuspendedState) -> Option<bool>| self.suspended_state.as_ref().and_then(flag);
            let state = old.suspended_state.as_ref().or(self.suspended_state.as_ref()).map(|_| SuspendedState {
                dynamic_scaling_in_suspended: Some(resumed(|it| it.dynamic_scaling_in_suspended).unwrap_or(false)),
                dynamic_scaling_out_suspended: Some(resumed(|it| it.dynamic_scaling_out_suspended).unwrap_or(false)),
                scheduled_scaling_suspended: Some(resumed(|it| it.scheduled_scaling_suspended).unwrap_or(false)),
            });
            self.register(aws, state.as_ref(), None).await?;
        }
        let actions = |it: &'_ Self| it.scheduled_actions.clone().unwrap_or_default();
        scheduled_action::change(aws, &target, &actions(old), &actions(self)).await?;
        self.retag(aws, &target, old).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        const OPERATION: &str = "application-autoscaling:DeregisterScalableTarget";
        let target = Target::parse(id.as_str())?;
        let call = aws
            .auto_scaling()
            .deregister_scalable_target()
            .service_namespace(target.namespace())
            .resource_id(&target.resource)
            .scalable_dimension(target.dimension());
        in_turn(aws, OPERATION, || async { call.clone().send().await.during(OPERATION) }).await?;
        Ok(())
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        let target = self.target();
        let tags = tags_at(aws, &target).await?;
        Ok(tags.filter(|tags| tags.have(&ownership::of_op(op))).map(|_| target.id()))
    }
}

impl ScalableTarget {
    fn target(&self) -> Target {
        Target {
            namespace: self.service_namespace.clone(),
            resource: self.resource_id.clone(),
            dimension: self.scalable_dimension.clone(),
        }
    }

    async fn register(
        &self,
        aws: &Aws,
        suspended: Option<&SuspendedState>,
        tags: Option<HashMap<String, String>>,
    ) -> Result<()> {
        let target = self.target();
        let call = aws
            .auto_scaling()
            .register_scalable_target()
            .service_namespace(target.namespace())
            .resource_id(&target.resource)
            .scalable_dimension(target.dimension())
            .min_capacity(self.min_capacity)
            .max_capacity(self.max_capacity)
            .set_role_arn(self.role_arn.clone())
            .set_suspended_state(suspended.map(|state| built(state.sdk(), OPERATION)).transpose()?.flatten())
            .set_tags(tags);
        in_turn(aws, OPERATION, || async { call.clone().send().await.during(OPERATION) }).await?;
        Ok(())
    }

    async fn retag(&self, aws: &Aws, target: &Target, old: &Self) -> Result<()> {
        let (set, removed) = self.tags.changes(&old.tags);
        if set.is_empty() && removed.is_empty() {
            return Ok(());
        }
        let Some(arn) = arn_of(aws, target).await? else { return Ok(()) };
        if !set.is_empty() {
            let tags: HashMap<String, String> = set.0.into_iter().collect();
            let call = aws.auto_scaling().tag_resource().resource_arn(&arn).set_tags(Some(tags));
            call.send().await.during("application-autoscaling:TagResource")?;
        }
        if !removed.is_empty() {
            let call = aws.auto_scaling().untag_resource().resource_arn(&arn).set_tag_keys(Some(removed));
            call.send().await.during("application-autoscaling:UntagResource")?;
        }
        Ok(())
    }
}

/// Those of `targets`, which are of one namespace and at most [`DESCRIBE_BATCH`], that are registered.
async fn describe(aws: &Aws, targets: &[Target]) -> Result<Vec<(Target, sdk::ScalableTarget)>> {
    let Some(first) = targets.first() else { return Ok(Vec::new()) };
    let resources = targets.iter().map(|target| target.resource.clone()).collect();
    let call = aws.auto_scaling().describe_scalable_targets().service_namespace(first.namespace());
    let pages = call.set_resource_ids(Some(resources)).into_paginator().items().send();
    let told = pages.collect::<std::result::Result<Vec<_>, _>>().await;
    let told = found(told.during("application-autoscaling:DescribeScalableTargets"))?.unwrap_or_default();
    let told = told.into_iter().map(|it| (of(&it), it));
    Ok(told.filter(|(target, _)| targets.contains(target)).collect())
}

fn of(told: &sdk::ScalableTarget) -> Target {
    Target {
        namespace: told.service_namespace.to_string(),
        resource: told.resource_id.clone(),
        dimension: told.scalable_dimension.to_string(),
    }
}

async fn arn_of(aws: &Aws, target: &Target) -> Result<Option<String>> {
    let told = describe(aws, std::slice::from_ref(target)).await?;
    Ok(told.into_iter().find_map(|(_, told)| told.scalable_target_arn))
}

/// The tags of `target`; nothing where it is not registered.
async fn tags_at(aws: &Aws, target: &Target) -> Result<Option<Tags>> {
    match arn_of(aws, target).await? {
        Some(arn) => tags_of(aws, &arn).await,
        None => Ok(None),
    }
}

async fn tags_of(aws: &Aws, arn: &str) -> Result<Option<Tags>> {
    let call = aws.auto_scaling().list_tags_for_resource().resource_arn(arn);
    let answer = found(call.send().await.during("application-autoscaling:ListTagsForResource"))?;
    Ok(answer.map(|answer| answer.tags.unwrap_or_default().into_iter().collect()))
}

async fn read_namespace(aws: &Aws, targets: Vec<Target>) -> Result<Vec<Observed<ScalableTarget>>> {
    let (told, mut actions) = futures::try_join!(describe(aws, &targets), scheduled_action::of_targets(aws, &targets))?;
    let told = told.into_iter().map(|(target, told)| {
        let actions = actions.remove(&target);
        (target, told, actions)
    });
    let reads = told.collect::<Vec<_>>().into_iter().map(|(target, told, actions)| async move {
        let tags = tags_of(aws, told.scalable_target_arn().unwrap_or_default()).await?;
        Ok::<_, CloudError>(tags.map(|tags| observed(target, told, actions, tags)))
    });
    Ok(try_join_all(reads).await?.into_iter().flatten().collect())
}

fn observed(
    target: Target,
    told: sdk::ScalableTarget,
    scheduled_actions: Option<Vec<ScheduledAction>>,
    tags: Tags,
) -> Observed<ScalableTarget> {
    let id = target.id();
    let outputs = Outputs { id: id.as_str().to_owned() };
    let properties = ScalableTarget {
        max_capacity: told.max_capacity,
        min_capacity: told.min_capacity,
        resource_id: target.resource,
        role_arn: None,
        scalable_dimension: target.dimension,
        scheduled_actions,
        service_namespace: target.namespace,
        suspended_state: Mirror::of(told.suspended_state),
        tags,
    };
    Observed { id, properties, outputs }
}
