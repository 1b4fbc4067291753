//! The refusals of AWS that the emulator leaves out, one file a group.

pub(crate) mod address;
mod ecs;
pub(crate) mod internet_gateway;
mod listener;
mod load_balancer;
pub(crate) mod queue;
pub(crate) mod references;
mod route_table;
mod security_group;
mod subnet;
mod tags;
pub(crate) mod target_group;
mod vpc;

use crate::call::Call;
use crate::error::AwsError;
use crate::facts::Facts;

/// Refuses `call` where AWS would.
pub(crate) async fn check(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    if call.is_read() {
        return Ok(());
    }
    tags::check(call)?;
    match call.scope.service.as_str() {
        "ec2" => {
            references::check(call, facts).await?;
            address::check(call, facts).await?;
            internet_gateway::check(call, facts).await?;
            route_table::check(call, facts).await?;
            security_group::check(call, facts).await?;
            subnet::check(call, facts).await?;
            vpc::check(call, facts).await
        }
        "elasticloadbalancing" => {
            listener::check(call, facts).await?;
            load_balancer::check(call, facts).await?;
            target_group::check(call, facts).await
        }
        "ecs" => ecs::check(call, facts).await,
        "sqs" => queue::check(call, facts),
        _ => Ok(()),
    }
}
