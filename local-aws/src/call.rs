//! One AWS request, understood: whose service, which operation, which protocol, which parameters.

use axum::http::HeaderValue;
use bytes::Bytes;
use hyper::Request;
use hyper::header::AUTHORIZATION;
use serde_json::Value;

use crate::{cbor, operation};

/// How a service's requests and answers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// EC2's own: parameters in a form, answers and errors in EC2's XML.
    Ec2,
    /// Parameters in a form, XML answers.
    Query,
    /// The operation in `X-Amz-Target`, JSON both ways.
    Json,
    /// The operation in the path, CBOR both ways.
    Cbor,
    /// Method and path, JSON answers.
    RestJson,
    /// Method and path, XML answers.
    RestXml,
}

/// The SigV4 credential scope of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) region: String,
    pub(crate) service: String,
}

impl Scope {
    /// Finds the scope in the `Authorization` header or, presigned, in the query string.
    pub(crate) fn of<B>(request: &Request<B>) -> Option<Self> {
        let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let credential = match header.and_then(|text| text.split_once("Credential=")) {
            Some((_, rest)) => rest.split([',', ' ']).next()?.to_owned(),
            None => {
                let query = form(request.uri().query()?.as_bytes());
                query.into_iter().find(|(name, _)| name == "X-Amz-Credential")?.1
            }
        };
        let mut parts = credential.rsplit('/');
        let (_terminator, service, region) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self { region: region.into(), service: service.into() })
    }
}

/// A signed request.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) scope: Scope,
    pub(crate) protocol: Protocol,
    /// The operation's name, or method and path where it is not known.
    pub(crate) operation: String,
    /// The path, with what stands behind it.
    pub(crate) path: String,
    /// The parameters of a form, in order.
    pub(crate) parameters: Vec<(String, String)>,
    /// The input of a JSON or CBOR operation.
    pub(crate) json: Value,
    /// Whose call it is, to ask the emulator in the same name.
    pub(crate) authorization: Option<HeaderValue>,
}

impl Call {
    /// Reads a request.
    pub(crate) fn read(scope: Scope, request: &Request<Bytes>) -> Self {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
        let path = request.uri().path();
        let authorization = request.headers().get(AUTHORIZATION).cloned();
        let mut call = Self {
            protocol: Protocol::RestJson,
            operation: String::new(),
            path: request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned(),
            parameters: Vec::new(),
            json: Value::Null,
            authorization,
            scope,
        };
        if let Some((_, operation)) = header("x-amz-target").rsplit_once('.') {
            call.protocol = Protocol::Json;
            call.operation = operation.into();
            call.json = serde_json::from_slice(request.body()).unwrap_or(Value::Null);
        } else if let Some(operation) = path.strip_prefix("/service/").and_then(|rest| rest.split_once("/operation/")) {
            call.protocol = Protocol::Cbor;
            call.operation = operation.1.into();
            call.json = cbor::read(request.body()).unwrap_or(Value::Null);
        } else if let Some(parameters) = query_parameters(request, header("content-type")) {
            call.protocol = if call.scope.service == "ec2" { Protocol::Ec2 } else { Protocol::Query };
            call.operation = find(&parameters, "Action").unwrap_or_default().into();
            call.parameters = parameters;
        } else {
            if matches!(call.scope.service.as_str(), "s3" | "route53" | "cloudfront") {
                call.protocol = Protocol::RestXml;
            } else {
                call.json = serde_json::from_slice(request.body()).unwrap_or(Value::Null);
            }
            call.operation = operation::of_rest(&call.scope.service, request.method(), request.uri());
        }
        call
    }

    /// Returns the parameter `name` of a form, if it is given and not empty.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        find(&self.parameters, name).filter(|value| !value.is_empty())
    }

    /// Returns the list `name`: `name.1`, `name.2`, …, or the query protocol's `name.member.1`, ….
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        let dotted = format!("{name}.");
        let values = self.parameters.iter().filter_map(|(key, value)| {
            let index = key.strip_prefix(&dotted)?;
            let index = index.strip_prefix("member.").unwrap_or(index);
            (index.bytes().all(|byte| byte.is_ascii_digit()) && !value.is_empty()).then_some(value.as_str())
        });
        values.collect()
    }

    /// Says whether the call can change nothing.
    pub(crate) fn is_read(&self) -> bool {
        operation::is_read(&self.operation)
    }
}

fn find<'a>(parameters: &'a [(String, String)], name: &str) -> Option<&'a str> {
    parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// Returns the parameters of a query call, whether they stand in the body or behind the path.
