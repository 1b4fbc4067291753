//! CreateService, UpdateService, DeleteService, DescribeServices and ListServices.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::operations::{Cluster, cluster, described, page, short, strings};
use super::pace::Moment;
use super::service::{OF_REVISION, Progress, Service, Status};
use super::{State, refused, text, told};
use crate::error::AwsError;
use crate::facts::Facts;

/// Parameters of a service that are told as they were given.
const SETTINGS: [&str; 21] = [
    "availabilityZoneRebalancing",
    "capacityProviderStrategy",
    "deploymentConfiguration",
    "deploymentController",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "healthCheckGracePeriodSeconds",
    "launchType",
    "loadBalancers",
    "networkConfiguration",
    "placementConstraints",
    "placementStrategy",
    "platformVersion",
    "propagateTags",
    "role",
    "schedulingStrategy",
    "serviceConnectConfiguration",
    "serviceRegistries",
    "taskDefinition",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
];

fn given(input: &Value) -> Map<String, Value> {
    let given = SETTINGS.iter().filter_map(|key| Some(((*key).to_owned(), input.get(*key)?.clone())));
    given.filter(|(_, value)| !value.is_null()).collect()
}

/// Returns the task definition that `reference` names, as DescribeTaskDefinition tells it.
pub(super) async fn definition(reference: &str, facts: &Facts<'_>) -> Result<Arc<Value>, AwsError> {
    let found = facts.ecs("DescribeTaskDefinition", &json!({"taskDefinition": reference})).await?;
    match found.map(|mut found| found["taskDefinition"].take()) {
        Some(definition) => Ok(Arc::new(definition)),
        None => refused("ClientException", "Unable to describe task definition."),
    }
}

/// Returns a launch type or a capacity provider strategy: as asked for, else the cluster's, else EC2.
pub(super) async fn launch_choice(
    input: &Value,
    cluster: &Cluster,
    facts: &Facts<'_>,
) -> Result<(&'static str, Value), AwsError> {
    let strategy = input["capacityProviderStrategy"].as_array().filter(|list| !list.is_empty());
    match (strategy, &input["launchType"]) {
        (Some(_), Value::String(_)) => {
            let message = "Specifying both a launch type and capacity provider strategy is not supported. Remove one and \
                           try again.";
            refused("InvalidParameterException", message)
        }
        (Some(strategy), _) => Ok(("capacityProviderStrategy", json!(strategy))),
        (None, launch_type @ Value::String(_)) => Ok(("launchType", launch_type.clone())),
        _ => {
            let clusters = facts.ecs_list("DescribeClusters", &json!({"clusters": [cluster.arn]}), "clusters").await?;
            let default = clusters.first().map(|cluster| cluster["defaultCapacityProviderStrategy"].clone());
            let default = default.filter(|default| default.as_array().is_some_and(|list| !list.is_empty()));
            Ok(default.map_or(("launchType", json!("EC2")), |default| ("capacityProviderStrategy", default)))
        }
    }
}

