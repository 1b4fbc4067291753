//! Simulated tasks.

use serde_json::{Value, json};

use super::{Stage, awslogs, id};
use crate::ecs::runtime::{Answers, TaskEvent};
use crate::tasks::behaviour::{Behaviour, Health};

fn definition(container: &Value) -> Value {
    let mut web = json!({"name": "web", "image": "web:1"});
    for (name, value) in container.as_object().into_iter().flatten() {
        web[name] = value.clone();
    }
    json!({"containerDefinitions": [web]})
}

fn behaviour(image: &str) -> Behaviour {
    Behaviour { image: image.into(), ..Behaviour::default() }
}

#[tokio::test]
async fn a_task_runs_until_it_is_stopped_and_says_what_it_is_told_to() {
    let stage = Stage::new(false).await;
    let mut task = stage.launch(1, definition(&json!({})));
    assert_eq!([task.next().await, task.next().await], ["pulled", "started"]);
    stage.stop(1);
    assert_eq!(task.all().await, ["web stopped: Some(0) ", "AsAsked"]);

    stage.log_group("/web").await;
    let control = stage.local.control();
    control.behave(Behaviour {
        exit_after_s: Some(3.0),
        exit_code: Some(7),
        log: vec!["listening".into(), "panicked".into()],
        ..behaviour("web:")
    });
    let logged = definition(&json!({ "logConfiguration": awslogs("/web") }));
    let died = ["pulled", "started", "web stopped: Some(7) ", "EssentialContainerExited"];
    assert_eq!(stage.launch(2, logged.clone()).all().await, died);
    assert_eq!(stage.lines("/web", &format!("ecs/web/{}", id(2))).await, ["listening", "panicked"]);

    let never = "CannotPullContainerError: web:1: not found";
    control.behave(Behaviour { never_starts: Some(never.into()), ..behaviour("web:1") });
    let failed = [format!("web stopped: None {never}"), format!("failed: {never}")];
    assert_eq!(stage.launch(3, logged).all().await, failed);
    stage.local.stop().await;
}

#[tokio::test]
async fn health_is_as_told_for_tasks_that_run_already_too() {
    let stage = Stage::new(false).await;
    let control = stage.local.control();
    let check = definition(&json!({"healthCheck": {"command": ["CMD", "/check"]}}));
    let mut task = stage.launch(1, check);
    assert_eq!(task.next().await, "pulled");
    let TaskEvent::Started { answers: Some(mut answers), .. } = task.event().await else { panic!("not started") };
    assert_eq!(*answers.borrow_and_update(), Answers { healthy: true, status: None });
    assert_eq!(task.next().await, "web healthy: Some(true)");
    control.behave(Behaviour {
        container_health: Some(Health::Unhealthy),
        target_health: Some(Health::Unhealthy),
        ..behaviour("web")
    });
    assert_eq!(task.next().await, "web healthy: Some(false)");
    assert!(answers.wait_for(|answers| !answers.healthy).await.is_ok());
    control.behave(Behaviour { response_status: Some(500), ..behaviour("web") });
    assert!(answers.wait_for(|answers| *answers == Answers { healthy: true, status: Some(500) }).await.is_ok());
    control.clear_behaviours();
    assert_eq!(task.next().await, "web healthy: Some(true)");
    stage.local.stop().await;
}

#[tokio::test]
async fn what_is_not_there_keeps_a_task_from_starting() {
    let stage = Stage::new(false).await;
    let logged = definition(&json!({ "logConfiguration": awslogs("/none") }));
    let failed = stage.launch(1, logged).all().await;
    assert_eq!(failed.len(), 2, "{failed:?}");
    assert!(failed[1].starts_with("failed: ResourceInitializationError: failed to validate logger args"), "{failed:?}");
    assert!(failed[1].contains("ResourceNotFoundException"), "{failed:?}");

    let made = stage.aws(
        "secretsmanager",
        "secretsmanager.CreateSecret",
        json!({
            "Name": "mail", "SecretString": "{\"password\": \"hidden\"}",
        }),
    );
    let arn = made.await["ARN"].as_str().unwrap().to_owned();
    let parameter = json!({"Name": "/mail/from", "Value": "a@example.com", "Type": "SecureString"});
    stage.aws("ssm", "AmazonSSM.PutParameter", parameter).await;
    let with = |value_from: &str| definition(&json!({"secrets": [{"name": "SECRET", "valueFrom": value_from}]}));
    let there =
        [&arn, &format!("{arn}:password::"), "/mail/from", "arn:aws:ssm:us-east-1:123456789012:parameter/mail/from"];
    for (number, value_from) in (10..).zip(there) {
        let mut task = stage.launch(number, with(value_from));
        assert_eq!([task.next().await, task.next().await], ["pulled", "started"], "{value_from}");
        stage.stop(number);
    }
    let missing = [
        (format!("{arn}:user::"), "did not contain json key user"),
        ("arn:aws:secretsmanager:us-east-1:123456789012:secret:none-AbCdEf".into(), "ResourceNotFoundException"),
        ("/mail/none".into(), "invalid ssm parameters: /mail/none"),
    ];
    for (number, (value_from, why)) in (20..).zip(missing) {
        let failed = stage.launch(number, with(&value_from)).all().await;
        assert!(failed[0].starts_with("failed: ResourceInitializationError: unable to pull secrets"), "{failed:?}");
        assert!(failed[0].contains(why) && !failed[0].contains("hidden"), "{failed:?}");
    }
    stage.local.stop().await;
}

#[tokio::test]
async fn tasks_have_addresses_of_their_subnet() {
    let stage = Stage::new(false).await;
    let subnets = "DescribeSubnets";
    let facts = crate::facts::Facts::of(&stage.local.control().0, "test", "us-east-1");
    let all = facts.ec2(subnets).await.unwrap();
    let (subnet, cidr) = (all[0].text_at("subnetId"), all[0].text_at("cidrBlock"));
    let cidr: ipnet::IpNet = cidr.parse().unwrap();
    let network = json!({"awsvpcConfiguration": {"subnets": [subnet]}});
    let mut seen = Vec::new();
    for number in 1..=2 {
        let mut task = stage.launch_in(number, definition(&json!({})), network.clone());
        assert_eq!(task.next().await, "pulled");
        let TaskEvent::Started { address, .. } = task.event().await else { panic!("not started") };
        assert!(cidr.contains(&address), "{address} {cidr}");
        seen.push(address);
    }
    assert_ne!(seen[0], seen[1]);
    stage.local.control().reset().await.unwrap();
    let nowhere = json!({"awsvpcConfiguration": {"subnets": ["subnet-0000"]}});
    let failed = stage.launch_in(3, definition(&json!({})), nowhere).all().await;
    assert!(failed[0].starts_with("failed: ResourceInitializationError: network interface"), "{failed:?}");
    stage.local.stop().await;
}
