//! How services, their deployments and revisions are told.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::breaker::Breaker;
use super::service::{Deployment, Revision, Service, ServiceDeployment};
use super::task::{Status, Task};

/// What of a service's settings is told of its deployments instead.
const OF_DEPLOYMENT: [&str; 3] = ["serviceConnectConfiguration", "volumeConfigurations", "vpcLatticeConfigurations"];

/// Running and pending tasks.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    running: usize,
    pending: usize,
}

fn counts<'a>(tasks: impl Iterator<Item = &'a Task>) -> Counts {
    let mut counts = Counts::default();
    for task in tasks {
        match task.status {
            Status::Running => counts.running += 1,
            status if status < Status::Running && task.is_live() => counts.pending += 1,
            _ => {}
        }
    }
    counts
}

type Tasks = BTreeMap<String, Task>;

fn of_service<'a>(service: &'a Service, tasks: &'a Tasks) -> impl Iterator<Item = &'a Task> {
    tasks.values().filter(|task| task.plan.service.as_ref() == Some(&service.arn))
}

fn of_deployment(service: &Service, id: &str, tasks: &Tasks) -> Counts {
    counts(of_service(service, tasks).filter(|task| task.plan.started_by == id))
}

/// Tells a service as DescribeServices does.
pub(super) fn service(service: &Service, tasks: &Tasks, with_tags: bool) -> Value {
    let all = counts(of_service(service, tasks));
    let mut told = Map::new();
    let mut set = |key: &str, value: Value| drop(told.insert(key.to_owned(), value));
    set("serviceArn", json!(service.arn));
    set("serviceName", json!(service.name));
    set("clusterArn", json!(service.cluster_arn));
    for (key, value) in &service.settings {
        if !OF_DEPLOYMENT.contains(&key.as_str()) {
            set(key, value.clone());
        }
    }
    set("status", json!(service.status.word()));
    set("desiredCount", json!(service.desired));
    set("runningCount", json!(all.running));
    set("pendingCount", json!(all.pending));
    set("createdAt", json!(service.created));
    let deployments = service.deployments.iter().enumerate();
    set("deployments", deployments.map(|(place, one)| deployment(service, one, place == 0, tasks)).collect());
    set("events", json!(service.events));
    let revisions = service.deployments.iter().map(|deployment| {
        let counts = of_deployment(service, &deployment.id, tasks);
        json!({
            "arn": deployment.revision.arn, "requestedTaskCount": requested(service, deployment, counts),
            "runningTaskCount": counts.running, "pendingTaskCount": counts.pending,
        })
    });
    set("currentServiceRevisions", revisions.collect());
    if let Some(current) = service.history.first() {
        set("currentServiceDeployment", json!(current.arn));
    }
    if with_tags {
        set("tags", json!(service.tags));
    }
    Value::Object(told)
}

/// Returns how many tasks a deployment is to have: the primary one all, others what they still have.
fn requested(service: &Service, deployment: &Deployment, counts: Counts) -> usize {
    let is_primary = service.deployments.first().is_some_and(|primary| primary.id == deployment.id);
    if is_primary { service.desired } else { counts.running + counts.pending }
}

fn deployment(service: &Service, deployment: &Deployment, is_primary: bool, tasks: &Tasks) -> Value {
    let counts = of_deployment(service, &deployment.id, tasks);
    let mut told = json!({
        "id": deployment.id,
        "status": if is_primary { "PRIMARY" } else { "ACTIVE" },
        "desiredCount": requested(service, deployment, counts),
        "pendingCount": counts.pending,
        "runningCount": counts.running,
        "failedTasks": deployment.failed,
        "createdAt": deployment.created,
        "updatedAt": deployment.updated,
        "rolloutState": deployment.rollout.word(),
        "rolloutStateReason": deployment.reason,
    });
    for key in ["taskDefinition", "launchType", "capacityProviderStrategy", "platformVersion", "networkConfiguration"] {
        if let Some(value) = deployment.revision.settings.get(key) {
            told[key] = value.clone();
        }
    }
    for key in OF_DEPLOYMENT {
        if let Some(value) = deployment.revision.settings.get(key).filter(|value| value["namespace"] != "") {
            told[key] = value.clone();
        }
    }
    told
}

