//! What a put by name would overwrite: it is left alone where somebody else has it.

use infra::address::{Address, OpId};
use infra::aws::AwsCloud;
use infra::cloud::{Cloud, ErrorKind, Op};
use infra::value::Value;
use local_aws::{LocalAws, Options};
use serde_json::{Value as Json, json};

fn operation(stack: &str) -> Op {
    Op::new(OpId::generate(), Address::root("Thing"), stack.into(), "test".into())
}

/// Types, how somebody else has made one, how the stack would change it.
fn table() -> Vec<(&'static str, Json, Json)> {
    let alarm = |threshold: i32| {
        json!({
            "AlarmName": "taken", "ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1, "Period": 60,
            "MetricName": "CPUUtilization", "Namespace": "AWS/ECS", "Statistic": "Average", "Threshold": threshold,
        })
    };
    let composite = |rule: &str| json!({"AlarmName": "whole", "AlarmRule": rule});
    let dashboard = |body: Json| json!({"DashboardName": "taken", "DashboardBody": body});
    let filter = |pattern: &str| {
        let metric = json!({"MetricName": "m", "MetricNamespace": "n", "MetricValue": "1"});
        json!({
            "LogGroupName": "taken", "FilterName": "taken", "FilterPattern": pattern, "MetricTransformations": [metric],
        })
    };
    let table = "dynamodb:table:ReadCapacityUnits";
    let target = |most: i32| {
        json!({
            "ServiceNamespace": "dynamodb", "ResourceId": "table/taken", "ScalableDimension": table,
            "MinCapacity": 1, "MaxCapacity": most,
        })
    };
    let policy = |value: f64| {
        let metric = json!({"PredefinedMetricType": "DynamoDBReadCapacityUtilization"});
        let configuration = json!({"TargetValue": value, "PredefinedMetricSpecification": metric});
        json!({
            "PolicyName": "taken", "PolicyType": "TargetTrackingScaling",
            "ScalingTargetId": format!("table/taken|{table}|dynamodb"),
            "TargetTrackingScalingPolicyConfiguration": configuration,
        })
    };
    vec![
        ("AWS::CloudWatch::Alarm", alarm(1), alarm(2)),
        ("AWS::CloudWatch::CompositeAlarm", composite("TRUE"), composite("FALSE")),
        ("AWS::CloudWatch::Dashboard", dashboard(json!({"widgets": []})), dashboard(json!({}))),
        ("AWS::Logs::MetricFilter", filter("a"), filter("b")),
        ("AWS::ApplicationAutoScaling::ScalableTarget", target(2), target(3)),
        ("AWS::ApplicationAutoScaling::ScalingPolicy", policy(40.0), policy(50.0)),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_has_is_not_overwritten() {
    let local = LocalAws::start(Options::default()).await.expect("the local AWS starts");
    let cloud = AwsCloud::local(crate::REGION, &local.endpoint()).await;
    let logs = cloud.catalog().get("AWS::Logs::LogGroup").expect("the type").clone();
    let group = Value::from(json!({"LogGroupName": "taken"}));
    cloud.create(&logs, &operation("other"), &group).await.expect("a log group");
    for (name, theirs, ours) in table() {
        let kind = cloud.catalog().get(name).expect("the type").clone();
        let (theirs, ours) = (Value::from(theirs), Value::from(ours));
        let id = cloud.create(&kind, &operation("other"), &theirs).await.expect(name);
        let before = cloud.read(&kind, std::slice::from_ref(&id)).await.expect(name);
        let op = operation("ours");
        let made = cloud.create(&kind, &op, &ours).await;
        assert_eq!(made.map_err(|error| error.kind), Err(ErrorKind::Conflict), "{name}");
        assert_eq!(cloud.find(&kind, &op, &ours).await, Ok(None), "{name}");
        let after = cloud.read(&kind, std::slice::from_ref(&id)).await.expect(name);
        assert_eq!((after.len(), &after), (1, &before), "{name}");
    }
    local.stop().await;
}
