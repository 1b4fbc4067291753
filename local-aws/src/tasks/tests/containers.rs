//! Tasks as real containers; left out, and said so, where there is no Docker.
#![allow(clippy::print_stderr, reason = "what is left out is said")]

use std::collections::HashMap;

use bollard::Docker;
use bollard::query_parameters::{ListContainersOptionsBuilder, ListNetworksOptionsBuilder};
use serde_json::{Value, json};

use super::{Stage, awslogs, id, image};
use crate::ecs::runtime::TaskEvent;

/// A local AWS with containers, and an image of its own.
struct Harbour {
    stage: Stage,
    docker: Docker,
    image: String,
}

impl Harbour {
    async fn open() -> Option<Self> {
        if !crate::docker_available().await {
            eprintln!("left out: Docker does not answer");
            return None;
        }
        let stage = Stage::new(true).await;
        stage.log_group("/tasks").await;
        let docker = Docker::connect_with_defaults().unwrap().negotiate_version().await.unwrap();
        let image = format!("local-aws-test-{}:1", stage.local.endpoint().rsplit(':').next().unwrap());
        image::make(&docker, &image).await;
        Some(Self { stage, docker, image })
    }

    /// A container that does what `command` says, and writes to the log.
    fn container(&self, name: &str, command: &[&str], more: &Value) -> Value {
        let mut container = json!({
            "name": name, "image": self.image, "command": command, "logConfiguration": awslogs("/tasks"),
            "stopTimeout": 1,
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            container[name] = value.clone();
        }
        container
    }

    async fn lines(&self, container: &str, number: u32) -> Vec<String> {
        self.stage.lines("/tasks", &format!("ecs/{container}/{}", id(number))).await
    }

    async fn containers(&self) -> usize {
        let ours = HashMap::from([("ancestor", vec![self.image.as_str()])]);
        let options = ListContainersOptionsBuilder::default().all(true).filters(&ours).build();
        self.docker.list_containers(Some(options)).await.unwrap().len()
    }

    async fn close(self) {
        let port = self.stage.local.endpoint().rsplit(':').next().unwrap().to_owned();
        self.stage.local.stop().await;
        let name = format!("local-aws-{}-{port}", std::process::id());
        let named = HashMap::from([("name", vec![name])]);
        let options = ListNetworksOptionsBuilder::default().filters(&named).build();
        assert_eq!(self.docker.list_networks(Some(options)).await.unwrap().len(), 0, "its network is left");
        image::remove(&self.docker, &self.image).await;
    }
}

fn of(containers: &[Value]) -> Value {
    json!({ "containerDefinitions": containers, "cpu": "256", "memory": "512" })
}

async fn get(address: &str) -> String {
    reqwest::get(address).await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn a_task_serves_at_its_address_until_it_is_stopped() {
    let Some(harbour) = Harbour::open().await else { return };
    let check = json!({"command": ["CMD", "/probe", "check", "127.0.0.1:8080"], "interval": 5, "retries": 1});
    let more = json!({"healthCheck": check, "readonlyRootFilesystem": true, "user": "65534"});
    let web = harbour.container("web", &["serve", "8080", "write", "/x", "sleep", "600000"], &more);
    let mut task = harbour.stage.launch(1, of(&[web]));
    assert_eq!(task.next().await, "pulled");
    let TaskEvent::Started { address, answers: None } = task.event().await else { panic!("not started") };
    assert_eq!(task.next().await, "web healthy: Some(true)");
    assert_eq!(get(&format!("http://{address}:8080/")).await, "ok");
    assert_eq!(harbour.containers().await, 1);
    harbour.stage.stop(1);
    assert_eq!(task.all().await, ["web stopped: Some(137) ", "AsAsked"]);
    assert_eq!(harbour.containers().await, 0);
    assert_eq!(harbour.lines("web", 1).await, ["write: Err(ReadOnlyFilesystem)"]);

    let bad = json!({"healthCheck": {"command": ["CMD-SHELL", "exit 1"], "interval": 5, "retries": 1}});
    let web = harbour.container("web", &["sleep", "600000"], &bad);
    let mut task = harbour.stage.launch(1, of(&[web]));
    assert_eq!(
        [task.next().await, task.next().await, task.next().await],
        ["pulled", "started", "web healthy: Some(false)"]
    );
    // What runs yet is ended with the local AWS.
    harbour.close().await;
    assert_eq!(task.all().await.last().map(String::as_str), Some("AsAsked"));
}

#[tokio::test]
async fn a_container_that_ends_says_how_and_its_last_lines_are_kept() {
    let Some(harbour) = Harbour::open().await else { return };
    let died = harbour.container("web", &["print", "listening", "complain", "no database", "exit", "3"], &json!({}));
    let wanted = ["pulled", "started", "web stopped: Some(3) ", "EssentialContainerExited"];
    assert_eq!(harbour.stage.launch(1, of(&[died])).all().await, wanted);
    let mut lines = harbour.lines("web", 1).await;
    lines.sort();
    assert_eq!(lines, ["listening", "no database"]);

    let greedy = harbour.container("web", &["eat"], &json!({"memory": 32}));
    let wanted = "web stopped: Some(137) OutOfMemoryError: Container killed due to memory usage";
    assert_eq!(harbour.stage.launch(2, of(&[greedy])).all().await[2], wanted);

    let absent = harbour.container("web", &[], &json!({"image": "docker.io/library/nothing:1"}));
    let failed = harbour.stage.launch(3, of(&[absent])).all().await;
    assert!(failed[0].starts_with("web stopped: None CannotPullContainerError: "), "{failed:?}");
    assert!(failed[1].starts_with("failed: CannotPullContainerError: "), "{failed:?}");

    let unknown = harbour.container("web", &[], &json!({"entryPoint": ["/nothing"]}));
    let failed = harbour.stage.launch(4, of(&[unknown])).all().await;
    assert!(failed[1].starts_with("web stopped: None CannotStartContainerError: "), "{failed:?}");
    assert!(failed[2].starts_with("failed: CannotStartContainerError: "), "{failed:?}");

    // However far the others have come by then.
    let died = harbour.container("web", &["exit", "3"], &json!({}));
    let side = harbour.container("side", &["sleep", "600000"], &json!({}));
    let ended = harbour.stage.launch(5, of(&[died, side])).all().await;
    assert!(ended.contains(&"web stopped: Some(3) ".to_owned()), "{ended:?}");
    assert_eq!(ended.last().map(String::as_str), Some("EssentialContainerExited"));
    harbour.close().await;
}

#[tokio::test]
async fn containers_of_a_task_start_in_order_and_share_one_address() {
    let Some(harbour) = Harbour::open().await else { return };
    let first = harbour.container("first", &["print", "done"], &json!({"essential": false}));
    let main = harbour.container(
        "main",
        &["serve", "8080", "sleep", "600000"],
        &json!({
            "dependsOn": [{"containerName": "first", "condition": "SUCCESS"}],
        }),
    );
    let side = harbour.container(
        "side",
        &["get", "127.0.0.1:8080", "/"],
        &json!({
            "essential": false, "dependsOn": [{"containerName": "main", "condition": "START"}],
        }),
    );
    let mut task = harbour.stage.launch(1, of(&[side, main.clone(), first]));
    let mut seen = Vec::new();
    while seen.len() < 4 {
        seen.push(task.next().await);
    }
    assert_eq!(seen[..2], ["pulled", "first stopped: Some(0) "]);
    assert!(
        seen[2..].contains(&"started".to_owned()) && seen[2..].contains(&"side stopped: Some(0) ".to_owned()),
        "{seen:?}"
    );
    assert_eq!(harbour.lines("side", 1).await, ["HTTP/1.1 200 OK"]);
    harbour.stage.stop(1);
    assert_eq!(task.all().await, ["main stopped: Some(137) ", "AsAsked"]);

    let first = harbour.container("first", &["exit", "1"], &json!({"essential": false}));
    let failed = harbour.stage.launch(2, of(&[main, first])).all().await;
    assert!(failed[2].contains("dependency did not exit successfully"), "{failed:?}");
    assert_eq!(failed[3], "failed: Task failed to start");
    harbour.close().await;
}

#[tokio::test]
async fn a_container_reaches_the_endpoint_and_has_its_secrets() {
    let Some(harbour) = Harbour::open().await else { return };
    let port = harbour.stage.local.endpoint().rsplit(':').next().unwrap().to_owned();
    let parameter = json!({"Name": "/mail/from", "Value": "a@example.com", "Type": "String"});
    harbour.stage.aws("ssm", "AmazonSSM.PutParameter", parameter).await;
    let more = json!({
        "environment": [{"name": "QUEUE_URL", "value": format!("http://localhost:{port}/123456789012/mail")}],
        "secrets": [{"name": "FROM", "valueFrom": "/mail/from"}],
    });
    let commands = ["env", "FROM", "env", "AWS_REGION", "env", "AWS_ENDPOINT_URL", "env", "QUEUE_URL"];
    let web = harbour.container("web", &commands, &more);
    assert_eq!(harbour.stage.launch(1, of(&[web])).all().await.len(), 4);
    let lines = harbour.lines("web", 1).await;
    let endpoint = lines[2].strip_prefix("AWS_ENDPOINT_URL=http://").unwrap();
    assert_eq!(lines[..2], ["FROM=a@example.com", "AWS_REGION=us-east-1"]);
    assert_eq!(lines[3], format!("QUEUE_URL=http://{endpoint}/123456789012/mail"));

    let commands = ["get", endpoint, "/_local/health"];
    let web = harbour.container("web", &commands, &json!({}));
    assert_eq!(harbour.stage.launch(2, of(&[web])).all().await.len(), 4);
    assert_eq!(harbour.lines("web", 2).await, ["HTTP/1.1 200 OK"]);
    harbour.close().await;
}
