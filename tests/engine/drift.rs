use infra::address::Address;
use infra::value::Value;
use serde_json::json;

use super::support::User;

const STACK: &str = r#"
tags: { app: shop }
resources:
  Queue:
    type: Test::App::Queue
    properties: { DelaySeconds: 5 }
  Role:
    type: Test::App::Role
    properties: { AssumeRolePolicyDocument: { Statement: [{ Effect: Allow, Action: "*", Resource: "${Queue.Arn}" }] } }
"#;

#[tokio::test(start_paused = true)]
async fn a_property_changed_behind_our_back_is_drift_and_mended() {
    let user = User::new();
    user.applied(STACK).await;
    user.cloud.edit(&user.id("Queue"), |properties| {
        if let Value::Map(properties) = properties {
            properties.insert("DelaySeconds".to_owned(), Value::Int(9));
            properties.insert("VisibilityTimeout".to_owned(), Value::Int(77));
        }
    });
    assert_eq!(user.plan(STACK).await, "~ Queue\n    DelaySeconds: 9 → 5 [drift]\n");
    user.applied(STACK).await;
    assert_eq!(user.property("Queue", "DelaySeconds"), json!(5));
    assert_eq!(user.property("Queue", "VisibilityTimeout"), json!(77), "what is not ours stays as it is");
}

#[tokio::test(start_paused = true)]
async fn a_tag_added_behind_our_back_is_drift_and_removed() {
    let user = User::new();
    user.applied(STACK).await;
    user.cloud.tag(&user.id("Queue"), "by", "hand");
    assert_eq!(user.plan(STACK).await, "~ Queue\n    Tags[\"by\"]: \"hand\" → absent [drift]\n");
    user.applied(STACK).await;
    assert_eq!(user.property("Queue", "Tags"), json!([{"Key": "app", "Value": "shop"}]));
}

#[tokio::test(start_paused = true)]
async fn a_resource_deleted_behind_our_back_is_made_again_and_repointed_to() {
    let user = User::new();
    user.applied(STACK).await;
    user.cloud.remove(&user.id("Queue"));
    let plan = user.plan(STACK).await;
    assert!(plan.starts_with("+ Queue (was deleted outside infra)\n~ Role after Queue\n"), "{plan}");
    assert!(user.try_plan(STACK).await.unwrap().plan.steps[0].deleted_outside);
    user.applied(STACK).await;
    assert_eq!(user.cloud.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_someone_did_already_takes_no_call() {
    let user = User::new();
    user.applied(STACK).await;
    user.cloud.edit(&user.id("Queue"), |properties| {
        if let Value::Map(properties) = properties {
            properties.insert("DelaySeconds".to_owned(), Value::Int(6));
        }
    });
    let next = STACK.replace("DelaySeconds: 5", "DelaySeconds: 6");
    assert_eq!(user.plan(&next).await, "");
    user.cloud.clear_calls();
    user.applied(&next).await;
    assert_eq!(user.cloud.changes(), 0);
    let record = user.state(&next).await.resources[&Address::from("Queue")].clone();
    assert_eq!(record.properties.get("DelaySeconds"), Some(&Value::Int(6)), "the record follows all the same");
}

#[tokio::test(start_paused = true)]
async fn ignored_properties_may_drift() {
    let stack = STACK.replace(
        "    properties: { DelaySeconds: 5 }",
        "    lifecycle: { ignore: [DelaySeconds] }\n    properties: { DelaySeconds: 5 }",
    );
    let user = User::new();
    user.applied(&stack).await;
    user.cloud.edit(&user.id("Queue"), |properties| {
        if let Value::Map(properties) = properties {
            properties.insert("DelaySeconds".to_owned(), Value::Int(9));
        }
    });
    assert_eq!(user.plan(&stack).await, "");
    assert_eq!(user.plan(&stack.replace("DelaySeconds: 5", "DelaySeconds: 7")).await, "");
}
