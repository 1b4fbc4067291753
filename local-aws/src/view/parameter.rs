//! Parameters: policies one by one, as AWS tells them; the emulator tells the text that it was given.

use serde_json::{Value, json};

use crate::call::Call;

pub(super) fn show(call: &Call, answer: &mut Value) {
    if call.scope.service != "ssm" || call.operation != "DescribeParameters" {
        return;
    }
    for parameter in answer["Parameters"].as_array_mut().into_iter().flatten() {
        let text = parameter["Policies"].as_str().unwrap_or_default();
        let policies: Vec<Value> = serde_json::from_str(text).unwrap_or_default();
        let typed = policies.iter().filter(|policy| policy["Type"].is_string());
        let told = typed.map(|policy| {
            json!({ "PolicyText": policy.to_string(), "PolicyType": policy["Type"], "PolicyStatus": "Pending" })
        });
        parameter["Policies"] = told.collect();
    }
}
