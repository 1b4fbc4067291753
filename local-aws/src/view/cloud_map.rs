//! Cloud Map: an operation is `PENDING` for a while.

use serde_json::{Value, json};

use crate::call::Call;
use crate::clock::Wait;
use crate::shared::Shared;

pub(super) fn show(call: &Call, answer: &mut Value, shared: &Shared) {
    if call.scope.service != "servicediscovery" {
        return;
    }
    if let Some(id) = answer["OperationId"].as_str() {
        shared.clock().begin(id, Wait::CloudMapOperation);
    }
    let Some(operation) = answer.get_mut("Operation").filter(|_| call.operation == "GetOperation") else { return };
    if shared.clock().waits(operation["Id"].as_str().unwrap_or_default(), Wait::CloudMapOperation) {
        operation["Status"] = json!("PENDING");
    }
}
