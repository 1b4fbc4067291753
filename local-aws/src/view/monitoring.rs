//! CloudWatch: what the emulator drops of alarms or makes up, and the tags of dashboards.

use bytes::Bytes;
use hyper::Response;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde_json::{Map, Value, json};

use super::with_body;
use crate::call::{Call, Protocol};
use crate::cbor;
use crate::error::AwsError;
use crate::shared::Shared;

/// What of an alarm the emulator does not keep, or gives a value where none was given, and AWS does not.
const ALARM: [&str; 17] = [
    "ActionConfiguration",
    "ActionsSuppressor",
    "ActionsSuppressorExtensionPeriod",
    "ActionsSuppressorWaitPeriod",
    "ComparisonOperator",
    "EvaluateLowSampleCountPercentile",
    "EvaluationCriteria",
    "EvaluationInterval",
    "EvaluationPeriods",
    "EvaluationWindow",
    "ExtendedStatistic",
    "Metrics",
    "Period",
    "Statistic",
    "Threshold",
    "ThresholdMetricId",
    "WarmUpConfiguration",
];

/// Answers calls about the tags of dashboards, which the emulator has none of.
pub(super) fn answer(call: &Call, shared: &Shared) -> Result<Option<Response<Bytes>>, AwsError> {
    let arn = call.json["ResourceARN"].as_str().unwrap_or_default();
    let Some((_, name)) = arn.split_once(":dashboard/").filter(|_| call.protocol != Protocol::Query) else {
        return Ok(None);
    };
    let mut memory = shared.memory();
    let Some(tags) = memory.kept.get_mut(&dashboard(name)).and_then(Value::as_object_mut) else {
        let message = format!("Dashboard resource {arn} not found");
        return Err(AwsError { status: 404, ..AwsError::refused("ResourceNotFoundException", message) });
    };
    let answer = match call.operation.as_str() {
        "TagResource" => {
            tags.extend(requested_tags(call));
            json!({})
        }
        "UntagResource" => {
            for key in call.json["TagKeys"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                tags.remove(key);
            }
            json!({})
        }
        "ListTagsForResource" => {
            let list: Vec<Value> = tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
            json!({ "Tags": list })
        }
        _ => return Ok(None),
    };
    Ok(Some(response(call, &answer)))
}

/// Remembers what was put, and shows it.
pub(super) fn show(call: &Call, shared: &Shared, answer: Response<Bytes>) -> Response<Bytes> {
    let text = |key: &str| call.json[key].as_str().unwrap_or_default();
    match call.operation.as_str() {
        "PutMetricAlarm" | "PutCompositeAlarm" => {
            shared.memory().kept.insert(alarm(call, text("AlarmName")), call.json.clone());
        }
        "PutDashboard" => {
            let tags = || Value::Object(requested_tags(call).collect());
            shared.memory().kept.entry(dashboard(text("DashboardName"))).or_insert_with(tags);
        }
        "DeleteDashboards" => {
            for name in call.json["DashboardNames"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                shared.memory().kept.remove(&dashboard(name));
            }
        }
        "DescribeAlarms" => {
            let Some(mut told) = decoded(call, answer.body()) else { return answer };
            for list in ["MetricAlarms", "CompositeAlarms"] {
                let alarms = told.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
                alarms.filter_map(Value::as_object_mut).for_each(|told| complete(call, shared, told));
            }
            return with_body(answer, encoded(call, &told));
        }
        _ => {}
    }
    answer
}

/// Makes an alarm what it was put as.
fn complete(call: &Call, shared: &Shared, told: &mut Map<String, Value>) {
    let name = told.get("AlarmName").and_then(Value::as_str).unwrap_or_default();
    let Some(put) = shared.memory().kept.get(&alarm(call, name)).cloned() else { return };
    for key in ALARM {
        match put.get(key) {
            Some(value) => told.insert(key.to_owned(), value.clone()),
            None => told.remove(key),
        };
    }
}

fn requested_tags(call: &Call) -> impl Iterator<Item = (String, Value)> + use<'_> {
    let tags = call.json["Tags"].as_array().into_iter().flatten();
    tags.filter_map(|tag| Some((tag["Key"].as_str()?.to_owned(), tag["Value"].clone())))
}

fn alarm(call: &Call, name: &str) -> String {
    format!("alarm/{}/{name}", call.scope.region)
}

/// Dashboards are of the account, not of a region.
fn dashboard(name: &str) -> String {
    format!("dashboard/{name}")
}

/// Reads an answer; none where it is in the query protocol, which nobody speaks any more.
fn decoded(call: &Call, body: &[u8]) -> Option<Value> {
    match call.protocol {
        Protocol::Cbor => cbor::read(body),
        Protocol::Json => serde_json::from_slice(body).ok(),
        _ => None,
    }
}

fn encoded(call: &Call, answer: &Value) -> Bytes {
    if call.protocol == Protocol::Cbor { cbor::write(answer).into() } else { answer.to_string().into() }
}

fn response(call: &Call, answer: &Value) -> Response<Bytes> {
    let mut response = Response::new(encoded(call, answer));
    let headers = response.headers_mut();
    if call.protocol == Protocol::Cbor {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/cbor"));
        headers.insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
    } else {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
    }
    response
}
