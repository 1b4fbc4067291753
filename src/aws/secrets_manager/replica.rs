//! Copies of a secret in other regions.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::types::{ReplicaRegionType, StatusType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DEFAULT_KEY, describe};
use crate::aws::client::Aws;
use crate::aws::error::During;
use crate::aws::resource::Result;
use crate::aws::wait::{self, Probe};

/// How long a copy may take.
const REPLICATION: Duration = Duration::from_secs(300);

/// A region that a secret is copied to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ReplicaRegion {
    /// The region.
    #[schemars(length(min = 1, max = 128))]
    pub region: String,
    /// The KMS key of that region with which the copy is encrypted, by id, ARN or alias. AWS's default is its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<String>,
}

/// The regions that a secret is copied to; none where there are none.
pub(super) fn told(secret: &DescribeSecretOutput) -> Option<BTreeSet<ReplicaRegion>> {
    let replicas = secret.replication_status().iter().filter_map(|status| {
        let kms_key_id = status.kms_key_id.clone().filter(|key| key != DEFAULT_KEY);
        Some(ReplicaRegion { region: status.region.clone()?, kms_key_id })
    });
    Some(replicas.collect()).filter(|replicas: &BTreeSet<_>| !replicas.is_empty())
}

/// Deletes the copies `gone` and makes the copies `new`, and waits until they are as the secret is.
pub(super) async fn change<'a>(
    aws: &Aws,
    id: &str,
    gone: impl IntoIterator<Item = &'a ReplicaRegion>,
    new: impl IntoIterator<Item = &'a ReplicaRegion>,
) -> Result<()> {
    let gone: Vec<String> = gone.into_iter().map(|replica| replica.region.clone()).collect();
    if !gone.is_empty() {
        remove(aws, id, gone).await?;
    }
    let new: Vec<_> = new
        .into_iter()
        .map(|replica| {
            let region = ReplicaRegionType::builder().region(&replica.region);
            region.set_kms_key_id(replica.kms_key_id.clone()).build()
        })
        .collect();
    if new.is_empty() {
        return Ok(());
    }
    let call = aws.secrets_manager().replicate_secret_to_regions().secret_id(id).set_add_replica_regions(Some(new));
    call.send().await.during("secretsmanager:ReplicateSecretToRegions")?;
    in_sync(aws, id).await
}

/// Deletes the copies in `regions`, and waits until they are gone.
pub(super) async fn remove(aws: &Aws, id: &str, regions: Vec<String>) -> Result<()> {
    let call = aws.secrets_manager().remove_regions_from_replication().secret_id(id);
    let call = call.set_remove_replica_regions(Some(regions.clone()));
    call.send().await.during("secretsmanager:RemoveRegionsFromReplication")?;
    wait::until(aws, "secretsmanager:DescribeSecret", REPLICATION, || async {
        let secret = describe(aws, id).await?;
        let left = secret.iter().flat_map(|secret| secret.replication_status());
        let mut left = left.filter_map(|status| status.region());
        let is_left = left.any(|region| regions.iter().any(|removed| removed == region));
        Ok(if is_left { Probe::Pending("replicated".to_owned()) } else { Probe::Ready(()) })
    })
    .await
}

/// Waits until all copies are as the secret is.
pub(super) async fn in_sync(aws: &Aws, id: &str) -> Result<()> {
    wait::until(aws, "secretsmanager:DescribeSecret", REPLICATION, || async {
        let Some(secret) = describe(aws, id).await? else { return Ok(Probe::Pending("not there".to_owned())) };
        let mut pending = None;
        for status in secret.replication_status() {
            let region = status.region().unwrap_or_default();
            match status.status() {
                Some(StatusType::Failed) => {
                    let why = status.status_message().unwrap_or("no reason given");
                    return Ok(Probe::Failed(format!("the copy in {region} failed: {why}")));
                }
                Some(StatusType::InSync) => {}
                _ => pending = Some(format!("being copied to {region}")),
            }
        }
        Ok(pending.map_or(Probe::Ready(()), Probe::Pending))
    })
    .await
}
