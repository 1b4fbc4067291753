//! Answers as AWS gives them: states that take their time, what the emulator leaves out, filters that it ignores.

mod address;
mod cloud_map;
mod flow_log;
pub(crate) mod forward;
pub(crate) mod hidden;
mod kept;
mod listing;
mod load_balancer;
mod metric_filter;
mod monitoring;
mod nat_gateway;
mod network;
mod oidc_provider;
mod parameter;
mod queue;
pub(crate) mod rule;
pub(crate) mod scaling;
pub(crate) mod secret;
mod ses;
pub(crate) mod sns;
mod target_group;
mod vpc_endpoint;

use bytes::Bytes;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response};
use serde_json::Value;

use crate::call::{Call, Protocol, encode};
use crate::ecs;
use crate::error::AwsError;
use crate::facts::Facts;
use crate::permissions;
use crate::traffic;
use crate::xml::Element;

/// Returns `request` as the emulator understands it best.
pub(crate) fn adapted(call: &Call, request: Request<Bytes>) -> Request<Bytes> {
    let request = secret::adapted(call, request);
    if (call.scope.service.as_str(), call.operation.as_str()) == ("servicediscovery", "UpdateService") {
        return with_length(request, cloud_map::with_all_parts(call).to_string());
    }
    let parameters = match (call.scope.service.as_str(), call.operation.as_str()) {
        ("ec2", operation) if listing::is_listed(operation) => listing::without_selection(call),
        ("ec2", "CreateFlowLogs") => flow_log::with_tags(call),
        (
            "ec2",
            "AuthorizeSecurityGroupIngress"
            | "AuthorizeSecurityGroupEgress"
            | "RevokeSecurityGroupIngress"
            | "RevokeSecurityGroupEgress",
        ) => permissions::split(call),
        ("elasticloadbalancing", "CreateListener" | "ModifyListener" | "CreateRule" | "ModifyRule") => {
            rule::escaped(forward::with_target_group(call))
        }
        _ => return request,
    };
    with_length(request, encode(parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()))))
}

/// Replaces the body of `request`, whose length is then another.
fn with_length(request: Request<Bytes>, body: String) -> Request<Bytes> {
    let (mut parts, _) = request.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    Request::from_parts(parts, Bytes::from(body))
}

/// Does what must be done before `call`: keeps what only can be known now, and deletes what AWS deletes along with it.
pub(crate) async fn before(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    match (call.scope.service.as_str(), call.operation.as_str()) {
        ("elasticloadbalancing", "DeleteLoadBalancer") => load_balancer::before_deletion(call, facts).await,
        ("ec2", "DeleteVpcEndpoints") => vpc_endpoint::before_deletion(call, facts).await,
        _ => Ok(()),
    }
}

/// Answers what the emulator does not know, from what it does.
pub(crate) async fn instead(call: &Call, facts: &Facts<'_>) -> Result<Option<Response<Bytes>>, AwsError> {
    match call.scope.service.as_str() {
        "elasticloadbalancing" => {
            Ok(traffic::answer(call, facts).await?.map(|root| answer("text/xml", root.document())))
        }
        "ecs" => ecs::answer(call, facts).await,
        "iam" => oidc_provider::answer(call, facts).await,
        "monitoring" => monitoring::answer(call, facts.shared),
        "ses" => Ok(ses::answered(call, facts).await?.map(|json| answer("application/json", json.to_string()))),
        "sns" => Ok(sns::answered(call, facts.shared).map(|root| answer("text/xml", root.document()))),
        _ => Ok(None),
    }
}

