//! ECS: sizes that Fargate has, what a proxy needs, and what a service or cluster depends on.

use serde_json::{Value, json};

use crate::call::Call;
use crate::ecs::short;
use crate::error::AwsError;
use crate::facts::Facts;
use crate::strict::target_group;

/// Fargate's sizes: CPU units, then memory in MiB from, to, in steps of
/// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html>).
const SIZES: [(u64, u64, u64, u64); 7] = [
    (256, 512, 2048, 512),
    (512, 1024, 4096, 1024),
    (1024, 2048, 8192, 1024),
    (2048, 4096, 16384, 1024),
    (4096, 8192, 30720, 1024),
    (8192, 16384, 61440, 4096),
    (16384, 32768, 122_880, 8192),
];

pub(super) async fn check(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    let input = &call.json;
    match call.operation.as_str() {
        "RegisterTaskDefinition" => {
            size(input)?;
            app_ports_are_given(input)
        }
        "CreateService" => {
            cluster_exists(input, facts).await?;
            task_definition_exists(input, facts).await?;
            network_exists(input, facts).await?;
            target_groups_are_attached(input, facts).await
        }
        "UpdateService" => {
            another_strategy_is_forced(input, facts).await?;
            task_definition_exists(input, facts).await?;
            network_exists(input, facts).await?;
            target_groups_are_attached(input, facts).await
        }
        "DeleteCluster" => cluster_is_empty(input, facts).await,
        _ => Ok(()),
    }
}

fn size(input: &Value) -> Result<(), AwsError> {
    let fargate = input["requiresCompatibilities"].as_array().is_some_and(|list| list.contains(&json!("FARGATE")));
    if !fargate {
        return Ok(());
    }
    let amount = |key: &str| input[key].as_str().and_then(amount).unwrap_or(0);
    let (cpu, memory) = (amount("cpu"), amount("memory"));
    let fits = |&(units, from, to, step): &(u64, u64, u64, u64)| {
        // The smallest size is 512 MiB, 1 GiB or 2 GiB.
        cpu == units && (from..=to).contains(&memory) && memory % step == 0 && (cpu != 256 || memory != 1536)
    };
    if SIZES.iter().any(fits) {
        return Ok(());
    }
    Err(AwsError::refused("ClientException", "No Fargate configuration exists for given values."))
}

/// Refuses App Mesh's proxy where it does not say which ports the application has.
fn app_ports_are_given(input: &Value) -> Result<(), AwsError> {
    let proxy = &input["proxyConfiguration"];
    // `APPMESH` is the default, and the only type.
    if proxy.is_null() || !matches!(proxy["type"].as_str(), None | Some("APPMESH")) {
        return Ok(());
    }
    let mut properties = proxy["properties"].as_array().into_iter().flatten();
    if properties.any(|property| {
        property["name"] == "AppPorts" && property["value"].as_str().is_some_and(|ports| !ports.is_empty())
    }) {
        return Ok(());
    }
    Err(AwsError::refused("ClientException", "App ports not found"))
}

/// Reads `1024`, `1 vCPU` or `2GB`, in CPU units or MiB.
fn amount(text: &str) -> Option<u64> {
    let text = text.to_ascii_lowercase();
    let whole = ["vcpu", "gb"].iter().find_map(|unit| text.strip_suffix(unit));
    match whole {
        Some(number) => number.trim().parse::<f64>().ok().map(|number| (number * 1024.0) as u64),
        None => text.trim().parse().ok(),
    }
}

async fn cluster_exists(input: &Value, facts: &Facts<'_>) -> Result<(), AwsError> {
    let cluster = input["cluster"].as_str().unwrap_or("default");
    let arns = facts.ecs_list("ListClusters", &json!({}), "clusterArns").await?;
    if arns.iter().filter_map(Value::as_str).any(|arn| short(arn) == short(cluster)) {
        return Ok(());
    }
    Err(AwsError::refused("ClusterNotFoundException", "Cluster not found."))
}

