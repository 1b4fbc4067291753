//! ECS deployments: rolling, failing, rolled back, stopped and scaled, with simulated tasks that behave as they are told.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use local_aws::{Behaviour, Health};
use serde_json::{Value, json};
use support::world::World;

#[tokio::test]
async fn a_rolling_update_replaces_all_tasks_and_only_then_is_complete() {
    let world = World::start().await;
    world.create("rolls", 2, json!({})).await;
    let first = world.steady("rolls").await;
    let old = world.tasks("rolls", "RUNNING").await;
    assert_eq!(old.len(), 2);
    for task in &old {
        assert_eq!((&task["lastStatus"], &task["startedBy"]), (&json!("RUNNING"), &first["deployments"][0]["id"]));
        assert_eq!(task["attachments"][0]["details"][2]["name"], "privateIPv4Address");
    }

    let updated = world.deploy("rolls", "v2").await;
    assert_eq!(updated["deployments"][0]["rolloutState"], "IN_PROGRESS");
    assert_eq!(updated["deployments"][1]["id"], first["deployments"][0]["id"]);
    let during = world.while_deploying("rolls").await;
    assert!(during.iter().all(|healthy| *healthy >= 2), "{during:?}");
    let now = world.steady("rolls").await;
    let id = &now["deployments"][0]["id"];
    assert_ne!(id, &first["deployments"][0]["id"]);
    assert_eq!((&now["runningCount"], now["deployments"].as_array().unwrap().len()), (&json!(2), 1));
    assert!(world.tasks("rolls", "RUNNING").await.iter().all(|task| task["startedBy"] == *id));
    for arn in old.iter().map(|task| &task["taskArn"]) {
        let task = world.task(arn).await;
        assert_eq!(
            (&task["desiredStatus"], &task["stopCode"]),
            (&json!("STOPPED"), &json!("ServiceSchedulerInitiated"))
        );
        let reason =
            format!("Scaling activity initiated by (deployment {})", first["deployments"][0]["id"].as_str().unwrap());
        assert_eq!(task["stoppedReason"], reason);
    }
    let told = world.service_deployment("rolls").await;
    assert_eq!(told["status"], "SUCCESSFUL");
    assert_eq!(told["targetServiceRevision"]["runningTaskCount"], 2);
    assert_eq!(told["serviceDeploymentArn"], now["currentServiceDeployment"]);
    let revisions = json!({"serviceRevisionArns": [told["targetServiceRevision"]["arn"]]});
    let revision = world.ecs("DescribeServiceRevisions", revisions).await["serviceRevisions"][0].clone();
    assert_eq!(
        (&revision["taskDefinition"], &revision["containerImages"][0]["image"]),
        (&now["taskDefinition"], &json!("v2"))
    );
    let events = now["events"].to_string();
    for words in ["has started 2 tasks: (task ", "has begun draining connections on ", "has reached a steady state."] {
        assert!(events.contains(words), "{words}: {events}");
    }
    world.end().await;
}

/// Deploys an image that behaves so over one that runs well, and checks that it is rolled back; returns one of its tasks.
async fn rolled_back(behaviour: Behaviour) -> Value {
    let world = World::start().await;
    world.create("back", 2, json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}})).await;
    let first = world.steady("back").await;
    let old: Vec<Value> = world.tasks("back", "RUNNING").await.iter().map(|task| task["taskArn"].clone()).collect();
    world.local.control().behave(Behaviour { image: "bad".into(), ..behaviour });
    let updated = world.deploy("back", "bad").await;
    let bad = updated["deployments"][0]["id"].clone();
    let during = world.while_deploying("back").await;
    assert!(during.iter().all(|healthy| *healthy >= 2), "{during:?}");
    let now = world.steady("back").await;
    assert_eq!(now["deployments"][0]["id"], first["deployments"][0]["id"]);
    assert_eq!(now["taskDefinition"], first["taskDefinition"]);
    let still: Vec<Value> = world.tasks("back", "RUNNING").await.iter().map(|task| task["taskArn"].clone()).collect();
    assert_eq!(still, old, "what served goes on serving");
    let told = world.service_deployment("back").await;
    assert_eq!(
        (&told["status"], &told["deploymentCircuitBreaker"]["status"]),
        (&json!("ROLLBACK_SUCCESSFUL"), &json!("TRIGGERED"))
    );
    assert_eq!(told["deploymentCircuitBreaker"]["threshold"], 3);
    assert_eq!(told["rollback"]["serviceRevisionArn"], told["sourceServiceRevisions"][0]["arn"]);
    let events = now["events"].to_string();
    let failed = format!("(deployment {}) deployment failed: tasks failed to start.", bad.as_str().unwrap());
    assert!(events.contains(&failed), "{events}");
    let stopped = world.tasks("back", "STOPPED").await;
    let task = stopped
        .into_iter()
        .find(|task| {
            task["startedBy"] == bad && !task["stoppedReason"].as_str().unwrap().starts_with("Scaling activity")
        })
        .unwrap();
    world.end().await;
    task
}

