//! How a task is told: DescribeTasks' view of it.

use serde_json::{Value, json};

use super::task::{Status, Task, definitions, has_check, is_essential};
use super::text;

impl Task {
    fn health_word(&self, of: impl Iterator<Item = Option<bool>>) -> &'static str {
        let all: Vec<_> = of.collect();
        match () {
            () if all.contains(&Some(false)) => "UNHEALTHY",
            () if all.is_empty() || all.contains(&None) => "UNKNOWN",
            () => "HEALTHY",
        }
    }

    /// Tells it as DescribeTasks does.
    pub(super) fn told(&self, with_tags: bool) -> Value {
        let id = self.plan.arn.rsplit('/').next().unwrap_or_default();
        let health_of = |one: &Value| self.containers.get(text(&one["name"])).and_then(|container| container.healthy);
        let checked = definitions(&self.plan.definition).filter(|one| is_essential(one) && has_check(one));
        let containers: Vec<Value> =
            definitions(&self.plan.definition).map(|one| self.container(id, one, health_of(one))).collect();
        let mut told = self.plan.told.clone();
        let mut set = |key: &str, value: Value| drop(told.insert(key.to_owned(), value));
        set("taskArn", json!(self.plan.arn));
        set("clusterArn", json!(self.plan.cluster_arn));
        set("taskDefinitionArn", self.plan.definition["taskDefinitionArn"].clone());
        set("group", json!(self.plan.group));
        set("startedBy", json!(self.plan.started_by));
        set("lastStatus", json!(self.status.word()));
        set("desiredStatus", json!(if self.stop.is_some() { "STOPPED" } else { "RUNNING" }));
        set("healthStatus", json!(self.health_word(checked.map(health_of))));
        set("containers", Value::Array(containers));
        set("attachments", self.attachments(id));
        set("version", json!(self.version));
        if self.address.is_some() {
            set("connectivity", json!("CONNECTED"));
        }
        if let Some(stop) = &self.stop {
            set("stopCode", json!(stop.code));
            set("stoppedReason", json!(stop.reason));
        }
        let times = &self.times;
        for (key, time) in [
            ("createdAt", Some(times.created)),
            ("pullStartedAt", times.pull_started),
            ("pullStoppedAt", times.pull_stopped),
            ("connectivityAt", times.pull_stopped),
            ("startedAt", times.started),
            ("stoppingAt", times.stopping),
            ("executionStoppedAt", times.execution_stopped),
            ("stoppedAt", times.stopped),
        ] {
            if let Some(time) = time {
                set(key, json!(time));
            }
        }
        if with_tags {
            set("tags", json!(self.plan.tags));
        }
        Value::Object(told)
    }

    fn container(&self, id: &str, definition: &Value, healthy: Option<bool>) -> Value {
        let name = text(&definition["name"]);
        let state = self.containers.get(name).cloned().unwrap_or_default();
        let status = match self.status {
            _ if state.stopped => "STOPPED",
            Status::Provisioning | Status::Pending => "PENDING",
            _ => "RUNNING",
        };
        let mut told = json!({
            "containerArn": self.plan.arn.replacen(":task/", ":container/", 1) + "/" + name,
            "taskArn": self.plan.arn,
            "name": name,
            "image": definition["image"],
            "lastStatus": status,
            "networkBindings": [],
            "networkInterfaces": [],
            "healthStatus": self.health_word(has_check(definition).then_some(healthy).into_iter()),
            "cpu": definition["cpu"].as_i64().unwrap_or(0).to_string(),
        });
        if let Some(address) = self.address {
            let interface = json!({"attachmentId": attachment_id(id), "privateIpv4Address": address.to_string()});
            told["networkInterfaces"] = json!([interface]);
        }
        if let Some(code) = state.exit_code {
            told["exitCode"] = json!(code);
        }
        if let Some(reason) = state.reason {
            told["reason"] = json!(reason);
        }
        if status != "PENDING" {
            told["runtimeId"] = json!(format!("{}-{}", id.get(..32).unwrap_or(id), name));
        }
        told
    }

    fn attachments(&self, id: &str) -> Value {
        let Some(subnet) = &self.plan.subnet else { return json!([]) };
        let status = match self.status {
            Status::Provisioning => "PRECREATED",
            Status::Deprovisioning | Status::Stopped => "DELETED",
            _ => "ATTACHED",
        };
        let mut details = vec![json!({"name": "subnetId", "value": subnet})];
        if let Some(address) = self.address {
            let interface = format!("eni-{}", id.get(..17).unwrap_or(id));
            details.push(json!({"name": "networkInterfaceId", "value": interface}));
            details.push(json!({"name": "privateIPv4Address", "value": address.to_string()}));
        }
        json!([{
            "id": attachment_id(id), "type": "ElasticNetworkInterface", "status": status, "details": details,
        }])
    }
}

/// Makes the id of a task's network attachment of the task's own, which is as unique.
fn attachment_id(task: &str) -> String {
    let part = |from: usize, to: usize| task.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}
