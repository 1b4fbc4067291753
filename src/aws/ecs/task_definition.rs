//! `AWS::ECS::TaskDefinition`.

use std::collections::BTreeSet;

use aws_sdk_ecs::operation::describe_task_definition::DescribeTaskDefinitionOutput;
use aws_sdk_ecs::types::{SortOrder, TaskDefinitionField, TaskDefinitionStatus};
use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::container::ContainerDefinition;
use super::task_parts::{
    EphemeralStorage, ProxyConfiguration, RuntimePlatform, TaskDefinitionPlacementConstraint, Volume,
};
use super::{retag, tag_list, tags};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::error::{During, built};
use crate::aws::mirror::Mirror;
use crate::aws::of::Of;
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{self as ownership, Tags};
use crate::catalog::{GeneratedName, Permissions, Tagging};
use crate::cloud::{CloudError, ErrorKind, Op};
use crate::value::Value;

/// Newest revisions of a family among which a lost one is looked for.
const RECENT: i32 = 10;

/// A task definition: which containers run together, and with what.
///
/// Each change registers a new revision, and the old one is deregistered once nothing refers to it; revisions that others
/// registered are left alone. The API reads them one by one.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TaskDefinition {
    /// The containers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("uniqueItems" = true))]
    pub container_definitions: Option<Vec<ContainerDefinition>>,
    /// CPU units of the task, 1024 to a core: `"256"`. Required for Fargate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<String>,
    /// Whether fault injection is let through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_fault_injection: Option<bool>,
    /// The size of the task's ephemeral storage; Fargate only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ephemeral_storage: Option<EphemeralStorage>,
    /// The role with which ECS pulls images, reads secrets and writes logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^arn:[^:]+:iam::[0-9]*:role/.+$"))]
    pub execution_role_arn: Option<String>,
    /// The family that the revisions belong to; made from the stack's and the resource's where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255), regex(pattern = r"^[a-zA-Z0-9_-]+$"))]
    pub family: Option<String>,
    /// Whose IPC namespace the containers share; not for Fargate.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["host", "task", "none"]))]
    pub ipc_mode: Option<String>,
    /// MiB of memory of the task: `"512"`. Required for Fargate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
    /// How the containers are in the network. AWS's default is `bridge`; Fargate needs `awsvpc`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["awsvpc", "bridge", "host", "none"]))]
    pub network_mode: Option<String>,
    /// Whose process namespace the containers share.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["host", "task"]))]
    pub pid_mode: Option<String>,
    /// Where tasks may run; not for Fargate.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("uniqueItems" = true))]
    pub placement_constraints: Option<Vec<TaskDefinitionPlacementConstraint>>,
    /// The App Mesh proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_configuration: Option<ProxyConfiguration>,
    /// What the task must be able to run on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("items" = { "type": "string", "enum": ["EC2", "EXTERNAL", "FARGATE", "MANAGED_INSTANCES"] }))]
    pub requires_compatibilities: Option<BTreeSet<String>>,
    /// The operating system and processor. AWS's default is Linux on X86_64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_platform: Option<RuntimePlatform>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// The role that the containers call AWS with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^arn:[^:]+:iam::[0-9]*:role/.+$"))]
    pub task_role_arn: Option<String>,
    /// Volumes that containers can mount.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("uniqueItems" = true))]
    pub volumes: Option<Vec<Volume>>,
}

/// What AWS tells of a task definition.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// Its ARN, with its revision.
    pub task_definition_arn: String,
}

