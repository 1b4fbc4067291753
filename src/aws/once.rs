//! Calls that must not be sent twice, and calls that must not be sent any more.
//!
//! Twice: one that makes something and carries no client token is never repeated once it may
//! have arrived, because its repetition would make a twin that nobody knows of.
//!
//! The SDK retries whatever looks transient. This connector stands under it and turns every unclear outcome of such a
//! call into a [`Lost`], which the SDK does not retry and which the engine answers by looking for what was made.
//!
//! Any more: each attempt of the SDK comes by here, so here it is put [behind the fence](behind_fence).

use std::collections::HashMap;
use std::error::Error;
use std::io;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use serde::de::IgnoredAny;

use super::fenced::{Fenced, behind_fence};

/// The call may or may not have been carried out.
#[derive(Debug, thiserror::Error)]
#[error("the answer was lost, so it is not known whether the call was carried out: {0}")]
struct Lost(String);

/// Whether it is not known after `error` if the call was carried out, now or by an earlier attempt.
pub fn is_lost(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|cause| cause.is::<Lost>() || cause.is::<Fenced>())
}

/// An HTTP client that knows which calls must not be sent twice.
#[derive(Debug)]
pub struct Once(pub SharedHttpClient);

impl HttpClient for Once {
    fn http_connector(&self, settings: &HttpConnectorSettings, parts: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(OnceConnector(self.0.http_connector(settings, parts)))
    }
}

#[derive(Debug)]
struct OnceConnector(SharedHttpConnector);

impl HttpConnector for OnceConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let is_repeatable = is_repeatable(&request);
        let request = match behind_fence(request) {
            Ok(request) => request,
            Err(fenced) => return HttpConnectorFuture::ready(Err(ConnectorError::other(fenced.into(), None))),
        };
        if is_repeatable {
            return self.0.call(request);
        }
        let answer = self.0.call(request);
        HttpConnectorFuture::new(async move {
            match answer.await {
                Ok(response) => settled(response).await,
                Err(error) if never_sent(&error) => Err(error),
                Err(error) => Err(lost(error.to_string())),
            }
        })
    }
}

/// Reads the whole answer, so that it can't break off later; an answer that says the server failed is as good as lost.
async fn settled(response: HttpResponse) -> Result<HttpResponse, ConnectorError> {
    let failed = response.status().is_server_error();
    let status = response.status().as_u16();
    let (mut whole, body) = (response, SdkBody::taken());
    let body = std::mem::replace(whole.body_mut(), body);
    let body = ByteStream::new(body).collect().await.map_err(|error| lost(error.to_string()))?.into_bytes();
    if failed {
        let text = String::from_utf8_lossy(&body);
        let refused = ["RequestLimitExceeded", "Throttl", "SlowDown"].iter().any(|code| text.contains(code));
        if !refused {
            return Err(lost(format!("HTTP status {status}: {}", text.chars().take(300).collect::<String>())));
        }
    }
    *whole.body_mut() = SdkBody::from(body);
    Ok(whole)
}

fn lost(why: String) -> ConnectorError {
    ConnectorError::other(Lost(why).into(), None)
}

/// Whether the failure came before anything was sent.
fn never_sent(error: &ConnectorError) -> bool {
    causes(error).any(|cause| {
        let refused = cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::ConnectionRefused);
        let text = cause.to_string();
        refused
            || cause.is::<Fenced>()
            || text.contains("(Connect)")
            || text.contains("connect timeout")
            || text.contains("dns error")
    })
}

/// An error and what it comes from.
pub(super) fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}

/// Whether a second arrival of the request does no harm.
fn is_repeatable(request: &HttpRequest) -> bool {
    let body = request.body().bytes().unwrap_or_default();
    let target = request.headers().get("x-amz-target").and_then(|target| target.rsplit('.').next());
    let action = target.or_else(|| operation_of(request.uri())).or_else(|| {
        let text = std::str::from_utf8(body).unwrap_or_default();
        text.split('&').find_map(|pair| pair.strip_prefix("Action="))
    });
    match action {
        Some(action) => !makes(action) || has_token(body),
        None => request.method() != "POST" || has_token(body),
    }
}