#[tokio::test]
async fn an_image_that_cannot_be_pulled_is_rolled_back() {
    let reason = "CannotPullContainerError: pull image manifest has been retried 1 time(s)".to_owned();
    let task = rolled_back(Behaviour { never_starts: Some(reason.clone()), ..Behaviour::default() }).await;
    assert_eq!((&task["stopCode"], &task["stoppedReason"]), (&json!("TaskFailedToStart"), &json!(reason)));
    assert_eq!(task["containers"][0]["reason"], reason);
}

#[tokio::test]
async fn a_container_that_dies_after_a_moment_is_rolled_back() {
    let behaviour = Behaviour { exit_after_s: Some(3.0), exit_code: Some(137), ..Behaviour::default() };
    let task = rolled_back(behaviour).await;
    assert_eq!(task["stopCode"], "EssentialContainerExited");
    assert_eq!(task["stoppedReason"], "Essential container in task exited");
    assert_eq!(task["containers"][0]["exitCode"], 137);
}

#[tokio::test]
async fn a_target_that_is_never_healthy_is_rolled_back() {
    let task = rolled_back(Behaviour { target_health: Some(Health::Unhealthy), ..Behaviour::default() }).await;
    let reason = task["stoppedReason"].as_str().unwrap();
    assert!(
        reason.starts_with("Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:"),
        "{reason}"
    );
}

#[tokio::test]
async fn a_container_that_is_never_healthy_is_rolled_back() {
    let task = rolled_back(Behaviour { container_health: Some(Health::Unhealthy), ..Behaviour::default() }).await;
    assert_eq!(task["stoppedReason"], "Task failed container health checks");
    assert_eq!(task["healthStatus"], "UNHEALTHY");
}

#[tokio::test]
async fn without_rollback_a_failed_deployment_stays_and_what_served_goes_on() {
    let world = World::start().await;
    world.create("stays", 2, json!({"deploymentCircuitBreaker": {"enable": true, "rollback": false}})).await;
    let first = world.steady("stays").await;
    let reason = Some("ResourceInitializationError: no".to_owned());
    world.local.control().behave(Behaviour { image: "bad".into(), never_starts: reason, ..Behaviour::default() });
    world.deploy("stays", "bad").await;
    let failed = world.until("stays", |service| service["deployments"][0]["rolloutState"] == "FAILED").await;
    let primary = &failed["deployments"][0];
    assert_eq!(primary["rolloutStateReason"], "ECS deployment circuit breaker: tasks failed to start.");
    assert_eq!(primary["failedTasks"].as_u64().map(|failed| failed >= 3), Some(true), "{primary}");
    assert_eq!(failed["deployments"][1]["id"], first["deployments"][0]["id"]);
    assert_eq!(failed["deployments"][1]["runningCount"], 2);
    assert_eq!(world.service_deployment("stays").await["status"], "STOPPED");
    // Another deployment mends it.
    world.deploy("stays", "v3").await;
    let now = world.steady("stays").await;
    assert_eq!(now["deployments"].as_array().unwrap().len(), 1);
    world.end().await;
}

#[tokio::test]
async fn scaling_keeps_the_deployment() {
    let world = World::start().await;
    world.create("scales", 2, json!({})).await;
    let first = world.steady("scales").await;
    for count in [4, 2] {
        let input = json!({"cluster": "main", "service": "scales", "desiredCount": count});
        world.ecs("UpdateService", input).await;
        let now = world.until("scales", |service| service["runningCount"] == count).await;
        assert_eq!(now["deployments"][0]["id"], first["deployments"][0]["id"]);
        assert_eq!(now["deployments"].as_array().unwrap().len(), 1);
    }
    let clusters = world.ecs("DescribeClusters", json!({"clusters": ["main"]})).await;
    let cluster = &clusters["clusters"][0];
    assert_eq!((&cluster["activeServicesCount"], &cluster["runningTasksCount"]), (&json!(1), &json!(2)));
    world.end().await;
}

#[tokio::test]
async fn a_task_that_becomes_unhealthy_is_replaced() {
    let world = World::start().await;
    world.create("heals", 1, json!({})).await;
    let first = world.steady("heals").await;
    let sick = world.tasks("heals", "RUNNING").await[0]["taskArn"].clone();
    let unhealthy = Behaviour { image: "v1".into(), target_health: Some(Health::Unhealthy), ..Behaviour::default() };
    world.local.control().behave(unhealthy);
    world.until("heals", |service| service["events"].to_string().contains("has started 1 tasks")).await;
    let replaced = async {
        loop {
            let tasks = world.tasks("heals", "RUNNING").await;
            if tasks.iter().any(|task| task["taskArn"] != sick) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), replaced).await.unwrap();
    world.local.control().clear_behaviours();
    let now = world.steady("heals").await;
    assert_eq!(now["deployments"][0]["id"], first["deployments"][0]["id"]);
    world.end().await;
}

