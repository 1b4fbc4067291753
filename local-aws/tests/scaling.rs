//! Application Auto Scaling: what its emulator loses, and what it does to ECS services.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(feature = "winterbaume")]

mod support;

use serde_json::{Value, json};
use support::{Answer, Aws, shared};

async fn call(aws: &Aws, operation: &str, input: &Value) -> Answer {
    aws.call("application-autoscaling", &format!("AnyScaleFrontendService.{operation}"), input.clone()).await
}

/// Makes a service of one task in a cluster of its own, and returns how a target of it is named.
async fn service(aws: &Aws, cluster: &str) -> Value {
    let definition = json!({"family": "scaled", "containerDefinitions": [{"name": "app", "image": "app"}]});
    aws.ecs("RegisterTaskDefinition", definition).await.ok();
    aws.ecs("CreateCluster", json!({"clusterName": cluster})).await.ok();
    let service = json!({"cluster": cluster, "serviceName": "app", "taskDefinition": "scaled", "desiredCount": 1});
    aws.ecs("CreateService", service).await.ok();
    let resource = format!("service/{cluster}/app");
    json!({"ServiceNamespace": "ecs", "ResourceId": resource, "ScalableDimension": "ecs:service:DesiredCount"})
}

fn with(target: &Value, more: Value) -> Value {
    let (mut target, more) = (target.as_object().unwrap().clone(), more.as_object().unwrap().clone());
    target.extend(more);
    target.into()
}

#[tokio::test]
async fn a_target_moves_the_count_of_its_service_between_the_limits() {
    let aws = shared().await;
    let target = service(&aws, "limits").await;
    let count = async || {
        let answer = aws.ecs("DescribeServices", json!({"cluster": "limits", "services": ["app"]})).await.json();
        answer["services"][0]["desiredCount"].clone()
    };
    call(&aws, "RegisterScalableTarget", &with(&target, json!({"MinCapacity": 3, "MaxCapacity": 5}))).await.ok();
    assert_eq!(count().await, 3);
    call(&aws, "RegisterScalableTarget", &with(&target, json!({"MinCapacity": 0, "MaxCapacity": 2}))).await.ok();
    assert_eq!(count().await, 2);
    call(&aws, "RegisterScalableTarget", &with(&target, json!({"MinCapacity": 1}))).await.ok();
    assert_eq!(count().await, 2);
}

#[tokio::test]
async fn targets_that_make_no_sense_are_refused() {
    let aws = shared().await;
    let target = service(&aws, "nonsense").await;
    for limits in [json!({"MinCapacity": 1}), json!({"MinCapacity": 2, "MaxCapacity": 1})] {
        call(&aws, "RegisterScalableTarget", &with(&target, limits)).await.refused("ValidationException");
    }
    let limits = json!({"MinCapacity": 1, "MaxCapacity": 2, "ResourceId": "service/nonsense/none"});
    call(&aws, "RegisterScalableTarget", &with(&target, limits)).await.refused("ValidationException");
}

#[tokio::test]
async fn a_target_is_told_whole() {
    let aws = shared().await;
    let target = service(&aws, "whole").await;
    let limits = json!({"MinCapacity": 1, "MaxCapacity": 2, "Tags": {"team": "mail"}});
    let made = call(&aws, "RegisterScalableTarget", &with(&target, limits)).await.json();
    let told = call(&aws, "DescribeScalableTargets", &json!({"ServiceNamespace": "ecs"})).await.json();
    let list = told["ScalableTargets"].as_array().unwrap();
    let told = list.iter().find(|it| it["ResourceId"] == target["ResourceId"]).unwrap();
    assert_eq!(told["ScalableTargetARN"], made["ScalableTargetARN"]);
    assert_eq!(told["SuspendedState"]["ScheduledScalingSuspended"], false);
    assert!(
        told["RoleARN"].as_str().unwrap().ends_with("/AWSServiceRoleForApplicationAutoScaling_ECSService"),
        "{told}"
    );
    let tags = call(&aws, "ListTagsForResource", &json!({"ResourceARN": told["ScalableTargetARN"]})).await.json();
    assert_eq!(tags["Tags"], json!({"team": "mail"}));
}

#[tokio::test]
async fn a_policy_keeps_its_arn_and_all_that_it_says_until_its_target_goes() {
    let aws = shared().await;
    let target = service(&aws, "policies").await;
    let limits = with(&target, json!({"MinCapacity": 1, "MaxCapacity": 2}));
    call(&aws, "RegisterScalableTarget", &limits).await.ok();
    let policy = |kind: &str, configuration: Value| {
        with(
            &target,
            json!({"PolicyName": "p", "PolicyType": kind, format!("{kind}PolicyConfiguration"): configuration}),
        )
    };
    let pair = json!({"PredefinedMetricType": "ECSServiceCPUUtilization"});
    let forecast = json!({"MetricSpecifications": [{"TargetValue": 50.0, "PredefinedMetricPairSpecification": pair}]});
    let first = call(&aws, "PutScalingPolicy", &policy("PredictiveScaling", forecast.clone())).await.json();
    let told = async || call(&aws, "DescribeScalingPolicies", &target).await.json()["ScalingPolicies"].clone();
    assert_eq!(told().await[0]["PredictiveScalingPolicyConfiguration"], forecast);
    let steps = json!({"AdjustmentType": "ChangeInCapacity", "StepAdjustments": [{"ScalingAdjustment": 1}]});
    let second = call(&aws, "PutScalingPolicy", &policy("StepScaling", steps.clone())).await.json();
    assert_eq!(second["PolicyARN"], first["PolicyARN"]);
    let policies = told().await;
    assert_eq!(policies[0]["PolicyARN"], first["PolicyARN"]);
    assert_eq!(policies[0]["StepScalingPolicyConfiguration"], steps);
    assert!(policies[0]["PredictiveScalingPolicyConfiguration"].is_null(), "{policies}");

    let action = json!({"ScheduledActionName": "a", "Schedule": "rate(1 hour)"});
    call(&aws, "PutScheduledAction", &with(&target, action)).await.ok();
    call(&aws, "DeregisterScalableTarget", &target).await.ok();
    call(&aws, "RegisterScalableTarget", &limits).await.ok();
    let actions = call(&aws, "DescribeScheduledActions", &target).await.json();
    assert_eq!((&actions["ScheduledActions"], &told().await), (&json!([]), &json!([])));
    let third = call(&aws, "PutScalingPolicy", &policy("StepScaling", steps)).await.json();
    assert_ne!(third["PolicyARN"], first["PolicyARN"]);
}
