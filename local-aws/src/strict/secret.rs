//! Secrets: names that are still taken, tokens that are too short, copies that must go first.

use serde_json::json;

use crate::call::Call;
use crate::error::AwsError;
use crate::facts::Facts;
use crate::view::secret::replicas;

/// Characters that a client token may have.
const TOKEN: std::ops::RangeInclusive<usize> = 32..=64;

pub(super) async fn check(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    if let Some(token) = call.json["ClientRequestToken"].as_str()
        && !TOKEN.contains(&token.chars().count())
    {
        let message = "ClientRequestToken must be from 32 to 64 characters long.";
        return Err(AwsError::refused("InvalidParameterException", message));
    }
    let id = match call.operation.as_str() {
        "CreateSecret" => &call.json["Name"],
        "DeleteSecret" => &call.json["SecretId"],
        _ => return Ok(()),
    };
    let secret = facts.json("secretsmanager", "secretsmanager.DescribeSecret", &json!({ "SecretId": id })).await?;
    let Some(secret) = secret else { return Ok(()) };
    let why = match call.operation.as_str() {
        "CreateSecret" if !secret["DeletedDate"].is_null() => {
            "You can't create this secret because a secret with this name is already scheduled for deletion."
        }
        "DeleteSecret" if !replicas(&secret, facts.shared).is_empty() => {
            "You can't delete secret that still has replica regions."
        }
        _ => return Ok(()),
    };
    Err(AwsError::refused("InvalidRequestException", why))
}
