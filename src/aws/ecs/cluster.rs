//! `AWS::ECS::Cluster`.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_ecs::types::{self as sdk, ClusterField, ClusterServiceConnectDefaultsRequest};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::service_parts::CapacityProviderStrategyItem;
use super::{retag, service_calls, tag_list, tags};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::error::{During, built};
use crate::aws::in_use::Holder;
use crate::aws::mirror::{Mirror, Word, mirror};
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{self as ownership, Tags};
use crate::aws::wait::{self, Probe};
use crate::catalog::{GeneratedName, Permissions, Tagging};
use crate::cloud::{CloudError, ErrorKind, Op};

/// Clusters that one call describes.
const DESCRIBE_BATCH: usize = 100;
/// How long a cluster may take to attach its capacity providers, or to go.
const TIMEOUT: Duration = Duration::from_secs(10 * 60);

mirror! {
    /// A setting.
    pub struct ClusterSetting = sdk::ClusterSetting {
        /// The setting's name.
        #[schemars(extend("enum" = ["containerInsights"]))]
        name(set_name): Option<Word<sdk::ClusterSettingName>>,
        /// Its value: `enabled`, `enhanced` or `disabled`.
        value(set_value): Option<String>,
    }

    /// How commands run in containers, and what storage is encrypted with.
    pub struct ClusterConfiguration = sdk::ClusterConfiguration {
        /// How commands run in containers.
        execute_command_configuration(set_execute_command_configuration): Option<ExecuteCommandConfiguration>,
        /// What storage is encrypted with.
        managed_storage_configuration(set_managed_storage_configuration): Option<ManagedStorageConfiguration>,
    }

    /// How commands run in containers.
    pub struct ExecuteCommandConfiguration = sdk::ExecuteCommandConfiguration {
        /// The KMS key that the session is encrypted with.
        kms_key_id(set_kms_key_id): Option<String>,
        /// Where its output is logged, with `Logging: OVERRIDE`.
        log_configuration(set_log_configuration): Option<ExecuteCommandLogConfiguration>,
        /// Whether its output is logged as the task's is, elsewhere, or not.
        #[schemars(extend("enum" = ["DEFAULT", "OVERRIDE", "NONE"]))]
        logging(set_logging): Option<Word<sdk::ExecuteCommandLogging>>,
    }

    /// Where the output of commands is logged.
    pub struct ExecuteCommandLogConfiguration = sdk::ExecuteCommandLogConfiguration {
        /// Whether the log group is encrypted.
        cloud_watch_encryption_enabled(set_cloud_watch_encryption_enabled): Option<bool>,
        /// The log group.
        cloud_watch_log_group_name(set_cloud_watch_log_group_name): Option<String>,
        /// The S3 bucket.
        s3_bucket_name(set_s3_bucket_name): Option<String>,
        /// Whether what is put in the bucket is encrypted.
        s3_encryption_enabled(set_s3_encryption_enabled): Option<bool>,
        /// The folder in the bucket.
        s3_key_prefix(set_s3_key_prefix): Option<String>,
    }

    /// What storage is encrypted with.
    pub struct ManagedStorageConfiguration = sdk::ManagedStorageConfiguration {
        /// The KMS key of Fargate's ephemeral storage.
        fargate_ephemeral_storage_kms_key_id(set_fargate_ephemeral_storage_kms_key_id): Option<String>,
        /// The KMS key of volumes that ECS manages.
        kms_key_id(set_kms_key_id): Option<String>,
    }
}

/// The namespace that services use where they name none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ServiceConnectDefaults {
    /// The Cloud Map namespace, by its ARN: `${Namespace.Arn}`.
    #[schemars(regex(pattern = r"^arn:[^:]+:servicediscovery:[^:]+:[0-9]+:namespace/.+$"))]
    pub namespace: String,
}

/// A cluster: where services and tasks run.
///
/// One read describes 100 of them.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Cluster {
    /// Capacity providers that may run tasks: `FARGATE`, `FARGATE_SPOT` or names of your own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity_providers: Option<BTreeSet<String>>,
    /// The cluster's name; made from the stack's and the resource's where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255), regex(pattern = r"^[a-zA-Z0-9_-]+$"))]
    pub cluster_name: Option<String>,
    /// Settings; those that are not given are left as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-key" = "Name"))]
    pub cluster_settings: Option<Vec<ClusterSetting>>,
    /// How commands run in containers, and what storage is encrypted with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration: Option<ClusterConfiguration>,
    /// Which capacity providers run tasks that name none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("uniqueItems" = true))]
    pub default_capacity_provider_strategy: Option<Vec<CapacityProviderStrategyItem>>,
    /// The namespace that services use where they name none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_connect_defaults: Option<ServiceConnectDefaults>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// What AWS tells of a cluster.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// Its ARN.
    pub arn: String,
}

