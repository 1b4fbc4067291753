//! Starting tasks: when a service may, with what, and where.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::operations::short;
use super::pace::{FIRST_BACKOFF, LEAST_BACKOFF, LONGEST_BACKOFF};
use super::reconcile::Round;
use super::runtime::Launch;
use super::service::{Deployment, Service};
use super::task::{Plan, Task};
use super::{announced, text};

/// How often a service's tasks may fail in a row before it is made to wait.
const FREE_FAILURES: u32 = 3;

impl Round<'_> {
    /// Starts `count` tasks of a deployment, if the service may.
    pub(super) fn start(
        &mut self,
        service: &mut Service,
        tasks: &mut BTreeMap<String, Task>,
        deployment: &Deployment,
        count: usize,
    ) {
        if count == 0 || !self.may_start(service) {
            return;
        }
        let mut started = Vec::new();
        for place in 0..count {
            let task = self.launch(service, deployment, tasks.len() + place);
            started.push(format!("(task {})", short(&task.plan.arn)));
            tasks.insert(task.plan.arn.clone(), task);
        }
        service.is_steady = false;
        let told = format!("has started {count} tasks: {}.", started.join(" "));
        service.tell(&told, self.ids.uuid(), &self.now);
    }

    /// Says whether a service whose tasks keep failing has waited long enough.
    fn may_start(&self, service: &mut Service) -> bool {
        if service.failures == 0 {
            return true;
        }
        let doublings = service.failures.saturating_sub(FREE_FAILURES + 1).min(16);
        let wait = if service.failures <= FREE_FAILURES || service.breaker().enabled {
            Duration::ZERO
        } else {
            FIRST_BACKOFF.saturating_mul(1 << doublings).min(LONGEST_BACKOFF)
        };
        self.now.is_over(service.failed_at, wait) && self.now.is_really_over(service.failed_at, LEAST_BACKOFF)
    }

    fn launch(&self, service: &Service, deployment: &Deployment, place: usize) -> Task {
        let revision = &deployment.revision;
        let id = self.ids.task();
        let arn = service.arn.replacen(":service/", ":task/", 1);
        let arn = format!("{}/{id}", arn.rsplit_once('/').map_or(arn.as_str(), |(cluster, _)| cluster));
        let mut network = revision.settings.get("networkConfiguration").cloned().unwrap_or_default();
        let subnets = network["awsvpcConfiguration"]["subnets"].as_array().cloned().unwrap_or_default();
        // One after the other, so that the tasks are spread over the zones.
        let subnet = subnets.get(place % subnets.len().max(1)).and_then(Value::as_str).map(str::to_owned);
        if let Some(subnet) = &subnet {
            network["awsvpcConfiguration"]["subnets"] = json!([subnet]);
        }
        let group = format!("service:{}", service.name);
        let events = self.runtime.launch(Launch {
            task_arn: arn.clone(),
            task_definition: (*revision.definition).clone(),
            overrides: Value::Null,
            cluster: service.cluster.clone(),
            group: group.clone(),
            network,
            region: service.region.clone(),
            time_scale: self.scale.clone(),
        });
        let mut told = as_launched(&revision.definition, &revision.settings);
        told.insert(
            "enableExecuteCommand".to_owned(),
            json!(service.settings.get("enableExecuteCommand") == Some(&json!(true))),
        );
        told.insert("overrides".to_owned(), json!({"containerOverrides": [], "inferenceAcceleratorOverrides": []}));
        let from_service = service.settings.get("propagateTags").is_some_and(|from| from == "SERVICE");
        let plan = Plan {
            arn,
            cluster_arn: service.cluster_arn.clone(),
            group,
            started_by: deployment.id.clone(),
            service: Some(service.arn.clone()),
            definition: Arc::clone(&revision.definition),
            attachments: revision.attachments(),
            grace: service.grace(),
            subnet,
            told,
            tags: if from_service { service.tags.clone() } else { Vec::new() },
        };
        Task::new(plan, announced(events, self.changed), &self.now)
    }
}

/// Tells what is known of a task when it is launched: its size, and on what it runs.
pub(super) fn as_launched(definition: &Value, settings: &Map<String, Value>) -> Map<String, Value> {
    let strategy = settings.get("capacityProviderStrategy").and_then(Value::as_array).filter(|list| !list.is_empty());
    let weight = |item: &&Value| (item["base"].as_i64().unwrap_or(0), item["weight"].as_i64().unwrap_or(0));
    let provider = strategy.and_then(|list| list.iter().max_by_key(weight)).map(|item| text(&item["capacityProvider"]));
    let asked = settings.get("launchType").and_then(Value::as_str);
    let launch_type = match provider {
        Some("FARGATE" | "FARGATE_SPOT") => "FARGATE",
        Some(_) => "EC2",
        None => asked.unwrap_or("EC2"),
    };
    let mut told = Map::new();
    told.insert("launchType".to_owned(), json!(launch_type));
    if let Some(provider) = provider {
        told.insert("capacityProviderName".to_owned(), json!(provider));
    }
    if launch_type == "FARGATE" {
        let asked = settings.get("platformVersion").and_then(Value::as_str).filter(|version| !version.is_empty());
        let version = asked.filter(|version| *version != "LATEST").unwrap_or("1.4.0");
        told.insert("platformVersion".to_owned(), json!(version));
        told.insert("platformFamily".to_owned(), json!("Linux"));
    }
    for key in ["cpu", "memory"] {
        if let Some(amount) = definition.get(key).filter(|amount| !amount.is_null()) {
            told.insert(key.to_owned(), amount.clone());
        }
    }
    told
}