pub(super) async fn create(input: &Value, facts: &Facts<'_>) -> Result<Value, AwsError> {
    let scheduler = &facts.shared.ecs;
    scheduler.settle(facts.shared).await;
    let cluster = cluster(input, facts).await?;
    let Some(name) = input["serviceName"].as_str() else {
        return refused("InvalidParameterException", "Service name cannot be empty.");
    };
    let arn = format!("{}/{name}", cluster.arn.replacen(":cluster/", ":service/", 1));
    {
        let state = scheduler.state();
        match state.services.get(&arn) {
            Some(known) if known.status == Status::Active => {
                if !input["clientToken"].is_null() && known.given == *input {
                    return Ok(json!({"service": told::service(known, &state.tasks, true)}));
                }
                return refused("ClientException", "Creation of service was not idempotent.");
            }
            Some(known) if known.status == Status::Draining => {
                let message = "Unable to Start a service that is still Draining.";
                return refused("InvalidParameterException", message);
            }
            _ => {}
        }
    }
    let definition = definition(text(&input["taskDefinition"]), facts).await?;
    let (choice, value) = launch_choice(input, &cluster, facts).await?;
    let mut settings = Map::new();
    for (key, value) in [
        ("platformVersion", json!("")),
        ("networkConfiguration", json!({})),
        ("loadBalancers", json!([])),
        ("serviceRegistries", json!([])),
        ("healthCheckGracePeriodSeconds", json!(0)),
        ("schedulingStrategy", json!("REPLICA")),
        ("deploymentController", json!({"type": "ECS"})),
        ("enableECSManagedTags", json!(false)),
        ("propagateTags", json!("NONE")),
        ("enableExecuteCommand", json!(false)),
        (
            "deploymentConfiguration",
            json!({
                "maximumPercent": 200, "minimumHealthyPercent": 100,
                "deploymentCircuitBreaker": {"enable": false, "rollback": false},
            }),
        ),
    ] {
        settings.insert(key.to_owned(), value);
    }
    settings.extend(given(input));
    settings.remove("launchType");
    settings.remove("capacityProviderStrategy");
    settings.insert(choice.to_owned(), value);
    settings.insert("taskDefinition".to_owned(), definition["taskDefinitionArn"].clone());
    let role = settings.remove("role").unwrap_or_else(|| json!(""));
    settings.insert("roleArn".to_owned(), role);
    let account = cluster.arn.split(':').nth(4).unwrap_or_default();
    settings.insert("createdBy".to_owned(), json!(format!("arn:aws:iam::{account}:root")));

    let mut state = scheduler.state();
    let now = state.keeper.now(facts.shared.clock().scale());
    let mut service = Service {
        arn: arn.clone(),
        name: name.to_owned(),
        cluster: cluster.name,
        cluster_arn: cluster.arn,
        region: facts.region().to_owned(),
        key: facts.key().to_owned(),
        status: Status::Active,
        settings,
        desired: count(&input["desiredCount"]).unwrap_or(1),
        created: now.epoch,
        tags: input["tags"].as_array().cloned().unwrap_or_default(),
        deployments: Vec::new(),
        completed: None,
        revisions: Vec::new(),
        history: Vec::new(),
        events: Vec::new(),
        is_steady: false,
        failures: 0,
        failed_at: Moment::default(),
        given: input.clone(),
    };
    service.deploy(definition, &scheduler.ids, &now);
    let told = told::service(&service, &state.tasks, true);
    state.services.insert(arn, service);
    Ok(json!({ "service": told }))
}

/// Reads a number of tasks.
pub(super) fn count(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|count| usize::try_from(count).ok())
}

/// Returns the ARN of the service that `input` names in `cluster`, whether or not it is there.
fn named(cluster: &Cluster, reference: &str) -> String {
    if reference.starts_with("arn:") {
        // ARNs of the old form lack the cluster.
        return match reference.split_once(":service/") {
            Some((account, name)) if !name.contains('/') => format!("{account}:service/{}/{name}", cluster.name),
            _ => reference.to_owned(),
        };
    }
    format!("{}/{}", cluster.arn.replacen(":cluster/", ":service/", 1), short(reference))
}

