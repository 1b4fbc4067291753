//! How long a deployment is waited for.

use std::time::Duration;

use infra::address::{Address, Id, OpId};
use infra::aws::AwsCloud;
use infra::cloud::{Cloud, CloudError, ErrorKind, Op, Patience, Reporter, Saying};
use infra::value::Value;
use local_aws::{Behaviour, Health};
use serde_json::json;

use super::shop::Shop;

/// Changes the service as it is, with a new deployment; tells how that went, and what it said.
async fn redeploy(shop: &Shop, patience: Patience) -> (Result<(), CloudError>, Vec<String>) {
    let cloud = AwsCloud::local("us-east-1", &shop.local.endpoint()).await;
    let kind = cloud.catalog().get("AWS::ECS::Service").unwrap().clone();
    let id = Id::new(shop.recorded("Api")["id"].as_str().unwrap());
    let live = cloud.read(&kind, std::slice::from_ref(&id)).await.unwrap().remove(0);
    let mut new = live.properties.as_map().unwrap().clone();
    let nonce = json!({"EnableForceNewDeployment": true, "ForceNewDeploymentNonce": "1"});
    new.insert("ForceNewDeployment".to_owned(), Value::from(nonce));
    let (reporter, mut told) = Reporter::new();
    let op = Op::new(OpId::generate(), Address::from("Api"), "shop".into(), "default".into());
    let op = op.patient(patience).reporting(reporter);
    let result = cloud.update(&kind, &op, &id, &live.properties, &Value::Map(new)).await;
    drop(op);
    let mut said = Vec::new();
    while let Some(told) = told.recv().await {
        let Saying::Progress(text) = told.saying else { panic!("{told:?}") };
        said.push(text);
    }
    (result, said)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stack_says_how_long_and_what_is_missing_then_is_told() {
    let shop = super::open().await;
    let (result, said) = redeploy(&shop, Patience { wait: false, timeout: None }).await;
    assert_eq!(
        (result, said),
        (Ok(()), vec!["accepted by ECS; not followed, as the stack says `wait: false`".to_owned()])
    );
    shop.until(|status| status["services"][0]["deployment"] == "SUCCESSFUL").await;

    let sick = Behaviour { target_health: Some(Health::Unhealthy), ..Behaviour::default() };
    let never = Behaviour { image: "app:1".into(), ..sick };
    shop.local.control().behave(never);
    let patience = Patience { wait: true, timeout: Some(Duration::from_millis(300)) };
    let (result, said) = redeploy(&shop, patience).await;
    let error = result.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsettled);
    assert!(error.message.starts_with("still deploying: "), "{error}");
    assert!(!said.is_empty() && said.iter().all(|text| text.starts_with("deploying: ")), "{said:?}");
    shop.local.control().clear_behaviours();
    shop.close().await;
}
