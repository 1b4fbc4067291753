//! Email: what is made twice, what is deleted that is not there, keys without their selector.

use serde_json::Value;

use crate::call::Call;
use crate::error::AwsError;
use crate::facts::Facts;

pub(super) async fn check(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    let json = &call.json;
    let path = call.path.split('?').next().unwrap_or_default();
    match call.operation.as_str() {
        "CreateEmailIdentity" => {
            let identity = json["EmailIdentity"].as_str().unwrap_or_default();
            own_key(&json["DkimSigningAttributes"])?;
            if facts.get("ses", &format!("/v2/email/identities/{identity}")).await?.is_some() {
                let message = format!("Email identity {identity} already exist.");
                return Err(AwsError::refused("AlreadyExistsException", message));
            }
            match json["ConfigurationSetName"].as_str() {
                Some(set) => has_set(set, facts).await,
                None => Ok(()),
            }
        }
        "PutEmailIdentityConfigurationSetAttributes" => {
            exists(identity_of(path), facts).await?;
            match json["ConfigurationSetName"].as_str() {
                Some(set) => has_set(set, facts).await,
                None => Ok(()),
            }
        }
        "PutEmailIdentityDkimSigningAttributes" => {
            own_key(&json["SigningAttributes"])?;
            exists(identity_of(path), facts).await
        }
        "DeleteEmailIdentity"
        | "PutEmailIdentityDkimAttributes"
        | "PutEmailIdentityFeedbackAttributes"
        | "PutEmailIdentityMailFromAttributes" => exists(identity_of(path), facts).await,
        "DeleteConfigurationSet" | "DeleteEmailTemplate" => exists(path, facts).await,
        _ => Ok(()),
    }
}

/// The path of the identity that `path` stands below.
fn identity_of(path: &str) -> &str {
    let end = path.match_indices('/').nth(4).map_or(path.len(), |(at, _)| at);
    path.get(..end).unwrap_or(path)
}

async fn exists(path: &str, facts: &Facts<'_>) -> Result<(), AwsError> {
    let path = path.replacen("/v1/", "/v2/", 1);
    match facts.get("ses", &path).await? {
        Some(_) => Ok(()),
        None => {
            let message = format!("{} does not exist.", path.rsplit('/').next().unwrap_or_default());
            Err(AwsError { status: 404, ..AwsError::refused("NotFoundException", message) })
        }
    }
}

async fn has_set(name: &str, facts: &Facts<'_>) -> Result<(), AwsError> {
    exists(&format!("/v2/email/configuration-sets/{name}"), facts).await
}

/// Refuses a private key without its selector, or the other way round.
fn own_key(attributes: &Value) -> Result<(), AwsError> {
    let given = |name: &str| attributes.get(name).is_some_and(Value::is_string);
    if given("DomainSigningPrivateKey") == given("DomainSigningSelector") {
        return Ok(());
    }
    let message = "DomainSigningSelector and DomainSigningPrivateKey must be given together.";
    Err(AwsError::refused("BadRequestException", message))
}
