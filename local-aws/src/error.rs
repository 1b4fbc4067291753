//! AWS's errors, written as each protocol writes them, so that an SDK takes them for AWS's own.

use axum::body::Body;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::json;

use crate::call::{Call, Protocol};
use crate::upstream::UpstreamError;
use crate::xml::Element;

/// An error with AWS's code and message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AwsError {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
}

impl AwsError {
    /// Makes an error that is the caller's fault.
    pub(crate) fn refused(code: &str, message: impl Into<String>) -> Self {
        Self { status: 400, code: code.into(), message: message.into() }
    }

    /// Makes the error by which the service of `call` says that it is called too often.
    pub(crate) fn throttled(call: &Call) -> Self {
        let (status, code) = match (call.protocol, call.scope.service.as_str()) {
            (Protocol::Ec2, _) => (503, "RequestLimitExceeded"),
            (_, "s3") => (503, "SlowDown"),
            (Protocol::Query | Protocol::RestXml, _) => (400, "Throttling"),
            (Protocol::RestJson, _) => (429, "TooManyRequestsException"),
            (Protocol::Json | Protocol::Cbor, _) => (400, "ThrottlingException"),
        };
        let message = if code == "RequestLimitExceeded" { "Request limit exceeded." } else { "Rate exceeded" };
        Self { status, code: code.into(), message: message.into() }
    }

    /// Makes the error by which the service of `call` says that it has failed, with HTTP status `status`.
    pub(crate) fn failed(call: &Call, status: u16) -> Self {
        let code = match (status, call.protocol) {
            (503, _) => "ServiceUnavailable",
            (_, Protocol::Ec2 | Protocol::RestXml) => "InternalError",
            (_, Protocol::Query) => "InternalFailure",
            (_, Protocol::Json | Protocol::Cbor | Protocol::RestJson) => "InternalServerException",
        };
        Self { status, code: code.into(), message: "An internal error has occurred".into() }
    }

    /// Writes the error in the protocol of `call`, as answer number `number`.
    pub(crate) fn response(&self, call: &Call, number: u64) -> Response<Body> {
        let id = format!("00000000-0000-4000-8000-{number:012x}");
        let (content_type, body) = match call.protocol {
            Protocol::Ec2 => ("text/xml;charset=UTF-8", self.ec2(&id).into_bytes()),
            Protocol::Query => ("text/xml", self.query(&id).into_bytes()),
            Protocol::RestXml if call.scope.service == "s3" => ("application/xml", self.s3(&id).into_bytes()),
            Protocol::RestXml => ("text/xml", self.query(&id).into_bytes()),
            Protocol::Json => ("application/x-amz-json-1.1", self.json()),
            Protocol::RestJson => ("application/json", self.json()),
            Protocol::Cbor => ("application/cbor", self.cbor()),
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Ok(id) = HeaderValue::from_str(&id) {
            headers.insert("x-amzn-requestid", id);
        }
        if let (Protocol::Json | Protocol::RestJson, Ok(code)) = (call.protocol, HeaderValue::from_str(&self.code)) {
            headers.insert("x-amzn-errortype", code);
        }
        if call.protocol == Protocol::Cbor {
            headers.insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
        }
        response
    }

    fn ec2(&self, id: &str) -> String {
        let error = vec![Element::leaf("Code", &self.code), Element::leaf("Message", &self.message)];
        let errors = Element::new("Errors", vec![Element::new("Error", error)]);
        Element::new("Response", vec![errors, Element::leaf("RequestID", id)]).document()
    }

    fn query(&self, id: &str) -> String {
        let party = if self.status < 500 { "Sender" } else { "Receiver" };
        let error = vec![
            Element::leaf("Type", party),
            Element::leaf("Code", &self.code),
            Element::leaf("Message", &self.message),
        ];
        Element::new("ErrorResponse", vec![Element::new("Error", error), Element::leaf("RequestId", id)]).document()
    }

    fn s3(&self, id: &str) -> String {
        let error = vec![
            Element::leaf("Code", &self.code),
            Element::leaf("Message", &self.message),
            Element::leaf("RequestId", id),
        ];
        Element::new("Error", error).document()
    }

    fn json(&self) -> Vec<u8> {
        json!({"__type": self.code, "message": self.message}).to_string().into_bytes()
    }

    fn cbor(&self) -> Vec<u8> {
        let mut bytes = vec![0xa2];
        for text in ["__type", &self.code, "message", &self.message] {
            // A text string (major type 3) whose length stands in four bytes, which fits every length (RFC 8949).
            bytes.push(0x7a);
            bytes.extend(u32::try_from(text.len()).unwrap_or_default().to_be_bytes());
            bytes.extend(text.as_bytes());
        }
        bytes
    }
}

impl From<UpstreamError> for AwsError {
    fn from(error: UpstreamError) -> Self {
        Self { status: 500, code: "InternalError".into(), message: error.to_string() }
    }
}