/// Refuses another capacity provider strategy without a new deployment.
async fn another_strategy_is_forced(input: &Value, facts: &Facts<'_>) -> Result<(), AwsError> {
    let given = &input["capacityProviderStrategy"];
    if given.is_null() || input["forceNewDeployment"] == true {
        return Ok(());
    }
    let lookup = json!({"cluster": input["cluster"].as_str().unwrap_or("default"), "services": [input["service"]]});
    let services = facts.ecs_list("DescribeServices", &lookup, "services").await?;
    let Some(service) = services.first() else { return Ok(()) };
    if strategy(given) == strategy(&service["capacityProviderStrategy"]) {
        return Ok(());
    }
    let message = "When switching from launch type to capacity provider strategy on an existing service, or making a \
                   change to a capacity provider strategy on a service that is already using one, you must force a new \
                   deployment.";
    Err(AwsError::refused("InvalidParameterException", message))
}

/// The providers of a strategy with their base and weight, which are 0 where they are not given.
fn strategy(list: &Value) -> Vec<(String, i64, i64)> {
    let number = |item: &Value, key: &str| item[key].as_i64().unwrap_or(0);
    let items = list.as_array().into_iter().flatten();
    let provider = |item: &Value| item["capacityProvider"].as_str().unwrap_or_default().to_owned();
    items.map(|item| (provider(item), number(item, "base"), number(item, "weight"))).collect()
}

async fn cluster_is_empty(input: &Value, facts: &Facts<'_>) -> Result<(), AwsError> {
    let cluster = short(input["cluster"].as_str().unwrap_or("default"));
    let services = facts.shared.ecs.services(facts.shared).await;
    if services.iter().any(|service| service["clusterArn"].as_str().is_some_and(|arn| short(arn) == cluster)) {
        let message = "The Cluster cannot be deleted while Services are active.";
        return Err(AwsError::refused("ClusterContainsServicesException", message));
    }
    let arns = facts.ecs_list("ListClusters", &json!({}), "clusterArns").await?;
    let arn = arns.iter().filter_map(Value::as_str).find(|arn| short(arn) == cluster);
    if let Some(arn) = arn
        && facts.shared.ecs.has_tasks(arn, facts.shared).await
    {
        let message = "The Cluster cannot be deleted while Tasks are active.";
        return Err(AwsError::refused("ClusterContainsTasksException", message));
    }
    Ok(())
}

async fn task_definition_exists(input: &Value, facts: &Facts<'_>) -> Result<(), AwsError> {
    let Some(wanted) = input["taskDefinition"].as_str() else { return Ok(()) };
    let found = facts.ecs("DescribeTaskDefinition", &json!({"taskDefinition": wanted})).await?;
    match found.map(|found| found["taskDefinition"]["status"] == "ACTIVE") {
        Some(true) => Ok(()),
        Some(false) => Err(AwsError::refused("ClientException", "TaskDefinition is inactive")),
        None => Err(AwsError::refused("ClientException", "TaskDefinition not found.")),
    }
}

async fn network_exists(input: &Value, facts: &Facts<'_>) -> Result<(), AwsError> {
    let network = &input["networkConfiguration"]["awsvpcConfiguration"];
    let lists = [
        ("subnets", "DescribeSubnets", "subnetId", "InvalidSubnetID.NotFound", "subnet ID"),
        ("securityGroups", "DescribeSecurityGroups", "groupId", "InvalidGroup.NotFound", "security group"),
    ];
    for (key, list, path, code, kind) in lists {
        for id in network[key].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if facts.find(list, path, id).await?.is_none() {
                let message = format!(
                    "Error retrieving {kind} information for [{id}]: The {kind} '{id}' does not exist (ErrorCode: {code})"
                );
                return Err(AwsError::refused("InvalidParameterException", message));
            }
        }
    }
    Ok(())
}

async fn target_groups_are_attached(input: &Value, facts: &Facts<'_>) -> Result<(), AwsError> {
    for balancer in input["loadBalancers"].as_array().into_iter().flatten() {
        let Some(arn) = balancer["targetGroupArn"].as_str() else { continue };
        if target_group::users(arn, facts).await?.is_empty() {
            let message =
                format!("The target group with targetGroupArn {arn} does not have an associated load balancer.");
            return Err(AwsError::refused("InvalidParameterException", message));
        }
    }
    Ok(())
}
