//! Queues: a deleted one's name is not free for a minute.

use crate::call::Call;
use crate::clock::Wait;
use crate::error::AwsError;
use crate::facts::Facts;

pub(super) fn check(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    if call.operation != "CreateQueue" {
        return Ok(());
    }
    let Some(name) = call.json["QueueName"].as_str() else { return Ok(()) };
    if facts.shared.clock().waits(&key(call, name), Wait::QueueDeleted) {
        let message =
            "You must wait 60 seconds after deleting a queue before you can create another with the same name.";
        return Err(AwsError::refused("AWS.SimpleQueueService.QueueDeletedRecently", message));
    }
    Ok(())
}

/// Returns what the clock knows a queue by.
pub(crate) fn key(call: &Call, name: &str) -> String {
    format!("sqs/{}/{name}", call.scope.region)
}
