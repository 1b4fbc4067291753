//! Queues: when one was deleted.

use crate::call::Call;
use crate::clock::Wait;
use crate::shared::Shared;
use crate::strict::queue::key;

pub(super) fn note(call: &Call, shared: &Shared) {
    if call.operation == "DeleteQueue" {
        let url = call.json["QueueUrl"].as_str().unwrap_or_default();
        let name = url.rsplit('/').next().unwrap_or(url);
        shared.clock().begin(&key(call, name), Wait::QueueDeleted);
    }
}
