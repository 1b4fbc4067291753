use serde_json::json;

use super::support::User;

#[tokio::test(start_paused = true)]
async fn an_update_whose_outputs_stay_shows_no_change_of_what_uses_them() {
    let stack = |delay: u32| {
        format!(
            r#"
resources:
  Queue: {{ type: Test::App::Queue, properties: {{ DelaySeconds: {delay} }} }}
  Service:
    type: Test::App::Service
    properties: {{ Containers: [{{ Name: a, Image: x, Environment: {{ QUEUE: "${{Queue.Arn}}" }} }}] }}
outputs: {{ queue: {{ value: "${{Queue.QueueUrl}}" }} }}
"#
        )
    };
    let user = User::new();
    user.applied(&stack(1)).await;
    assert_eq!(user.plan(&stack(2)).await, "~ Queue\n    DelaySeconds: 1 → 2\n");
    user.applied(&stack(2)).await;
}

#[tokio::test(start_paused = true)]
async fn a_generated_name_can_be_referred_to() {
    let stack = r#"
resources:
  Role: { type: Test::App::Role, properties: { AssumeRolePolicyDocument: {} } }
  Service:
    type: Test::App::Service
    properties: { Containers: [{ Name: a, Image: x, Environment: { ROLE: "${Role.RoleName}" } }] }
"#;
    let user = User::new();
    user.applied(stack).await;
    let name = user.property("Role", "RoleName");
    assert_eq!(user.property("Service", "Containers")[0]["Environment"]["ROLE"], name);
}

#[tokio::test(start_paused = true)]
async fn a_removed_property_is_reset_and_a_nested_one_too() {
    let with = r#"
resources:
  Queue: { type: Test::App::Queue, properties: { DelaySeconds: 5, VisibilityTimeout: 60 } }
  Service:
    type: Test::App::Service
    properties: { Containers: [{ Name: a, Image: x }], Network: { Subnets: [], AssignPublicIp: ENABLED } }
"#;
    let without = with.replace("DelaySeconds: 5, ", "").replace(", AssignPublicIp: ENABLED", "");
    let user = User::new();
    user.applied(with).await;
    let expected =
        "~ Queue\n    DelaySeconds: 5 → default\n~ Service\n    Network.AssignPublicIp: \"ENABLED\" → default\n";
    assert_eq!(user.plan(&without).await, expected);
    user.applied(&without).await;
    assert_eq!(user.property("Queue", "VisibilityTimeout"), json!(60));
}

#[tokio::test(start_paused = true)]
async fn the_order_of_a_set_and_the_writing_of_a_document_do_not_matter() {
    let user = User::new();
    let first = r#"
resources:
  Group:
    type: Test::Net::SecurityGroup
    properties:
      GroupDescription: web
      Ingress: [{ IpProtocol: tcp, FromPort: 80, ToPort: 80 }, { IpProtocol: tcp, FromPort: 443, ToPort: 443 }]
  Role:
    type: Test::App::Role
    properties: { AssumeRolePolicyDocument: { Version: "2012-10-17", Statement: [{ Effect: Allow, Action: a }] } }
"#;
    user.applied(first).await;
    let second = r#"
resources:
  Group:
    type: Test::Net::SecurityGroup
    properties:
      GroupDescription: web
      Ingress: [{ IpProtocol: tcp, FromPort: 443, ToPort: 443 }, { IpProtocol: tcp, FromPort: 80, ToPort: 80 }]
  Role:
    type: Test::App::Role
    properties:
      AssumeRolePolicyDocument: |
        {"Statement": [{"Action": ["a"], "Effect": "Allow"}], "Version": "2012-10-17"}
"#;
    assert_eq!(user.plan(second).await, "");
    user.applied(second).await;
}

#[tokio::test(start_paused = true)]
async fn a_replacement_that_turns_out_unnecessary_is_not_made() {
    let stack = |fifo: bool| {
        format!(
            r#"
resources:
  Queue: {{ type: Test::App::Queue, properties: {{ FifoQueue: {fifo} }} }}
  Service:
    type: Test::App::Service
    properties: {{ Cluster: "${{size(Queue.Arn) > 0 ? 'main' : 'none'}}", Containers: [{{ Name: a, Image: x }}] }}
"#
        )
    };
    let user = User::new();
    user.applied(&stack(false)).await;
    assert!(user.plan(&stack(true)).await.contains("± Service (Queue is replaced) after Queue"));
    user.cloud.clear_calls();
    user.applied(&stack(true)).await;
    assert_eq!(user.changing_calls(), ["Create Queue", "Delete Queue"]);
}
