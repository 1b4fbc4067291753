//! Application Auto Scaling: targets that scale, and the policies by which they do.

mod predictive_parts;
mod scalable_target;
mod scaling_policy;
mod scheduled_action;
mod target_tracking_parts;

pub use scalable_target::ScalableTarget;
pub use scaling_policy::ScalingPolicy;

use std::future::Future;
use std::time::Duration;

use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};

use super::client::Aws;
use super::resource::Result;
use super::wait::{self, Probe};
use crate::address::Id;
use crate::cloud::{CloudError, ErrorKind};

/// How long another change of the same target may take.
const CONCURRENT_UPDATE: Duration = Duration::from_secs(60);

/// What scales: the three values that CloudFormation's `ScalingTargetId` is made of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Target {
    namespace: String,
    resource: String,
    dimension: String,
}

impl Target {
    fn namespace(&self) -> ServiceNamespace {
        self.namespace.as_str().into()
    }

    fn dimension(&self) -> ScalableDimension {
        self.dimension.as_str().into()
    }

    fn id(&self) -> Id {
        Id::compound(&[&self.resource, &self.dimension, &self.namespace])
    }

    /// The target that `id` names; fails where it names none.
    fn parse(id: &str) -> Result<Self> {
        let mut parts = id.rsplitn(3, '|');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(namespace), Some(dimension), Some(resource)) => {
                Ok(Self { namespace: namespace.into(), resource: resource.into(), dimension: dimension.into() })
            }
            _ => {
                let why = format!("`{id}` is not <resource>|<dimension>|<namespace>");
                Err(CloudError::new(ErrorKind::Invalid, "application-autoscaling", why))
            }
        }
    }
}

/// Repeats `call` while another change of the same target is under way: AWS takes one at a time.
async fn in_turn<T, F, Fut>(aws: &Aws, operation: &str, call: F) -> Result<T>
where
    T: Send,
    F: Fn() -> Fut + Send + Sync,
    Fut: Future<Output = Result<T>> + Send,
{
    wait::until(aws, operation, CONCURRENT_UPDATE, || async {
        match call().await {
            Ok(value) => Ok(Probe::Ready(value)),
            Err(error) if error.code == "ConcurrentUpdateException" => {
                Ok(Probe::Pending("busy with another change of the same target".to_owned()))
            }
            Err(error) => Err(error),
        }
    })
    .await
}