impl Resource for Cluster {
    const TYPE: &'static str = "AWS::ECS::Cluster";
    const CREATE_ONLY: &'static [&'static str] = &["ClusterName"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["ClusterName"]];
    const GENERATED_NAME: Option<GeneratedName> =
        Some(GeneratedName { property: "ClusterName", max_length: 255, lower_case: false });
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &["ecs:CreateCluster", "ecs:DescribeClusters", "ecs:TagResource", "iam:CreateServiceLinkedRole"],
        read: &["ecs:DescribeClusters"],
        update: &[
            "ecs:UpdateCluster",
            "ecs:PutClusterCapacityProviders",
            "ecs:DescribeClusters",
            "ecs:TagResource",
            "ecs:UntagResource",
        ],
        delete: &["ecs:DeleteCluster", "ecs:DescribeClusters", "ecs:ListServices", "ecs:DescribeServices"],
    };
    const READ_BATCH: usize = DESCRIBE_BATCH;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, op: &Op) -> Result<Id> {
        const OPERATION: &str = "ecs:CreateCluster";
        let call = aws
            .ecs()
            .create_cluster()
            .set_capacity_providers(self.capacity_providers.as_ref().map(|set| set.iter().cloned().collect()))
            .set_cluster_name(self.cluster_name.clone())
            .set_settings(built(self.cluster_settings.sdk(), OPERATION)?)
            .set_configuration(built(self.configuration.sdk(), OPERATION)?)
            .set_default_capacity_provider_strategy(built(self.default_capacity_provider_strategy.sdk(), OPERATION)?)
            .set_service_connect_defaults(self.connect_defaults(OPERATION)?)
            .set_tags(tag_list(&self.tags));
        let answer = call.send().await.during(OPERATION)?;
        let name = answer.cluster().and_then(|cluster| cluster.cluster_name());
        let name = name.ok_or_else(|| CloudError::new(ErrorKind::Lost, OPERATION, "the answer holds no name"))?;
        // It answers with the cluster of that name that was there before, if there was one.
        if let Some(found) = describe(aws, vec![name.to_owned()]).await?.first() {
            ownership::made_by(op, &format!("a cluster named {name}"), &tags(found.tags()), OPERATION)?;
        }
        Ok(Id::new(name))
    }

    async fn settle(&self, aws: &Aws, _op: &Op, id: &Id) -> Result<()> {
        wait::until(aws, "ecs:DescribeClusters", TIMEOUT, || async {
            let clusters = describe_any(aws, vec![id.as_str().to_owned()]).await?;
            let Some(cluster) = clusters.first() else { return Ok(Probe::Pending("not visible".to_owned())) };
            Ok(match (cluster.status(), cluster.attachments_status()) {
                (Some("FAILED"), _) => Probe::Failed("the cluster failed".to_owned()),
                (_, Some("UPDATE_FAILED")) => Probe::Failed("its capacity providers could not be attached".to_owned()),
                (_, Some("UPDATE_IN_PROGRESS")) => Probe::Pending("attaching capacity providers".to_owned()),
                (Some("ACTIVE"), _) => Probe::Ready(()),
                (status, _) => Probe::Pending(status.unwrap_or("not active").to_lowercase()),
            })
        })
        .await
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let clusters = describe(aws, ids.iter().map(|id| id.as_str().to_owned()).collect()).await?;
        Ok(clusters.into_iter().map(observed).collect())
    }

    async fn update(&self, aws: &Aws, op: &Op, id: &Id, old: &Self) -> Result<()> {
        const OPERATION: &str = "ecs:UpdateCluster";
        let mut call = aws.ecs().update_cluster().cluster(id.as_str());
        let mut changes = false;
        if self.cluster_settings != old.cluster_settings {
            changes = true;
            call = call.set_settings(built(self.settings_after(old).sdk(), OPERATION)?);
        }
        if self.configuration != old.configuration {
            changes = true;
            let none = ClusterConfiguration::of(None);
            call = call.set_configuration(built(self.configuration.as_ref().unwrap_or(&none).sdk(), OPERATION)?);
        }
        if self.service_connect_defaults != old.service_connect_defaults {
            changes = true;
            call = call.set_service_connect_defaults(self.connect_defaults(OPERATION)?);
        }
        if changes {
            call.send().await.during(OPERATION)?;
        }
        if self.capacity_providers != old.capacity_providers
            || self.default_capacity_provider_strategy != old.default_capacity_provider_strategy
        {
            let providers = self.capacity_providers.iter().flatten().cloned().collect();
            let strategy = built(self.default_capacity_provider_strategy.sdk(), OPERATION)?.unwrap_or_default();
            let call = aws.ecs().put_cluster_capacity_providers().cluster(id.as_str());
            let call =
                call.set_capacity_providers(Some(providers)).set_default_capacity_provider_strategy(Some(strategy));
            call.send().await.during("ecs:PutClusterCapacityProviders")?;
            self.settle(aws, op, id).await?;
        }
        if self.tags != old.tags {
            let clusters = describe(aws, vec![id.as_str().to_owned()]).await?;
            let arn = clusters.first().and_then(|cluster| cluster.cluster_arn()).unwrap_or_default();
            retag(aws, arn, &old.tags, &self.tags).await?;
        }
        Ok(())
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        aws.ecs().delete_cluster().cluster(id.as_str()).send().await.during("ecs:DeleteCluster")?;
        wait::until(aws, "ecs:DescribeClusters", TIMEOUT, || async {
            let clusters = describe_any(aws, vec![id.as_str().to_owned()]).await?;
            let left = clusters.iter().find(|cluster| cluster.status() != Some("INACTIVE"));
            let status = |cluster: &sdk::Cluster| cluster.status().unwrap_or("there").to_lowercase();
            Ok(left.map_or(Probe::Ready(()), |cluster| Probe::Pending(status(cluster))))
        })
        .await
    }

    /// The first services in it: as many as one call describes.
    async fn holders(aws: &Aws, id: &Id) -> Result<Vec<Holder>> {
        let listed = aws.ecs().list_services().cluster(id.as_str()).send().await.during("ecs:ListServices")?;
        let arns = listed.service_arns.unwrap_or_default();
        if arns.is_empty() {
            return Ok(Vec::new());
        }
        let services = service_calls::describe_any(aws, id.as_str(), arns).await?;
        let holder = |service: &sdk::Service| Holder {
            what: format!("service {}", service.service_name().unwrap_or_default()),
            tags: tags(service.tags()).0,
            passes: service.status() != Some("ACTIVE"),
        };
        Ok(services.iter().map(holder).collect())
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        let Some(name) = &self.cluster_name else { return Ok(None) };
        let clusters = describe(aws, vec![name.clone()]).await?;
        let ours = clusters.iter().find(|cluster| tags(cluster.tags()).have(&ownership::of_op(op)));
        Ok(ours.and_then(|cluster| cluster.cluster_name()).map(Id::new))
    }
}