/// Tells a service deployment as DescribeServiceDeployments does.
pub(super) fn service_deployment(service: &Service, one: &ServiceDeployment, tasks: &Tasks) -> Value {
    let goes_on = !one.status.is_final();
    let is_back = one.rollback.is_some();
    let (production, test) = match one.shift {
        Some(shift) => (shift.production, shift.test),
        None if is_back => (0.0, 0.0),
        None => (100.0, 100.0),
    };
    let summary = |revision: &Revision, id: &str, requested: usize, production: f64, test: f64| {
        let counts = of_deployment(service, id, tasks);
        let mut told = json!({
            "arn": revision.arn, "requestedTaskCount": requested,
            "runningTaskCount": counts.running, "pendingTaskCount": counts.pending,
        });
        if one.shift.is_some() {
            told["requestedProductionTrafficWeight"] = json!(production);
            told["requestedTestTrafficWeight"] = json!(test);
        }
        told
    };
    let desired = |wanted: bool| if wanted { service.desired } else { 0 };
    let mut told = json!({
        "serviceDeploymentArn": one.arn,
        "serviceArn": service.arn,
        "clusterArn": service.cluster_arn,
        "createdAt": one.created,
        "updatedAt": one.updated,
        "status": one.status.word(),
        "sourceServiceRevisions": [],
        "targetServiceRevision": summary(&one.target, &one.deployment, desired(!is_back), production, test),
        "deploymentConfiguration": one.configuration,
        "deploymentCircuitBreaker":
            Breaker::of(&one.configuration, service.desired).told(one.failures, one.status.is_final()),
    });
    if let Some(source) = &one.source {
        let deployments = service.deployments.iter().chain(&service.completed);
        let id =
            deployments.filter(|deployment| deployment.revision.arn == source.arn).map(|one| one.id.as_str()).next();
        let serves = is_back || goes_on;
        let told_source = summary(source, id.unwrap_or_default(), desired(serves), 100.0 - production, 100.0 - test);
        told["sourceServiceRevisions"] = json!([told_source]);
    }
    for (key, time) in [("startedAt", one.started), ("finishedAt", one.finished), ("stoppedAt", one.stopped)] {
        if let Some(time) = time {
            told[key] = json!(time);
        }
    }
    if !one.reason.is_empty() {
        told["statusReason"] = json!(one.reason);
    }
    if let Some((reason, started, revision)) = &one.rollback {
        told["rollback"] = json!({"reason": reason, "startedAt": started, "serviceRevisionArn": revision});
    }
    if let Some(shift) = one.shift {
        told["lifecycleStage"] = json!(shift.stage.word());
    }
    let alarms = &one.configuration["alarms"];
    if alarms["enable"] == true {
        let status = match () {
            () if !one.alarms.triggered.is_empty() => "TRIGGERED",
            () if one.alarms.watched == Some(false) => "DISABLED",
            () if goes_on => "MONITORING",
            () => "MONITORING_COMPLETE",
        };
        told["alarms"] = json!({
            "status": status, "alarmNames": alarms["alarmNames"], "triggeredAlarmNames": one.alarms.triggered,
        });
    }
    told
}

/// Tells a service deployment as ListServiceDeployments does.
pub(super) fn brief(service: &Service, one: &ServiceDeployment, tasks: &Tasks) -> Value {
    let whole = service_deployment(service, one, tasks);
    let keys = [
        "serviceDeploymentArn",
        "serviceArn",
        "clusterArn",
        "startedAt",
        "createdAt",
        "finishedAt",
        "status",
        "statusReason",
    ];
    let told = keys.into_iter().filter_map(|key| Some((key.to_owned(), whole.get(key)?.clone())));
    let mut told: Map<String, Value> = told.collect();
    told.insert("targetServiceRevisionArn".to_owned(), json!(one.target.arn));
    Value::Object(told)
}

/// Tells a revision as DescribeServiceRevisions does.
pub(super) fn revision(service: &Service, one: &Revision) -> Value {
    let mut told = one.settings.clone();
    told.retain(|_, value| !value.is_null());
    let containers = one.definition["containerDefinitions"].as_array().into_iter().flatten();
    let images = containers.map(|container| json!({"containerName": container["name"], "image": container["image"]}));
    told.insert("containerImages".to_owned(), images.collect());
    told.insert("serviceRevisionArn".to_owned(), json!(one.arn));
    told.insert("serviceArn".to_owned(), json!(service.arn));
    told.insert("clusterArn".to_owned(), json!(service.cluster_arn));
    told.insert("guardDutyEnabled".to_owned(), json!(false));
    told.insert("createdAt".to_owned(), json!(one.created));
    let groups = one.attachments().into_iter().zip(balancers(one)).map(|(attachment, balancer)| {
        let mut group = json!({"targetGroupArn": attachment.target_group});
        if let Some(rule) = balancer["advancedConfiguration"].get("productionListenerRule") {
            group["productionListenerRule"] = rule.clone();
        }
        group
    });
    let groups: Vec<Value> = groups.collect();
    if !groups.is_empty() {
        told.insert("resolvedConfiguration".to_owned(), json!({"loadBalancers": groups}));
    }
    Value::Object(told)
}

fn balancers(revision: &Revision) -> impl Iterator<Item = &Value> {
    revision.settings.get("loadBalancers").and_then(Value::as_array).into_iter().flatten()
}
