//! KMS keys: what can't be done to one that is disabled or scheduled for deletion, and policies that would lock everybody out.

use serde_json::{Value, json};

use crate::ACCOUNT_ID;
use crate::call::Call;
use crate::error::AwsError;
use crate::facts::Facts;

pub(super) async fn check(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    if call.json["BypassPolicyLockoutSafetyCheck"] != true
        && let Some(policy) = call.json["Policy"].as_str()
    {
        lets_it_be_changed(policy)?;
    }
    let id = call.json["TargetKeyId"].as_str().or_else(|| call.json["KeyId"].as_str());
    let Some(id) = id.filter(|_| call.operation != "CancelKeyDeletion") else { return Ok(()) };
    let input = json!({ "KeyId": id });
    let Some(answer) = facts.json("kms", "TrentService.DescribeKey", &input).await? else { return Ok(()) };
    let key = &answer["KeyMetadata"];
    let (arn, state) = (key["Arn"].as_str().unwrap_or_default(), key["KeyState"].as_str().unwrap_or_default());
    if matches!(state, "PendingDeletion" | "PendingReplicaDeletion") {
        let message = format!("{arn} is pending deletion.");
        return Err(AwsError::refused("KMSInvalidStateException", message));
    }
    if !matches!(call.operation.as_str(), "EnableKeyRotation" | "DisableKeyRotation") {
        return Ok(());
    }
    if key["KeySpec"] != "SYMMETRIC_DEFAULT" || key["Origin"] != "AWS_KMS" {
        let message = format!("{arn} origin or key spec is not valid for this operation.");
        return Err(AwsError::refused("UnsupportedOperationException", message));
    }
    if state == "Disabled" {
        return Err(AwsError::refused("DisabledException", format!("{arn} is disabled.")));
    }
    Ok(())
}

/// Refuses a policy that does not let the caller, who is the account, change it again.
fn lets_it_be_changed(policy: &str) -> Result<(), AwsError> {
    const CODE: &str = "MalformedPolicyDocumentException";
    let Ok(policy) = serde_json::from_str::<Value>(policy) else {
        return Err(AwsError::refused(CODE, "The policy is not a valid JSON document."));
    };
    let statements = list(&policy["Statement"]);
    let allows = |statement: &&Value| {
        let actions = list(&statement["Action"]);
        let principal = &statement["Principal"];
        let principals = if principal.is_string() { vec![principal] } else { list(&principal["AWS"]) };
        let is_caller = |principal: &&Value| {
            let text = principal.as_str().unwrap_or_default();
            text == "*" || text == ACCOUNT_ID || text.contains(&format!(":{ACCOUNT_ID}:"))
        };
        let changes =
            |action: &&Value| matches!(action.as_str(), Some("*" | "kms:*" | "kms:Put*" | "kms:PutKeyPolicy"));
        statement["Effect"] == "Allow" && actions.iter().any(changes) && principals.iter().any(is_caller)
    };
    if statements.iter().any(allows) {
        return Ok(());
    }
    let message = "The new key policy will not allow you to update the key policy in the future.";
    Err(AwsError::refused(CODE, message))
}

/// One value or a list of them, as a list.
pub(super) fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(list) => list.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}
