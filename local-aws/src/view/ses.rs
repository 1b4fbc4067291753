//! Email: what ministack does not keep of identities, and tags of identities and templates.

use serde_json::{Value, json};

use crate::ACCOUNT_ID;
use crate::call::{Call, decode, form};
use crate::error::AwsError;
use crate::facts::Facts;
use crate::shared::Shared;

/// Does what ministack has no operation for.
pub(super) async fn answered(call: &Call, facts: &Facts<'_>) -> Result<Option<Value>, AwsError> {
    let json = &call.json;
    let told = match call.operation.as_str() {
        "PutEmailIdentityConfigurationSetAttributes" => json!({"ConfigurationSetName": json["ConfigurationSetName"]}),
        "PutEmailIdentityDkimAttributes" => json!({"DkimAttributes": {"SigningEnabled": json["SigningEnabled"]}}),
        "PutEmailIdentityDkimSigningAttributes" => {
            json!({"DkimAttributes": dkim(&thing(call), &json["SigningAttributes"])})
        }
        "PutEmailIdentityFeedbackAttributes" => json!({"FeedbackForwardingStatus": json["EmailForwardingEnabled"]}),
        "PutEmailIdentityMailFromAttributes" => json!({"MailFromAttributes": {
            "MailFromDomain": json["MailFromDomain"],
            "MailFromDomainStatus": if json["MailFromDomain"].is_string() { "PENDING" } else { "" },
            "BehaviorOnMxFailure": json["BehaviorOnMxFailure"].as_str().unwrap_or("USE_DEFAULT_VALUE"),
        }}),
        "TagResource" | "UntagResource" => return retagged(call, facts).await,
        _ => return Ok(None),
    };
    merge(facts.shared.memory().identities.entry(key(call, &thing(call))).or_default(), told);
    Ok(Some(json!({})))
}

/// Changes tags of an identity or a template, of which ministack tells those of its creation for ever.
async fn retagged(call: &Call, facts: &Facts<'_>) -> Result<Option<Value>, AwsError> {
    let query = call.path.split_once('?').map(|(_, query)| form(query.as_bytes())).unwrap_or_default();
    let in_query = |wanted: &str| -> Vec<String> {
        let values = query.iter().filter(|(name, _)| name == wanted);
        values.map(|(_, value)| value.clone()).collect()
    };
    let arn = call.json["ResourceArn"].as_str().map(str::to_owned);
    let arn = arn.or_else(|| in_query("ResourceArn").pop()).unwrap_or_default();
    let collection = match arn.rsplit(':').next().and_then(|resource| resource.split_once('/')) {
        Some(("identity", name)) => format!("identities/{name}"),
        Some(("template", name)) => format!("templates/{name}"),
        _ => return Ok(None),
    };
    let Some(told) = facts.get("ses", &format!("/v2/email/{collection}")).await? else {
        let message = format!("Resource {arn} not found");
        return Err(AwsError { status: 404, ..AwsError::refused("NotFoundException", message) });
    };
    let mut memory = facts.shared.memory();
    let tags = memory.email_tags.entry(arn).or_insert_with(|| told["Tags"].as_array().cloned().unwrap_or_default());
    let set = call.json["Tags"].as_array().cloned().unwrap_or_default();
    let gone = in_query("TagKeys");
    let is_gone = |tag: &Value| {
        gone.iter().any(|key| tag["Key"] == key.as_str()) || set.iter().any(|other| other["Key"] == tag["Key"])
    };
    tags.retain(|tag| !is_gone(tag));
    tags.extend(set);
    Ok(Some(json!({})))
}

/// Tells of identities and templates as AWS does.
pub(super) fn show(call: &Call, answer: &mut Value, shared: &Shared) {
    let json = &call.json;
    let mut memory = shared.memory();
    match call.operation.as_str() {
        "CreateEmailIdentity" => {
            let identity = json["EmailIdentity"].as_str().unwrap_or_default();
            memory.email_tags.remove(&arn(call, "identity", identity));
            let mut told = json!({
                "FeedbackForwardingStatus": true,
                "VerifiedForSendingStatus": false,
                "ConfigurationSetName": json["ConfigurationSetName"],
                "DkimAttributes": {"SigningEnabled": !identity.contains('@')},
            });
            if !identity.contains('@') {
                merge(&mut told["DkimAttributes"], dkim(identity, &json["DkimSigningAttributes"]));
            }
            merge(answer, json!({"VerifiedForSendingStatus": false, "DkimAttributes": told["DkimAttributes"]}));
            memory.identities.insert(key(call, identity), told);
        }
        "GetEmailIdentity" => {
            let identity = thing(call);
            if let Some(told) = memory.identities.get(&key(call, &identity)) {
                merge(answer, told.clone());
            }
            if let Some(tags) = memory.email_tags.get(&arn(call, "identity", &identity)) {
                answer["Tags"] = json!(tags);
            }
        }
        "CreateEmailTemplate" => {
            let name = json["TemplateName"].as_str().unwrap_or_default();
            memory.email_tags.remove(&arn(call, "template", name));
        }
        "GetEmailTemplate" => {
            if let Some(tags) = memory.email_tags.get(&arn(call, "template", &thing(call))) {
                answer["Tags"] = json!(tags);
            }
        }
        _ => {}
    }
}

/// What DKIM is told to be after it was set to `attributes`: the user's own key, or one that SES makes.
fn dkim(identity: &str, attributes: &Value) -> Value {
    match attributes["DomainSigningSelector"].as_str() {
        Some(selector) => json!({
            "SigningAttributesOrigin": "EXTERNAL", "Status": "PENDING", "Tokens": [selector],
            "NextSigningKeyLength": null, "CurrentSigningKeyLength": null,
        }),
        None => {
            let plain: String = identity.chars().filter(char::is_ascii_alphanumeric).collect();
            let tokens: Vec<String> = (1..=3).map(|number| format!("{plain}{number}")).collect();
            json!({
                "SigningAttributesOrigin": "AWS_SES", "Status": "PENDING", "Tokens": tokens,
                "SigningHostedZone": "dkim.amazonses.com", "CurrentSigningKeyLength": "RSA_2048_BIT",
                "NextSigningKeyLength": attributes["NextSigningKeyLength"].as_str().unwrap_or("RSA_2048_BIT"),
            })
        }
    }
}

/// Lays `over` over `base`, maps by key; null takes away.
fn merge(base: &mut Value, over: Value) {
    let Value::Object(over) = over else {
        *base = over;
        return;
    };
    if !base.is_object() {
        *base = json!({});
    }
    let Some(base) = base.as_object_mut() else { return };
    for (name, value) in over {
        match value {
            Value::Object(_) => merge(base.entry(name).or_insert(Value::Null), value),
            // Kept as null, so that it also takes away from what this is laid over later.
            value => {
                base.insert(name, value);
            }
        }
    }
}

/// The identity, configuration set or template that the path names.
fn thing(call: &Call) -> String {
    let path = call.path.split('?').next().unwrap_or_default();
    decode(path.split('/').nth(4).unwrap_or_default().as_bytes())
}

fn key(call: &Call, identity: &str) -> String {
    format!("{}/{identity}", call.scope.region)
}

fn arn(call: &Call, kind: &str, name: &str) -> String {
    format!("arn:aws:ses:{}:{ACCOUNT_ID}:{kind}/{name}", call.scope.region)
}
