//! CloudWatch and metric filters: what the emulator drops or makes up, and AWS does not.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use serde_json::{Value, json};
use support::{Answer, Aws, shared};

async fn call(aws: &Aws, operation: &str, input: Value) -> Answer {
    aws.call("monitoring", &format!("GraniteServiceVersion20100801.{operation}"), input).await
}

#[tokio::test]
async fn an_alarm_is_told_as_it_was_put() {
    let aws = shared().await;
    let put = json!({
        "AlarmName": "math",
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": 1,
        "Threshold": 5,
        "Metrics": [{"Id": "m", "Expression": "SELECT AVG(CPUUtilization) FROM \"AWS/ECS\"", "Period": 60}],
        "WarmUpConfiguration": {"WarmUpPeriodDurationInMinutes": 5},
    });
    call(&aws, "PutMetricAlarm", put.clone()).await.ok();
    let told = async || {
        let answer = call(&aws, "DescribeAlarms", json!({"AlarmNames": ["math"]})).await.json();
        answer["MetricAlarms"][0].clone()
    };
    let alarm = told().await;
    for key in ["Metrics", "WarmUpConfiguration", "Threshold"] {
        assert_eq!(alarm[key], put[key], "{key}");
    }
    for made_up in ["Statistic", "Period"] {
        assert!(alarm[made_up].is_null(), "{alarm}");
    }
    let simple = json!({
        "AlarmName": "math", "ComparisonOperator": "LessThanThreshold", "EvaluationPeriods": 1, "Threshold": 1,
        "MetricName": "CPUUtilization", "Namespace": "AWS/ECS", "Period": 300, "ExtendedStatistic": "p99",
    });
    call(&aws, "PutMetricAlarm", simple).await.ok();
    let alarm = told().await;
    assert!(alarm["Metrics"].is_null() && alarm["Statistic"].is_null(), "{alarm}");
    assert_eq!((&alarm["ExtendedStatistic"], &alarm["Period"]), (&json!("p99"), &json!(300)));
}

#[tokio::test]
async fn dashboards_have_tags_from_their_creation_on() {
    let aws = shared().await;
    let put = |body: &str, team: &str| json!({"DashboardName": "tagged", "DashboardBody": body, "Tags": [{"Key": "team", "Value": team}]});
    call(&aws, "PutDashboard", put("{}", "mail")).await.ok();
    let arn = call(&aws, "GetDashboard", json!({"DashboardName": "tagged"})).await.json()["DashboardArn"].clone();
    let tags = async || call(&aws, "ListTagsForResource", json!({"ResourceARN": arn})).await;
    assert_eq!(tags().await.json()["Tags"], json!([{"Key": "team", "Value": "mail"}]));
    // Tags of what is there already are not heeded.
    call(&aws, "PutDashboard", put("{\"widgets\": []}", "post")).await.ok();
    let more = json!({"ResourceARN": arn, "Tags": [{"Key": "cost", "Value": "1"}]});
    call(&aws, "TagResource", more).await.ok();
    call(&aws, "UntagResource", json!({"ResourceARN": arn, "TagKeys": ["none"]})).await.ok();
    let both = json!([{"Key": "team", "Value": "mail"}, {"Key": "cost", "Value": "1"}]);
    assert_eq!(tags().await.json()["Tags"], both);
    call(&aws, "DeleteDashboards", json!({"DashboardNames": ["tagged"]})).await.ok();
    tags().await.refused("ResourceNotFoundException");
}

#[tokio::test]
async fn a_metric_filter_keeps_what_it_says_of_system_fields() {
    let aws = shared().await;
    aws.call("logs", "Logs_20140328.CreateLogGroup", json!({"logGroupName": "fields"})).await.ok();
    let transformation = json!({"metricName": "m", "metricNamespace": "n", "metricValue": "1"});
    let mut put = json!({
        "logGroupName": "fields", "filterName": "f", "filterPattern": "", "metricTransformations": [transformation],
        "applyOnTransformedLogs": true, "emitSystemFieldDimensions": ["@aws.region"],
    });
    let told = async || {
        let input = json!({"logGroupName": "fields"});
        let answer = aws.call("logs", "Logs_20140328.DescribeMetricFilters", input).await.json();
        answer["metricFilters"][0].clone()
    };
    aws.call("logs", "Logs_20140328.PutMetricFilter", put.clone()).await.ok();
    let filter = told().await;
    assert_eq!(filter["emitSystemFieldDimensions"], json!(["@aws.region"]));
    assert_eq!(filter["applyOnTransformedLogs"], true);
    put["emitSystemFieldDimensions"] = Value::Null;
    aws.call("logs", "Logs_20140328.PutMetricFilter", put).await.ok();
    assert!(told().await["emitSystemFieldDimensions"].is_null());
}

#[tokio::test]
async fn a_pattern_for_json_has_selectors() {
    let aws = shared().await;
    aws.call("logs", "Logs_20140328.CreateLogGroup", json!({"logGroupName": "patterns"})).await.ok();
    let put = async |pattern: &str| {
        let transformation = json!({"metricName": "m", "metricNamespace": "n", "metricValue": "1"});
        let input = json!({
            "logGroupName": "patterns", "filterName": "f", "filterPattern": pattern,
            "metricTransformations": [transformation],
        });
        aws.call("logs", "Logs_20140328.PutMetricFilter", input).await
    };
    for pattern in [
        "",
        "$$.level",
        "[ip, user]",
        r#"{ $.level = "ERROR" }"#,
        r#"{($.a = "x && y \" || z") || ($.b NOT EXISTS && $.c = %a||b%)}"#,
    ] {
        put(pattern).await.ok();
    }
    for pattern in [r#"{ $$.level = "ERROR" }"#, "{ level = 1 }", "{ $.a = 1 && b = 2 }", "{}"] {
        put(pattern).await.refused("InvalidParameterException");
    }
}
