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

const TRAFFIC: &str = r#"
resources:
  Blue: { type: AWS::ElasticLoadBalancingV2::TargetGroup, properties: { Protocol: HTTP } }
  Green: { type: AWS::ElasticLoadBalancingV2::TargetGroup, properties: { Protocol: HTTP } }
  Listener:
    type: AWS::ElasticLoadBalancingV2::Listener
    properties: { Port: 80, DefaultActions: [{ Type: forward, Weights: [100, 0] }] }
  Rule:
    type: AWS::ElasticLoadBalancingV2::ListenerRule
    properties: { ListenerArn: "${Listener.ListenerArn}", Priority: 1, Actions: [{ Type: forward, Weights: [100, 0] }] }
  Trial:
    type: AWS::ElasticLoadBalancingV2::Listener
    properties: { Port: 81, DefaultActions: [{ Type: forward, Weights: [100, 0] }] }
  Service:
    type: AWS::ECS::Service
    deploy: { strategy: blue_green }
    properties:
      TaskDefinition: app:1
      LoadBalancers:
        - TargetGroupArn: "${Blue.TargetGroupArn}"
          AdvancedConfiguration:
            AlternateTargetGroupArn: "${Green.TargetGroupArn}"
            ProductionListenerRule: "${Rule.RuleArn}"
            TestListenerRule: "${Trial.ListenerArn}"
            RoleArn: arn:r
"#;

/// What ECS does to a listener or rule when a deployment moves its traffic.
fn move_traffic(user: &User, address: &str, property: &str) {
    user.cloud.edit(&user.id(address), |properties| {
        if let Value::Map(properties) = properties {
            let moved = json!([{"Type": "forward", "Weights": [0, 100]}]);
            properties.insert(property.to_owned(), Value::from(moved));
        }
    });
}

#[tokio::test(start_paused = true)]
async fn weights_that_a_deployment_moved_stay_as_ecs_left_them() {
    let moved = json!([{"Type": "forward", "Weights": [0, 100]}]);
    let property = TRAFFIC.replace("    deploy: { strategy: blue_green }\n", "").replace(
        "      TaskDefinition: app:1\n",
        "      TaskDefinition: app:1\n      DeploymentConfiguration: { Strategy: CANARY }\n",
    );
    // A rolling update after another strategy leaves the traffic where that has moved it.
    let rolling = TRAFFIC.replace("blue_green", "rolling");
    for stack in [TRAFFIC.to_owned(), property, rolling] {
        let user = User::new();
        user.applied(&stack).await;
        let made = json!([{"Type": "forward", "Weights": [100, 0]}]);
        assert_eq!(user.property("Rule", "Actions"), made, "it is made as the stack says");
        move_traffic(&user, "Rule", "Actions");
        move_traffic(&user, "Trial", "DefaultActions");
        user.assert_settled(&stack).await;
        assert_eq!(
            user.plan(&stack.replacen("Actions: [{ Type: forward", "Actions: [{ Type: other", 3)).await,
            LISTENER
        );

        // Another change of the rule leaves them too.
        user.applied(&stack.replace("Priority: 1", "Priority: 2")).await;
        assert_eq!(user.property("Rule", "Priority"), json!(2));
        assert_eq!(user.property("Rule", "Actions"), moved);
        assert_eq!(user.property("Trial", "DefaultActions"), moved);
    }
}

/// The plan of other actions of all three: those of the listener that no service names.
const LISTENER: &str = "~ Listener\n    DefaultActions[0].Type: \"forward\" → \"other\"\n";

#[tokio::test(start_paused = true)]
async fn weights_are_the_stacks_where_no_deployment_moves_them() {
    let external = TRAFFIC.replace("    deploy: { strategy: blue_green }\n", "").replace(
        "      TaskDefinition: app:1\n",
        "      TaskDefinition: app:1\n      DeploymentController: { Type: EXTERNAL }\n",
    );
    let user = User::new();
    user.applied(&external).await;
    move_traffic(&user, "Rule", "Actions");
    let plan = user.plan(&external).await;
    assert!(plan.starts_with("~ Rule\n") && plan.contains("[drift]"), "{plan}");
    let user = User::new();
    user.applied(TRAFFIC).await;
    move_traffic(&user, "Listener", "DefaultActions");
    let plan = user.plan(TRAFFIC).await;
    assert!(plan.starts_with("~ Listener\n"), "no service names it: {plan}");
}