impl Cluster {
    /// The settings, those that are gone at AWS's default.
    fn settings_after(&self, old: &Self) -> Vec<ClusterSetting> {
        let new = self.cluster_settings.clone().unwrap_or_default();
        let gone = old.cluster_settings.iter().flatten().filter(|old| new.iter().all(|new| new.name != old.name));
        let reset = gone.map(|old| ClusterSetting { name: old.name.clone(), value: Some("disabled".to_owned()) });
        let reset: Vec<_> = reset.collect();
        new.into_iter().chain(reset).collect()
    }

    fn connect_defaults(&self, operation: &str) -> Result<Option<ClusterServiceConnectDefaultsRequest>> {
        let namespace = self.service_connect_defaults.as_ref().map(|defaults| defaults.namespace.clone());
        let request = |namespace: String| {
            let builder = ClusterServiceConnectDefaultsRequest::builder().namespace(namespace);
            built(builder.build(), operation)
        };
        match namespace {
            Some(namespace) => request(namespace).map(Some),
            // An empty namespace takes the default away.
            None if operation == "ecs:UpdateCluster" => request(String::new()).map(Some),
            None => Ok(None),
        }
    }
}

/// The clusters by name; those that are gone or going are left out.
async fn describe(aws: &Aws, clusters: Vec<String>) -> Result<Vec<sdk::Cluster>> {
    let mut clusters = describe_any(aws, clusters).await?;
    clusters.retain(|cluster| !matches!(cluster.status(), Some("INACTIVE" | "DEPROVISIONING")));
    Ok(clusters)
}

async fn describe_any(aws: &Aws, clusters: Vec<String>) -> Result<Vec<sdk::Cluster>> {
    let fields = [ClusterField::Configurations, ClusterField::Settings, ClusterField::Tags, ClusterField::Attachments];
    let call = aws.ecs().describe_clusters().set_clusters(Some(clusters)).set_include(Some(fields.to_vec()));
    Ok(call.send().await.during("ecs:DescribeClusters")?.clusters.unwrap_or_default())
}

fn observed(cluster: sdk::Cluster) -> Observed<Cluster> {
    let name = cluster.cluster_name.clone().unwrap_or_default();
    let namespace = cluster.service_connect_defaults.and_then(|defaults| defaults.namespace);
    Observed {
        id: Id::new(&name),
        properties: Cluster {
            capacity_providers: Some(cluster.capacity_providers.into_iter().flatten().collect()),
            default_capacity_provider_strategy: Some(Mirror::of(cluster.default_capacity_provider_strategy)),
            tags: tags(cluster.tags.as_deref().unwrap_or_default()),
            cluster_name: Some(name),
            cluster_settings: Mirror::of(cluster.settings),
            configuration: Mirror::of(cluster.configuration),
            service_connect_defaults: namespace
                .filter(|arn| !arn.is_empty())
                .map(|namespace| ServiceConnectDefaults { namespace }),
        },
        outputs: Outputs { arn: cluster.cluster_arn.unwrap_or_default() },
    }
}