pub(super) async fn update(input: &Value, facts: &Facts<'_>) -> Result<Value, AwsError> {
    let scheduler = &facts.shared.ecs;
    let cluster = cluster(input, facts).await?;
    let arn = named(&cluster, text(&input["service"]));
    let new = match input["taskDefinition"].as_str() {
        Some(reference) => Some(definition(reference, facts).await?),
        None => None,
    };
    let mut state = scheduler.state();
    let now = state.keeper.now(facts.shared.clock().scale());
    let State { services, tasks, .. } = &mut *state;
    let Some(service) = services.get_mut(&arn) else {
        return refused("ServiceNotFoundException", "Service not found.");
    };
    if service.status != Status::Active {
        return refused("ServiceNotActiveException", "Service was not ACTIVE.");
    }
    let before = revision_settings(service);
    service.settings.extend(given(input));
    if input["capacityProviderStrategy"].as_array().is_some_and(Vec::is_empty) {
        // An empty strategy moves the service back to a launch type.
        service.settings.remove("capacityProviderStrategy");
        service.settings.entry("launchType").or_insert_with(|| json!("EC2"));
    } else if !input["capacityProviderStrategy"].is_null() {
        service.settings.remove("launchType");
    }
    if let Some(new) = &new {
        service.settings.insert("taskDefinition".to_owned(), new["taskDefinitionArn"].clone());
    }
    if let Some(desired) = count(&input["desiredCount"]).filter(|desired| *desired != service.desired) {
        service.desired = desired;
        service.is_steady = false;
        if let Some(primary) = service.deployments.first_mut() {
            primary.updated = now.epoch;
        }
    }
    if input["forceNewDeployment"] == true || revision_settings(service) != before {
        let current = service.deployments.first().map(|primary| Arc::clone(&primary.revision.definition));
        if let Some(definition) = new.or(current) {
            service.deploy(definition, &scheduler.ids, &now);
        }
    }
    Ok(json!({"service": told::service(service, tasks, true)}))
}

fn revision_settings(service: &Service) -> Vec<Option<Value>> {
    OF_REVISION.iter().map(|key| service.settings.get(*key).cloned()).collect()
}

pub(super) async fn delete(input: &Value, facts: &Facts<'_>) -> Result<Value, AwsError> {
    let scheduler = &facts.shared.ecs;
    let cluster = cluster(input, facts).await?;
    let arn = named(&cluster, text(&input["service"]));
    let mut state = scheduler.state();
    let now = state.keeper.now(facts.shared.clock().scale());
    let State { services, tasks, .. } = &mut *state;
    let Some(service) = services.get_mut(&arn) else {
        return refused("ServiceNotFoundException", "Service not found.");
    };
    if service.status == Status::Active {
        if input["force"] != true && service.desired > 0 {
            let message = "The service cannot be stopped while it is scaled above 0.";
            return refused("InvalidParameterException", message);
        }
        service.status = Status::Draining;
        service.desired = 0;
        if let Some(deployment) = service.under_way() {
            deployment.enter(
                Progress::Stopped,
                "Service deployment stopped because the service is being deleted.",
                &now,
            );
        }
    }
    Ok(json!({"service": told::service(service, tasks, true)}))
}

pub(super) async fn describe(input: &Value, facts: &Facts<'_>) -> Result<Value, AwsError> {
    let cluster = cluster(input, facts).await?;
    let with_tags = strings(input, "include").any(|include| include == "TAGS");
    let state = facts.shared.ecs.state();
    let arn = |reference: &str| named(&cluster, reference);
    let find = |reference: &str| {
        let service = state.services.get(&arn(reference))?;
        Some(told::service(service, &state.tasks, with_tags))
    };
    Ok(described(strings(input, "services"), "services", arn, find))
}

pub(super) async fn list(input: &Value, facts: &Facts<'_>) -> Result<Value, AwsError> {
    let cluster = cluster(input, facts).await?;
    let state = facts.shared.ecs.state();
    let wanted = |service: &&Service| {
        let fits = |key: &str| input[key].is_null() || service.settings.get(key) == Some(&input[key]);
        service.cluster_arn == cluster.arn
            && service.status != Status::Inactive
            && fits("launchType")
            && fits("schedulingStrategy")
    };
    let arns = state.services.values().filter(wanted).map(|service| json!(service.arn)).collect();
    Ok(page(arns, input, "serviceArns"))
}

pub(super) fn list_by_namespace(input: &Value, facts: &Facts<'_>) -> Value {
    let state = facts.shared.ecs.state();
    let wanted = |service: &&Service| {
        let namespace = service.settings.get("serviceConnectConfiguration").map(|connect| &connect["namespace"]);
        service.status == Status::Active && namespace == Some(&input["namespace"])
    };
    let arns = state.services.values().filter(wanted).map(|service| json!(service.arn)).collect();
    page(arns, input, "serviceArns")
}