fn query_parameters(request: &Request<Bytes>, content_type: &str) -> Option<Vec<(String, String)>> {
    let behind_path = request.uri().query().map(|query| form(query.as_bytes())).unwrap_or_default();
    let body =
        if content_type.starts_with("application/x-www-form-urlencoded") { form(request.body()) } else { vec![] };
    let parameters = [body, behind_path].concat();
    find(&parameters, "Action").is_some().then_some(parameters)
}

/// Reads `application/x-www-form-urlencoded`.
pub(crate) fn form(bytes: &[u8]) -> Vec<(String, String)> {
    bytes
        .split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            (decode(&pair[..at]), decode(pair.get(at + 1..).unwrap_or_default()))
        })
        .collect()
}

/// Undoes percent-encoding.
pub(crate) fn decode(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        let escaped = match (first, tail) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)).map(|(high, low)| high * 16 + low),
            _ => None,
        };
        rest = if escaped.is_some() { &tail[2..] } else { tail };
        bytes.push(escaped.unwrap_or(if *first == b'+' { b' ' } else { *first }));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Writes `application/x-www-form-urlencoded`.
pub(crate) fn encode<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::new();
    for (name, value) in parameters {
        if !text.is_empty() {
            text.push('&');
        }
        escape(name, &mut text);
        text.push('=');
        escape(value, &mut text);
    }
    text
}

fn escape(value: &str, text: &mut String) {
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => text.push(char::from(byte)),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(service: &str, request: Request<&'static str>) -> Call {
        let scope = Scope { region: "us-east-1".into(), service: service.into() };
        Call::read(scope, &request.map(Bytes::from))
    }

    #[test]
    fn the_scope_is_found_in_header_and_query() {
        let header =
            "AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/ecs/aws4_request, SignedHeaders=host, Signature=0";
        let signed = Request::get("/").header(AUTHORIZATION, header).body(()).unwrap();
        let presigned = Request::get("/b/k?X-Amz-Credential=test%2F20260101%2Fus-east-1%2Fs3%2Faws4_request");
        assert_eq!(Scope::of(&signed), Some(Scope { region: "eu-west-1".into(), service: "ecs".into() }));
        let scope = Scope::of(&presigned.body(()).unwrap());
        assert_eq!(scope, Some(Scope { region: "us-east-1".into(), service: "s3".into() }));
        assert_eq!(Scope::of(&Request::get("/v2/").body(()).unwrap()), None);
    }

    #[test]
    fn the_operation_is_found_in_each_protocol() {
        let form_type = "application/x-www-form-urlencoded";
        let target = "AmazonEC2ContainerServiceV20141113.CreateCluster";
        let calls = [
            read(
                "ec2",
                Request::post("/")
                    .header("content-type", form_type)
                    .body("Action=CreateVpc&CidrBlock=10.0.0.0%2F8")
                    .unwrap(),
            ),
            read(
                "iam",
                Request::post("/").header("content-type", form_type).body("Action=GetRole&RoleName=a+b").unwrap(),
            ),
            read("ecs", Request::post("/").header("x-amz-target", target).body("{\"clusterName\":\"c\"}").unwrap()),
            read(
                "monitoring",
                Request::post("/service/GraniteServiceVersion20100801/operation/ListMetrics").body("\u{1}").unwrap(),
            ),
            read("s3", Request::put("/bucket/some/key").body("x").unwrap()),
        ];
        let seen: Vec<_> = calls.iter().map(|call| (call.protocol, call.operation.as_str())).collect();
        let wanted = [
            (Protocol::Ec2, "CreateVpc"),
            (Protocol::Query, "GetRole"),
            (Protocol::Json, "CreateCluster"),
            (Protocol::Cbor, "ListMetrics"),
            (Protocol::RestXml, "PutObject"),
        ];
        assert_eq!(seen, wanted);
        assert_eq!((&calls[2].json["clusterName"], &calls[3].json), (&Value::from("c"), &Value::from(1)));
        assert_eq!(calls[0].parameter("CidrBlock"), Some("10.0.0.0/8"));
        assert_eq!(calls[1].parameter("RoleName"), Some("a b"));
    }

    #[test]
    fn lists_are_read_in_both_spellings() {
        let body = "Action=X&SubnetId.1=a&SubnetId.2=b&Subnets.member.1=c&SubnetIdentifier=d&SubnetId.1.Name=e";
        let call = read(
            "ec2",
            Request::post("/").header("content-type", "application/x-www-form-urlencoded").body(body).unwrap(),
        );
        assert_eq!(call.list("SubnetId"), ["a", "b"]);
        assert_eq!(call.list("Subnets"), ["c"]);
    }

    #[test]
    fn forms_survive_being_written_and_read() {
        let pairs = [("a b", "1&2=3%"), ("ü", "")];
        let read = form(encode(pairs).as_bytes());
        assert_eq!(read, pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
