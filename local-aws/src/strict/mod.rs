//! The refusals of AWS that the emulator leaves out, one file a group.

pub(crate) mod address;
mod certificate;
mod cloud_map;
mod ecs;
mod flow_log;
pub(crate) mod internet_gateway;
mod key;
mod listener;
mod load_balancer;
mod metric_filter;
mod policy;
pub(crate) mod queue;
pub(crate) mod references;
mod route_table;
pub(crate) mod scaling;
mod secret;
mod security_group;
mod ses;
mod sns;
mod subnet;
pub(crate) mod tags;
pub(crate) mod target_group;
mod vpc;
mod vpc_endpoint;

use crate::call::{Call, Protocol};
use crate::error::AwsError;
use crate::facts::Facts;

/// Says whether there are rules for what `call` changes, so that it must not be done while another is judged.
pub(crate) fn has_rules(call: &Call) -> bool {
    let named = matches!(call.operation.as_str(), "CreateQueue" | "DeleteQueue");
    let service = call.scope.service.as_str();
    let services =
        ["acm", "ec2", "ecs", "elasticloadbalancing", "kms", "secretsmanager", "servicediscovery", "ses", "sns"];
    !call.is_read() && (named || services.contains(&service))
}

/// Refuses `call` where AWS would.
pub(crate) async fn check(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    if !call.is_read() {
        tags::check(call)?;
        by_service(call, facts).await?;
    }
    if call.protocol == Protocol::Ec2 && call.parameter("DryRun") == Some("true") {
        let message = "Request would have succeeded, but DryRun flag is set.";
        return Err(AwsError { status: 412, ..AwsError::refused("DryRunOperation", message) });
    }
    Ok(())
}

async fn by_service(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    match call.scope.service.as_str() {
        "acm" => certificate::check(call, facts).await,
        "ec2" => {
            references::check(call, facts).await?;
            address::check(call, facts).await?;
            internet_gateway::check(call, facts).await?;
            route_table::check(call, facts).await?;
            security_group::check(call, facts).await?;
            subnet::check(call, facts).await?;
            vpc::check(call, facts).await?;
            vpc_endpoint::check(call, facts).await?;
            flow_log::check(call, facts).await
        }
        "elasticloadbalancing" => {
            listener::check(call, facts).await?;
            load_balancer::check(call, facts).await?;
            target_group::check(call, facts).await
        }
        "ecs" => ecs::check(call, facts).await,
        "iam" => policy::check(call),
        "kms" => key::check(call, facts).await,
        "logs" => metric_filter::check(call),
        "secretsmanager" => secret::check(call, facts).await,
        "servicediscovery" => cloud_map::check(call, facts).await,
        "ses" => ses::check(call, facts).await,
        "sns" => sns::check(call, facts).await,
        "sqs" => queue::check(call, facts),
        _ => Ok(()),
    }
}
