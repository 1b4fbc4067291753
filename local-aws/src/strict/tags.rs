//! Tags: keys that begin with `aws:` are AWS's own.

use serde_json::Value;

use crate::call::{Call, Protocol};
use crate::error::AwsError;

pub(crate) fn check(call: &Call) -> Result<(), AwsError> {
    if call.operation.starts_with("Untag") || call.operation.starts_with("DeleteTags") {
        return Ok(());
    }
    let reserved = match call.protocol {
        Protocol::Ec2 | Protocol::Query => {
            let keys = call.parameters.iter().filter(|(name, _)| name.contains("Tag") && name.ends_with(".Key"));
            keys.map(|(_, key)| key.as_str()).find(|key| is_reserved(key)).map(str::to_owned)
        }
        Protocol::Json | Protocol::RestJson | Protocol::Cbor => {
            let tags = ["tags", "Tags"].iter().map(|name| &call.json[*name]).find(|tags| !tags.is_null());
            tags.and_then(in_json)
        }
        Protocol::RestXml => None,
    };
    match reserved {
        Some(key) => Err(refusal(call, &key)),
        None => Ok(()),
    }
}

/// Finds a reserved key in a list of tags or a map of them.
fn in_json(tags: &Value) -> Option<String> {
    match tags {
        Value::Object(map) => map.keys().find(|key| is_reserved(key)).cloned(),
        Value::Array(list) => {
            let keys = list.iter().filter_map(|tag| tag["key"].as_str().or_else(|| tag["Key"].as_str()));
            keys.into_iter().find(|key| is_reserved(key)).map(str::to_owned)
        }
        _ => None,
    }
}

fn is_reserved(key: &str) -> bool {
    key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:"))
}

fn refusal(call: &Call, key: &str) -> AwsError {
    let code = match call.scope.service.as_str() {
        "appmesh" => "BadRequestException",
        "ec2" | "sqs" => "InvalidParameterValue",
        "ecr" => "InvalidTagParameterException",
        "elasticloadbalancing" => "ValidationError",
        "iam" => "InvalidInput",
        "ses" => "BadRequestException",
        "sns" => "InvalidParameter",
        "ecs" | "logs" => "InvalidParameterException",
        _ => "ValidationException",
    };
    let message = match code {
        "InvalidParameterValue" if call.scope.service == "ec2" => {
            format!(
                "Value ( {key} ) for parameter key is invalid. Tag keys starting with 'aws:' are reserved for internal use"
            )
        }
        _ => format!("Tag keys starting with 'aws:' are reserved for internal use: {key}"),
    };
    AwsError::refused(code, message)
}
