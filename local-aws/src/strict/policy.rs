//! IAM's policies: resources that do not say which service's they are.

use serde_json::Value;

use super::key::list;
use crate::call::Call;
use crate::error::AwsError;

pub(super) fn check(call: &Call) -> Result<(), AwsError> {
    if !matches!(call.operation.as_str(), "CreatePolicy" | "CreatePolicyVersion" | "PutRolePolicy") {
        return Ok(());
    }
    let document = call.parameter("PolicyDocument").and_then(|text| serde_json::from_str::<Value>(text).ok());
    let Some(document) = document else { return Ok(()) };
    let resources = list(&document["Statement"])
        .into_iter()
        .flat_map(|statement| ["Resource", "NotResource"].into_iter().flat_map(|key| list(&statement[key])));
    resources.filter_map(Value::as_str).try_for_each(is_qualified)
}

/// Refuses an ARN with a wildcard in its partition or service.
fn is_qualified(resource: &str) -> Result<(), AwsError> {
    let mut segments = resource.strip_prefix("arn:").into_iter().flat_map(|rest| rest.split(':'));
    let has_wildcard = |segment: Option<&str>| segment.is_some_and(|segment| segment.contains(['*', '?']));
    let partition = segments.next();
    if has_wildcard(partition) {
        let partition = partition.unwrap_or_default();
        let message = format!("Partition \"{partition}\" is not valid for resource \"{resource}\".");
        return Err(AwsError::refused("MalformedPolicyDocument", message));
    }
    if has_wildcard(segments.next()) {
        let message = "Resource vendor must be fully qualified and cannot contain regexes.";
        return Err(AwsError::refused("MalformedPolicyDocument", message));
    }
    Ok(())
}