impl Resource for TaskDefinition {
    const TYPE: &'static str = "AWS::ECS::TaskDefinition";
    const CREATE_ONLY: &'static [&'static str] = &[
        "ContainerDefinitions",
        "Cpu",
        "EnableFaultInjection",
        "EphemeralStorage",
        "ExecutionRoleArn",
        "Family",
        "IpcMode",
        "Memory",
        "NetworkMode",
        "PidMode",
        "PlacementConstraints",
        "ProxyConfiguration",
        "RequiresCompatibilities",
        "RuntimePlatform",
        "TaskRoleArn",
        "Volumes",
    ];
    const GENERATED_NAME: Option<GeneratedName> =
        Some(GeneratedName { property: "Family", max_length: 255, lower_case: false });
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &[
            "ecs:RegisterTaskDefinition",
            "ecs:DescribeTaskDefinition",
            "ecs:ListTaskDefinitions",
            "ecs:TagResource",
            "iam:PassRole",
        ],
        read: &["ecs:DescribeTaskDefinition"],
        update: &["ecs:TagResource", "ecs:UntagResource"],
        delete: &["ecs:DeregisterTaskDefinition"],
    };
    type Outputs = Outputs;

    /// Brings sizes into units of CPU and MiB, however they are written.
    fn normalize(properties: &mut Value) {
        let Value::Map(map) = properties else { return };
        for (name, unit) in [("Cpu", "vcpu"), ("Memory", "gb")] {
            if let Some(Value::String(text)) = map.get_mut(name)
                && let Some(size) = thousandfold(text, unit)
            {
                *text = size;
            }
        }
    }

    async fn create(&self, aws: &Aws, _op: &Op) -> Result<Id> {
        const OPERATION: &str = "ecs:RegisterTaskDefinition";
        let compatibilities = self.requires_compatibilities.as_ref();
        let call = aws
            .ecs()
            .register_task_definition()
            .set_container_definitions(built(self.container_definitions.sdk(), OPERATION)?)
            .set_cpu(self.cpu.clone())
            .set_enable_fault_injection(self.enable_fault_injection)
            .set_ephemeral_storage(built(self.ephemeral_storage.sdk(), OPERATION)?)
            .set_execution_role_arn(self.execution_role_arn.clone())
            .set_family(self.family.clone())
            .set_ipc_mode(self.ipc_mode.as_deref().map(Into::into))
            .set_memory(self.memory.clone())
            .set_network_mode(self.network_mode.as_deref().map(Into::into))
            .set_pid_mode(self.pid_mode.as_deref().map(Into::into))
            .set_placement_constraints(built(self.placement_constraints.sdk(), OPERATION)?)
            .set_proxy_configuration(built(self.proxy_configuration.sdk(), OPERATION)?)
            .set_requires_compatibilities(
                compatibilities.map(|set| set.iter().map(|text| text.as_str().into()).collect()),
            )
            .set_runtime_platform(built(self.runtime_platform.sdk(), OPERATION)?)
            .set_tags(tag_list(&self.tags))
            .set_task_role_arn(self.task_role_arn.clone())
            .set_volumes(built(self.volumes.sdk(), OPERATION)?);
        let answer = call.send().await.during(OPERATION)?;
        let arn = answer.task_definition().and_then(|definition| definition.task_definition_arn());
        arn.map(Id::new).ok_or_else(|| CloudError::new(ErrorKind::Lost, OPERATION, "the answer holds no ARN"))
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let reads = ids.iter().map(|id| describe(aws, id.as_str()));
        Ok(try_join_all(reads).await?.into_iter().flatten().filter_map(observed).collect())
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        retag(aws, id.as_str(), &old.tags, &self.tags).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        const OPERATION: &str = "ecs:DeregisterTaskDefinition";
        let call = aws.ecs().deregister_task_definition().task_definition(id.as_str());
        match call.send().await.during(OPERATION) {
            Err(error) if is_gone(&error) => Ok(()),
            outcome => outcome.map(|_| ()),
        }
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        let Some(family) = &self.family else { return Ok(None) };
        let call = aws.ecs().list_task_definitions().family_prefix(family).status(TaskDefinitionStatus::Active);
        let answer = call.sort(SortOrder::Desc).max_results(RECENT).send().await.during("ecs:ListTaskDefinitions")?;
        let found = try_join_all(answer.task_definition_arns().iter().map(|arn| describe(aws, arn))).await?;
        let ours = found.iter().flatten().find(|found| tags(found.tags()).have(&ownership::of_op(op)));
        let arn = ours.and_then(|found| found.task_definition()).and_then(|found| found.task_definition_arn());
        Ok(arn.map(Id::new))
    }
}

