//! What AWS tells of services while they run: the commands `status`, `logs` and `rollback` ask it.

use aws_smithy_types::DateTime;
use jiff::Timestamp;

use super::resource::Result;
use super::{AwsCloud, cloudwatch, ecs, sqs};
use crate::address::Id;
use crate::cloud::Op;
use crate::cloud::services::{Before, LogLine, LogsAsked, Managed, Services, Status};

impl Services for AwsCloud {
    async fn under_way(&self, service: &Id) -> Result<Option<String>> {
        ecs::rollback::under_way(&self.aws, service).await
    }

    async fn take_back(&self, op: &Op, service: &Id) -> Result<String> {
        ecs::rollback::take_back(&self.aws, op, service).await
    }

    async fn served_before(&self, service: &Id) -> Result<Before> {
        ecs::rollback::served_before(&self.aws, service).await
    }

    async fn status(&self, resources: &[Managed]) -> Result<Status> {
        let (services, alarms, queues) = tokio::try_join!(
            ecs::status::status(&self.aws, resources),
            cloudwatch::status::status(&self.aws, resources),
            sqs::status::status(&self.aws, resources),
        )?;
        Ok(Status { services, alarms, queues })
    }

    async fn logs(&self, service: &Id, asked: &LogsAsked) -> Result<Vec<LogLine>> {
        ecs::logs::of_service(&self.aws, service, asked).await
    }
}

/// A time as AWS tells it.
pub(super) fn time(told: Option<&DateTime>) -> Option<Timestamp> {
    let told = told?;
    Timestamp::new(told.secs(), i32::try_from(told.subsec_nanos()).ok()?).ok()
}