#[tokio::test]
async fn a_deployment_is_stopped_and_goes_back() {
    let world = World::start().await;
    world.create("stop", 2, json!({})).await;
    let first = world.steady("stop").await;
    let unhealthy = Behaviour { image: "v2".into(), exit_after_s: Some(20.0), ..Behaviour::default() };
    world.local.control().behave(unhealthy);
    let updated = world.deploy("stop", "v2").await;
    let arn = json!({"serviceDeploymentArn": updated["currentServiceDeployment"], "stopType": "ROLLBACK"});
    world.ecs("StopServiceDeployment", arn.clone()).await;
    let now = world.steady("stop").await;
    assert_eq!(now["deployments"][0]["id"], first["deployments"][0]["id"]);
    assert_eq!(world.service_deployment("stop").await["status"], "ROLLBACK_SUCCESSFUL");
    world.aws.ecs("StopServiceDeployment", arn).await.refused("ConflictException");
    world.end().await;
}

#[tokio::test]
async fn an_alarm_rolls_a_deployment_back() {
    let world = World::start().await;
    let alarm = json!({
        "AlarmName": "errors", "Namespace": "x", "MetricName": "errors", "Statistic": "Sum", "Period": 60,
        "EvaluationPeriods": 60, "Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold",
    });
    let monitoring = async |operation: &str, input: Value| {
        world.aws.call("monitoring", &format!("GraniteServiceVersion20100801.{operation}"), input).await.ok()
    };
    let state = async |value: &str| {
        monitoring("SetAlarmState", json!({"AlarmName": "errors", "StateValue": value, "StateReason": "test"})).await;
    };
    monitoring("PutMetricAlarm", alarm).await;
    state("OK").await;
    let configuration = json!({"alarms": {"alarmNames": ["errors"], "enable": true, "rollback": true}});
    world.create("alarmed", 1, configuration).await;
    // It watches the alarm for as long as that looks back, which no test waits for.
    world.until("alarmed", |service| service["runningCount"] == 1).await;
    world.skip();
    let first = world.steady("alarmed").await;
    world.unskip();
    world.deploy("alarmed", "v2").await;
    world.until("alarmed", |service| service["runningCount"] == 2).await;
    state("ALARM").await;
    let now = world.until("alarmed", |service| service["deployments"].to_string().contains("alarm detected")).await;
    assert_eq!(now["deployments"][0]["id"], first["deployments"][0]["id"]);
    world.steady("alarmed").await;
    let told = world.service_deployment("alarmed").await;
    assert_eq!(
        (&told["status"], &told["alarms"]["triggeredAlarmNames"]),
        (&json!("ROLLBACK_SUCCESSFUL"), &json!(["errors"]))
    );
    world.end().await;
}

#[tokio::test]
async fn a_task_runs_alone_and_is_stopped() {
    let world = World::start().await;
    let definition = world.definition("v1").await;
    let input = json!({"cluster": "main", "taskDefinition": definition, "startedBy": "me", "tags": [{"key": "a", "value": "b"}]});
    let started = world.ecs("RunTask", input).await["tasks"][0].clone();
    assert_eq!((&started["lastStatus"], &started["group"]), (&json!("PROVISIONING"), &json!("family:app")));
    let status = async |wanted: &str| {
        let reached = async {
            loop {
                let task = world.task(&started["taskArn"]).await;
                if task["lastStatus"] == wanted {
                    return task;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), reached).await.unwrap()
    };
    status("RUNNING").await;
    let listed = world.ecs("ListTasks", json!({"cluster": "main", "startedBy": "me"})).await;
    assert_eq!(listed["taskArns"], json!([started["taskArn"]]));
    let tags = world.ecs("ListTagsForResource", json!({"resourceArn": started["taskArn"]})).await;
    assert_eq!(tags["tags"], json!([{"key": "a", "value": "b"}]));
    world.ecs("StopTask", json!({"cluster": "main", "task": started["taskArn"], "reason": "enough"})).await;
    let stopped = status("STOPPED").await;
    assert_eq!((&stopped["stopCode"], &stopped["stoppedReason"]), (&json!("UserInitiated"), &json!("enough")));
    let missing = json!({"cluster": "main", "tasks": ["0123456789abcdef0123456789abcdef"]});
    assert_eq!(world.ecs("DescribeTasks", missing).await["failures"][0]["reason"], "MISSING");
    world.end().await;
}
