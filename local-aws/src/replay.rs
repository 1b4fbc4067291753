//! Calls that may come twice: by client token, or because the operation is idempotent.

use bytes::Bytes;
use hyper::Response;

use crate::call::{Call, Protocol};
use crate::error::AwsError;
use crate::facts::Facts;
use crate::memory::Given;
use crate::shared::Shared;

/// What names a call that may come twice.
struct Identity {
    key: String,
    /// Whether what it made must still be there for the answer to hold: the list to look in and the ARN's path.
    listed: Option<(&'static str, &'static str)>,
    /// The error when it comes again with other parameters; the rules of `strict` tell it if none.
    mismatch: Option<AwsError>,
}

fn identity(call: &Call) -> Option<Identity> {
    let region = &call.scope.region;
    if call.protocol == Protocol::Ec2 {
        let token = call.parameter("ClientToken")?;
        let message = "the client token was used with other parameters before";
        return Some(Identity {
            key: format!("{region}/{}/{token}", call.operation),
            listed: None,
            mismatch: Some(AwsError::refused("IdempotentParameterMismatch", message)),
        });
    }
    if call.scope.service == "secretsmanager" && call.operation == "CreateSecret" {
        let token = call.json["ClientRequestToken"].as_str()?;
        return Some(Identity {
            key: format!("{region}/{}/{token}", call.operation),
            listed: None,
            mismatch: Some(AwsError::refused("ResourceExistsException", "the client token was used before")),
        });
    }
    if call.scope.service == "servicediscovery" {
        let token = call.json["CreatorRequestId"].as_str()?;
        return Some(Identity { key: format!("{region}/{}/{token}", call.operation), listed: None, mismatch: None });
    }
    if call.scope.service != "elasticloadbalancing" {
        return None;
    }
    let (thing, listed) = match call.operation.as_str() {
        "CreateLoadBalancer" => (call.parameter("Name")?.to_owned(), ("DescribeLoadBalancers", "LoadBalancerArn")),
        "CreateTargetGroup" => (call.parameter("Name")?.to_owned(), ("DescribeTargetGroups", "TargetGroupArn")),
        "CreateListener" => {
            let thing = format!("{}:{}", call.parameter("LoadBalancerArn")?, call.parameter("Port")?);
            (thing, ("DescribeListeners", "ListenerArn"))
        }
        _ => return None,
    };
    Some(Identity { key: format!("{region}/{}/{thing}", call.operation), listed: Some(listed), mismatch: None })
}

/// Returns the parameters by which two calls are the same, sorted.
fn compared(call: &Call) -> Vec<(String, String)> {
    let mut parameters = call.parameters.clone();
    // ELBv2 compares settings, and tags are none.
    parameters.retain(|(name, _)| call.protocol == Protocol::Ec2 || !name.starts_with("Tags."));
    parameters.sort();
    if call.protocol == Protocol::Json {
        parameters.push((String::new(), call.json.to_string()));
    }
    parameters
}

/// Returns the answer that `call` got when it came before.
pub(crate) async fn given(call: &Call, facts: &Facts<'_>) -> Result<Option<Response<Bytes>>, AwsError> {
    let Some(identity) = identity(call) else { return Ok(None) };
    let Some(given) = facts.shared.memory().given.get(&identity.key).cloned() else { return Ok(None) };
    if let Some((list, path)) = identity.listed {
        let items = facts.elb(list).await?;
        let answer = String::from_utf8_lossy(given.answer.body()).into_owned();
        if !items.iter().any(|item| answer.contains(&format!(">{}<", item.text_at(path)))) {
            return Ok(None);
        }
    }
    match identity.mismatch {
        _ if given.parameters == compared(call) => Ok(Some(given.answer)),
        Some(mismatch) => Err(mismatch),
        None => Ok(None),
    }
}

/// Keeps `answer` for when `call` comes again.
pub(crate) fn remember(call: &Call, shared: &Shared, answer: &Response<Bytes>) {
    if let Some(identity) = identity(call) {
        let given = Given { parameters: compared(call), answer: answer.clone() };
        shared.memory().given.insert(identity.key, given);
    }
}