fn answer(kind: &'static str, body: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// Makes the emulator's `answer` AWS's.
pub(crate) async fn after(
    call: &Call,
    facts: &Facts<'_>,
    answer: Response<Bytes>,
) -> Result<Response<Bytes>, AwsError> {
    match (call.protocol, call.scope.service.as_str()) {
        (Protocol::Ec2, _) => ec2(call, facts, answer).await,
        (Protocol::Query, "elasticloadbalancing") => elb(call, facts, answer).await,
        (Protocol::Query, "iam") => Ok(iam(call, facts, answer)),
        (Protocol::Json, "ecs" | "logs" | "secretsmanager" | "servicediscovery" | "ssm") => {
            Ok(json(call, facts, answer).await)
        }
        (_, "monitoring") => Ok(monitoring::show(call, facts.shared, answer)),
        (Protocol::Query, "sns") => {
            let Ok(mut root) = Element::parse(answer.body()) else { return Ok(answer) };
            sns::show(call, &mut root, facts).await?;
            Ok(with_body(answer, root.document()))
        }
        (Protocol::RestJson, "ses") => {
            let Ok(mut value) = serde_json::from_slice::<Value>(answer.body()) else { return Ok(answer) };
            ses::show(call, &mut value, facts.shared);
            Ok(with_body(answer, value.to_string()))
        }
        (Protocol::Json, "sqs") => {
            queue::note(call, facts.shared);
            Ok(answer)
        }
        _ => Ok(answer),
    }
}

async fn ec2(call: &Call, facts: &Facts<'_>, answer: Response<Bytes>) -> Result<Response<Bytes>, AwsError> {
    // Most EC2 answers pass through; those that do not are the listings, what is made, and few others.
    const OTHERS: [&str; 4] = ["AllocateAddress", "DeleteNatGateway", "DeleteVpcEndpoints", "ModifyVpcEndpoint"];
    let operation = call.operation.as_str();
    if !operation.starts_with("Create") && !listing::is_listed(operation) && !OTHERS.contains(&operation) {
        return Ok(answer);
    }
    let Ok(mut root) = Element::parse(answer.body()) else { return Ok(answer) };
    nat_gateway::show(call, &mut root, facts).await?;
    network::show(call, &mut root, facts);
    vpc_endpoint::show(call, &mut root, facts).await?;
    flow_log::show(call, &mut root, facts);
    address::show(call, &mut root, facts).await?;
    hidden::note(call, &root, facts.shared);
    listing::select(call, &mut root, facts.shared)?;
    Ok(with_body(answer, root.document()))
}

async fn elb(call: &Call, facts: &Facts<'_>, answer: Response<Bytes>) -> Result<Response<Bytes>, AwsError> {
    let Ok(mut root) = Element::parse(answer.body()) else { return Ok(answer) };
    let Some(result) = root.children.first_mut() else { return Ok(answer) };
    listing::all_found(call, result)?;
    load_balancer::show(call, result, facts).await?;
    forward::show(call, result, facts.shared);
    rule::show(call, result, facts.shared);
    target_group::show(result, facts).await?;
    Ok(with_body(answer, root.document()))
}

fn iam(call: &Call, facts: &Facts<'_>, answer: Response<Bytes>) -> Response<Bytes> {
    if !oidc_provider::is_shown(&call.operation) {
        return answer;
    }
    let Ok(mut root) = Element::parse(answer.body()) else { return answer };
    oidc_provider::show(call, &mut root, facts);
    with_body(answer, root.document())
}

async fn json(call: &Call, facts: &Facts<'_>, answer: Response<Bytes>) -> Response<Bytes> {
    let Ok(mut value) = serde_json::from_slice::<Value>(answer.body()) else { return answer };
    if (call.scope.service.as_str(), call.operation.as_str()) == ("ecs", "DescribeClusters") {
        ecs::tell_counts(&mut value, facts).await;
    }
    kept::show(call, &mut value, facts.shared);
    cloud_map::show(call, &mut value, facts.shared);
    metric_filter::show(call, &mut value, facts.shared);
    parameter::show(call, &mut value);
    secret::show(call, &mut value, facts.shared);
    with_body(answer, value.to_string())
}

/// Replaces the body of `message`, whose length is then another.
fn with_body(mut message: Response<Bytes>, body: impl Into<Bytes>) -> Response<Bytes> {
    message.headers_mut().remove(CONTENT_LENGTH);
    *message.body_mut() = body.into();
    message
}
