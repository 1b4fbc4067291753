//! Simulated tasks, from outside: told how to behave over HTTP, run and described as ECS's.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use local_aws::LocalAws;
use serde_json::{Value, json};
use support::{Aws, options};

#[tokio::test]
async fn a_task_behaves_as_it_is_told_over_http() {
    let local = LocalAws::start(options()).await.unwrap();
    let aws = Aws::new(&local.endpoint());
    let behaviour = json!({"image": "job", "exit_after_s": 3.0, "exit_code": 7, "log": ["no database"]});
    assert_eq!(aws.control("POST", "behaviours", Some(behaviour.clone())).await.status, 201);
    assert_eq!(aws.control("POST", "behaviours", Some(json!({"imgae": "job"}))).await.status, 422);
    assert_eq!(aws.control("GET", "behaviours", None).await.json(), json!([behaviour]));

    let task = run(&aws).await;
    assert_eq!(task["stopCode"], "EssentialContainerExited", "{task}");
    assert_eq!(task["containers"][0]["exitCode"], 7, "{task}");
    let id = task["taskArn"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let stream = json!({"logGroupName": "/jobs", "logStreamName": format!("ecs/job/{id}")});
    let events = aws.call("logs", "Logs_20140328.GetLogEvents", stream).await.json();
    assert_eq!(events["events"][0]["message"], "no database", "{events}");

    assert_eq!(aws.control("DELETE", "behaviours", None).await.status, 204);
    assert_eq!(aws.control("GET", "behaviours", None).await.json(), json!([]));
    local.stop().await;
}

/// Runs a task until it has stopped, and returns it.
async fn run(aws: &Aws) -> Value {
    let network = aws.network().await;
    let group = aws.group(&network.vpc, "jobs").await;
    aws.call("logs", "Logs_20140328.CreateLogGroup", json!({"logGroupName": "/jobs"})).await.ok();
    aws.ecs("CreateCluster", json!({"clusterName": "main"})).await.ok();
    let options = json!({"awslogs-group": "/jobs", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "ecs"});
    let container = json!({
        "name": "job", "image": "job:1", "logConfiguration": {"logDriver": "awslogs", "options": options},
    });
    let definition = json!({
        "family": "job", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256",
        "memory": "512", "containerDefinitions": [container],
    });
    aws.ecs("RegisterTaskDefinition", definition).await.ok();
    let network = json!({"awsvpcConfiguration": {"subnets": [network.one], "securityGroups": [group]}});
    let run = json!({
        "cluster": "main", "taskDefinition": "job", "launchType": "FARGATE", "networkConfiguration": network,
    });
    let arn = aws.ecs("RunTask", run).await.json()["tasks"][0]["taskArn"].clone();
    for _ in 0..500 {
        let answer = aws.ecs("DescribeTasks", json!({"cluster": "main", "tasks": [arn]})).await.json();
        if answer["tasks"][0]["lastStatus"] == "STOPPED" {
            return answer["tasks"][0].clone();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it does not stop");
}
