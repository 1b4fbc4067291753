//! Calls AWS for a task, as the agent on its host does, and learns the code of a refusal.

use bytes::Bytes;
use hyper::Request;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use serde_json::Value;

use crate::upstream::Upstream;
use crate::xml::Element;

/// Why a call was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub(super) struct Refusal {
    pub(super) code: String,
    pub(super) message: String,
}

/// Calls the emulator in the name of a task's account.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    upstream: Upstream,
    account: String,
    region: String,
}

impl Caller {
    /// Calls for the task `task_arn`, in its account and region.
    pub(super) fn new(upstream: &Upstream, task_arn: &str) -> Self {
        let part = |index| task_arn.split(':').nth(index).filter(|part: &&str| !part.is_empty());
        let account = part(4).unwrap_or(crate::ACCOUNT_ID).to_owned();
        Self { upstream: upstream.clone(), account, region: part(3).unwrap_or("us-east-1").to_owned() }
    }

    /// Calls in another region.
    pub(super) fn within(&self, region: &str) -> Self {
        Self { region: region.into(), ..self.clone() }
    }

    /// Returns the access key whose calls are this account's.
    pub(super) fn access_key(&self) -> &str {
        if self.account == crate::ACCOUNT_ID { "test" } else { &self.account }
    }

    /// Calls a service that speaks JSON.
    pub(super) async fn json(&self, service: &str, target: &str, input: &Value) -> Result<Value, Refusal> {
        let kind = "application/x-amz-json-1.1";
        let (success, body) = self.send(service, kind, Some(target), input.to_string()).await?;
        let answer: Value =
            if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap_or_default() };
        if success {
            return Ok(answer);
        }
        let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        let code = text("__type");
        let code = code.rsplit('#').next().unwrap_or_default().to_owned();
        let message = if answer["message"].is_null() { text("Message") } else { text("message") };
        Err(Refusal { code, message })
    }

    /// Returns the address range of a subnet.
    pub(super) async fn subnet_cidr(&self, subnet: &str) -> Result<String, Refusal> {
        let parameters = [("Action", "DescribeSubnets"), ("Version", "2016-11-15"), ("SubnetId.1", subnet)];
        let kind = "application/x-www-form-urlencoded";
        let (_, body) = self.send("ec2", kind, None, crate::call::encode(parameters)).await?;
        let root = Element::parse(&body).map_err(|error| unanswered(&error))?;
        match root.text_at("subnetSet/item/cidrBlock") {
            "" => Err(Refusal {
                code: "InvalidSubnetID.NotFound".into(),
                message: format!("The subnet ID '{subnet}' does not exist"),
            }),
            cidr => Ok(cidr.into()),
        }
    }

    async fn send(
        &self,
        service: &str,
        kind: &str,
        target: Option<&str>,
        body: String,
    ) -> Result<(bool, Bytes), Refusal> {
        let credential = format!("{}/20260101/{}/{service}/aws4_request", self.access_key(), self.region);
        let signature = format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0");
        let mut request = Request::post("/").header(HOST, "localhost").header(AUTHORIZATION, signature);
        if let Some(target) = target {
            request = request.header("x-amz-target", target);
        }
        let request = request.header(CONTENT_TYPE, kind).body(Bytes::from(body)).map_err(|error| unanswered(&error))?;
        let answer = self.upstream.call(request).await.map_err(|error| unanswered(&error))?;
        Ok((answer.status().is_success(), answer.into_body()))
    }
}

fn unanswered(error: &dyn std::fmt::Display) -> Refusal {
    Refusal { code: "RequestError".into(), message: format!("send request failed: {error}") }
}