/// `.5 vCPU` or `2GB` as ECS tells it: in 1024ths of the unit.
fn thousandfold(text: &str, unit: &str) -> Option<String> {
    let number: f64 = text.trim().to_lowercase().strip_suffix(unit)?.trim().parse().ok()?;
    Some((number * 1024.0).round().to_string())
}

/// Whether there is no such revision, or no longer; ECS has no code of its own for it.
fn is_gone(error: &CloudError) -> bool {
    let says = |words: &str| error.message.to_lowercase().contains(words);
    let is_client = matches!(error.code.as_str(), "ClientException" | "InvalidParameterException");
    error.kind == ErrorKind::NotFound
        || is_client && ["unable to describe", "does not exist", "inactive"].iter().any(|words| says(words))
}

async fn describe(aws: &Aws, arn: &str) -> Result<Option<DescribeTaskDefinitionOutput>> {
    let call = aws.ecs().describe_task_definition().task_definition(arn).include(TaskDefinitionField::Tags);
    match call.send().await.during("ecs:DescribeTaskDefinition") {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The properties of a task definition as ECS tells them, of one that was deregistered too.
pub(super) async fn told(aws: &Aws, arn: &str) -> Result<Option<Value>> {
    let Some(told) = describe(aws, arn).await?.and_then(of_any_status) else { return Ok(None) };
    Of::<TaskDefinition>::live(told).map(|live| Some(live.properties))
}

/// The task definition; nothing where it was deregistered.
fn observed(found: DescribeTaskDefinitionOutput) -> Option<Observed<TaskDefinition>> {
    let status = found.task_definition().and_then(|definition| definition.status());
    if !matches!(status, None | Some(TaskDefinitionStatus::Active)) {
        return None;
    }
    of_any_status(found)
}

fn of_any_status(found: DescribeTaskDefinitionOutput) -> Option<Observed<TaskDefinition>> {
    let tags = tags(found.tags());
    let definition = found.task_definition?;
    let arn = definition.task_definition_arn?;
    let compatibilities = definition.requires_compatibilities.filter(|list| !list.is_empty());
    let compatibilities = compatibilities.map(|list| list.iter().map(ToString::to_string).collect());
    Some(Observed {
        id: Id::new(&arn),
        properties: TaskDefinition {
            container_definitions: Mirror::of(definition.container_definitions),
            cpu: definition.cpu,
            enable_fault_injection: definition.enable_fault_injection,
            ephemeral_storage: Mirror::of(definition.ephemeral_storage),
            execution_role_arn: definition.execution_role_arn,
            family: definition.family,
            ipc_mode: definition.ipc_mode.map(|mode| mode.to_string()),
            memory: definition.memory,
            network_mode: definition.network_mode.map(|mode| mode.to_string()),
            pid_mode: definition.pid_mode.map(|mode| mode.to_string()),
            placement_constraints: Mirror::of(definition.placement_constraints),
            proxy_configuration: Mirror::of(definition.proxy_configuration),
            requires_compatibilities: compatibilities,
            runtime_platform: Mirror::of(definition.runtime_platform),
            tags,
            task_role_arn: definition.task_role_arn,
            volumes: Mirror::of(definition.volumes),
        },
        outputs: Outputs { task_definition_arn: arn },
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sizes_are_the_same_however_they_are_written() {
        let table = [("256", "512"), (".25 vCPU", "0.5 GB"), ("0.25vcpu", ".5GB")];
        for (cpu, memory) in table {
            let mut properties = Value::from(json!({"Cpu": cpu, "Memory": memory}));
            TaskDefinition::normalize(&mut properties);
            assert_eq!(properties, Value::from(json!({"Cpu": "256", "Memory": "512"})));
        }
    }
}