/// The operation in the path of a Smithy RPC call: `/service/<service>/operation/<operation>`.
fn operation_of(uri: &str) -> Option<&str> {
    let (_, operation) = uri.split_once("/service/")?.1.split_once("/operation/")?;
    operation.split(['?', '/']).next()
}

fn makes(action: &str) -> bool {
    const MAKING: [&str; 13] = [
        "Accept",
        "Allocate",
        "Associate",
        "Attach",
        "Authorize",
        "Copy",
        "Create",
        "Import",
        "Register",
        "Request",
        "Run",
        "Send",
        "Start",
    ];
    const IDEMPOTENT: [&str; 7] = [
        "CreateTags",
        "RegisterScalableTarget",
        "RegisterTargets",
        "AssociateKmsKey",
        "AttachGroupPolicy",
        "AttachRolePolicy",
        "AttachUserPolicy",
    ];
    MAKING.iter().any(|prefix| action.starts_with(prefix)) && !IDEMPOTENT.contains(&action)
}

/// Whether the request names a token at its top, as JSON or as a form; no value counts, whatever it says.
///
/// A body that is neither (XML, CBOR) has none that is known of: then it is not sent twice, which does no harm.
fn has_token(body: &[u8]) -> bool {
    const TOKENS: [&str; 4] = ["lientToken", "lientRequestToken", "dempotencyToken", "reatorRequestId"];
    let is_token = |key: &str| TOKENS.iter().any(|token| key.ends_with(token));
    match body.first() {
        Some(b'{') => serde_json::from_slice::<HashMap<String, IgnoredAny>>(body)
            .is_ok_and(|keys| keys.keys().any(|key| is_token(key))),
        _ => std::str::from_utf8(body)
            .is_ok_and(|form| form.split('&').filter_map(|pair| pair.split_once('=')).any(|(key, _)| is_token(key))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: Option<&'static str>, body: &'static str) -> HttpRequest {
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method("POST").expect("a method");
        if let Some(target) = target {
            request.headers_mut().insert("x-amz-target", target);
        }
        request
    }

    #[test]
    fn only_what_makes_something_without_a_token_is_sent_once() {
        let table = [
            (None, "Action=CreateVpc&Version=2016-11-15&CidrBlock=10.0.0.0%2F16", false),
            (None, "Action=CreateNatGateway&ClientToken=01J&SubnetId=s", true),
            (None, "Action=DescribeVpcs&Version=2016-11-15", true),
            (None, "Action=CreateTags&ResourceId.1=x", true),
            (Some("AmazonEC2ContainerServiceV20141113.CreateService"), r#"{"clientToken":"01J"}"#, true),
            (Some("AmazonEC2ContainerServiceV20141113.RegisterTaskDefinition"), "{}", false),
            (Some("AmazonEC2ContainerServiceV20141113.DeleteService"), "{}", true),
            (
                Some("AmazonEC2ContainerServiceV20141113.RegisterTaskDefinition"),
                r#"{"containerDefinitions":[{"environment":[{"name":"oauthClientToken","value":"x"}],"clientToken":"x"}]}"#,
                false,
            ),
            (None, "Action=CreateVpc&TagSpecification.1.Tag.1.Key=ClientToken", false),
            (None, "Action=CreateVpc&TagSpecification.1.Tag.1.Value=a%26ClientToken%3D1", false),
            (Some("secretsmanager.CreateSecret"), r#"{"ClientRequestToken":"01J","Name":"a"}"#, true),
            (None, "<CreateThing><ClientToken>01J</ClientToken></CreateThing>", false),
            (Some("AnyScaleFrontendService.RegisterScalableTarget"), "{}", true),
        ];
        for (target, body, expected) in table {
            assert_eq!(is_repeatable(&request(target, body)), expected, "{target:?} {body}");
        }
    }

    #[test]
    fn the_operation_of_a_smithy_call_is_in_its_path() {
        for (operation, expected) in [("DescribeAlarms", true), ("PutMetricAlarm", true), ("CreateThing", false)] {
            let mut request = request(None, "");
            let uri = format!(
                "https://monitoring.us-east-1.amazonaws.com/service/GraniteServiceVersion20100801/operation/{operation}"
            );
            request.set_uri(uri).expect("a URI");
            assert_eq!(is_repeatable(&request), expected, "{operation}");
        }
    }
}
