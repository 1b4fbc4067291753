use infra::apply::Outcome;
use infra::cloud::ErrorKind;
use infra::cloud::fake::{Fault, Verb};

use super::support::{User, report_text};

fn network(cidr: &str) -> String {
    format!(
        r#"
resources:
  Vpc:
    type: Test::Net::Vpc
    properties: {{ CidrBlock: "{cidr}" }}
  Subnet:
    type: Test::Net::Subnet
    properties: {{ VpcId: "${{Vpc.VpcId}}", CidrBlock: 10.0.1.0/24 }}
  Alb:
    type: Test::Net::LoadBalancer
    properties: {{ Subnets: ["${{Subnet.SubnetId}}"] }}
"#
    )
}

#[tokio::test(start_paused = true)]
async fn a_replacement_is_made_before_the_old_one_goes_and_cascades() {
    let user = User::new();
    user.applied(&network("10.0.0.0/16")).await;
    let alb = user.id("Alb");
    let next = network("10.1.0.0/16");
    assert_eq!(
        user.plan(&next).await,
        concat!(
            "± Vpc (CidrBlock can't change in place)\n",
            "    CidrBlock!: \"10.0.0.0/16\" → \"10.1.0.0/16\"\n",
            "± Subnet (Vpc is replaced) after Vpc\n",
            "    VpcId!: \"vpc-000001\" → unknown\n",
            "~ Alb after Subnet\n",
            "    Subnets: [\"subnet-000001\"] → [\"(known after apply)\"]\n",
        )
    );
    user.cloud.clear_calls();
    user.applied(&next).await;
    let expected = ["Create Vpc", "Create Subnet", "Update Alb", "Delete Subnet", "Delete Vpc"];
    assert_eq!(user.changing_calls(), expected);
    assert_eq!(user.id("Alb"), alb, "the load balancer stays");
    assert_eq!(user.property("Alb", "Subnets"), serde_json::json!(["subnet-000002"]));
}

fn named(cidr: &str, fifo: bool) -> String {
    format!(
        r#"
resources:
  Queue:
    type: Test::App::Queue
    properties: {{ QueueName: orders, FifoQueue: {fifo} }}
  Service:
    type: Test::App::Service
    properties:
      Cluster: "${{Queue.Arn}}"
      ServiceName: svc
      Containers: [{{ Name: a, Image: "{cidr}" }}]
"#
    )
}

#[tokio::test(start_paused = true)]
async fn what_cannot_stand_beside_its_successor_is_deleted_first_with_all_that_is_replaced_for_it() {
    let user = User::new();
    user.applied(&named("x", false)).await;
    let next = named("x", true);
    assert_eq!(
        user.plan(&next).await,
        concat!(
            "∓ Queue (FifoQueue can't change in place)\n",
            "    FifoQueue!: false → true\n",
            "∓ Service (Queue is replaced) after Queue\n",
            "    Cluster!: \"arn:fake:arn/queue-000001\" → unknown\n",
        )
    );
    user.cloud.clear_calls();
    user.applied(&next).await;
    let expected = ["Delete Service", "Delete Queue", "Create Queue", "Create Service"];
    assert_eq!(user.changing_calls(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_generated_name_lets_old_and_new_stand_side_by_side() {
    let queue = |fifo: bool| {
        format!("resources:\n  Queue: {{ type: Test::App::Queue, properties: {{ FifoQueue: {fifo} }} }}\n")
    };
    let user = User::new();
    user.applied(&queue(false)).await;
    let name = user.property("Queue", "QueueName");
    assert!(name.as_str().unwrap().starts_with("shop-default-queue-"), "{name}");
    user.cloud.clear_calls();
    user.applied(&queue(true)).await;
    assert_eq!(user.changing_calls(), ["Create Queue", "Delete Queue"]);
    assert_ne!(user.property("Queue", "QueueName"), name);
}

#[tokio::test(start_paused = true)]
async fn a_resource_is_replaced_on_the_change_of_another_that_it_names() {
    let stack = |delay: u32| {
        format!(
            r#"
resources:
  Queue: {{ type: Test::App::Queue, properties: {{ DelaySeconds: {delay} }} }}
  Role:
    type: Test::App::Role
    lifecycle: {{ replace_on: [Queue] }}
    properties: {{ AssumeRolePolicyDocument: {{}} }}
"#
        )
    };
    let user = User::new();
    user.applied(&stack(1)).await;
    let expected = "~ Queue\n    DelaySeconds: 1 → 2\n± Role (Queue changes, and `replace_on` names it) after Queue\n";
    assert_eq!(user.plan(&stack(2)).await, expected);
    user.cloud.clear_calls();
    user.applied(&stack(2)).await;
    assert_eq!(user.changing_calls(), ["Update Queue", "Create Role", "Delete Role"]);
}

#[tokio::test(start_paused = true)]
async fn a_resource_of_another_type_takes_the_place_of_the_old_one() {
    let user = User::new();
    user.applied("resources:\n  It: { type: Test::App::Queue, properties: {} }\n").await;
    let next = "resources:\n  It: { type: Test::App::Role, properties: { AssumeRolePolicyDocument: {} } }\n";
    assert_eq!(
        user.plan(next).await.lines().next().unwrap(),
        "± It (its type changes from Test::App::Queue to Test::App::Role)"
    );
    user.applied(next).await;
    assert_eq!(user.cloud.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_protected_resource_is_neither_replaced_nor_deleted() {
    let stack = |cidr: &str, protect: bool| {
        format!(
            "resources:\n  Vpc:\n    type: Test::Net::Vpc\n    lifecycle: {{ prevent_destroy: {protect} }}\n    properties: {{ CidrBlock: {cidr} }}\n"
        )
    };
    let mut user = User::new();
    user.applied(&stack("10.0.0.0/16", true)).await;
    let refusal = "`Vpc` would be replaced, which its `prevent_destroy` forbids";
    assert!(user.refused(&stack("10.1.0.0/16", true)).await.ends_with(refusal));
    assert_eq!(user.refused("resources: {}\n").await, "`Vpc` would be deleted, which its `prevent_destroy` forbids");
    user.options.destroy = true;
    let destroy = user.refused(&stack("10.0.0.0/16", true)).await;
    assert!(destroy.starts_with("4:3: `Vpc` would be deleted"), "{destroy}");
    user.options.destroy = false;

    // An apply that changes nothing in the cloud still takes the protection off the record.
    assert_eq!(user.apply(&stack("10.0.0.0/16", false)).await.outcome, Outcome::Done);
    let report = user.apply("resources: {}\n").await;
    assert_eq!(report.outcome, Outcome::Done, "{}", report_text(&report));
    assert!(user.cloud.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_wanted_again_before_it_is_deleted_makes_way_for_its_like() {
    let stack = |cluster: &str| {
        format!(
            "resources: {{ Web: {{ type: Test::App::Service, properties: {{ ServiceName: web, Cluster: {cluster}, \
             Containers: [{{ Name: a, Image: x }}] }} }} }}"
        )
    };
    let user = User::new();
    user.applied(&stack("one")).await;
    user.cloud.inject(Fault::fail(Verb::Delete, ErrorKind::Unavailable));
    assert_eq!(user.apply(&stack("two")).await.outcome, Outcome::Failed);
    assert_eq!(user.cloud.len(), 2);
    user.applied(&stack("one")).await;
    assert_eq!(user.cloud.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_wanted_again_while_it_is_in_use_is_the_present_one_again() {
    let stack = |cidr: &str, public: &str| {
        format!(
            "resources:\n  Vpc: {{ type: Test::Net::Vpc, properties: {{ CidrBlock: 10.0.0.0/16 }} }}\n  Subnet: {{ \
             type: Test::Net::Subnet, properties: {{ VpcId: \"${{Vpc.VpcId}}\", CidrBlock: {cidr}{public} }} }}\n  Alb: {{ \
             type: Test::Net::LoadBalancer, properties: {{ Subnets: [\"${{Subnet.SubnetId}}\"] }} }}\n"
        )
    };
    let user = User::new();
    user.applied(&stack("10.0.1.0/24", ", MapPublicIpOnLaunch: true")).await;
    let first = user.id("Subnet");
    user.cloud.inject(Fault::fail(Verb::Update, ErrorKind::Denied).at("Alb"));
    assert_eq!(user.apply(&stack("10.0.2.0/24", "")).await.outcome, Outcome::Failed);
    assert_eq!(user.cloud.len(), 4);
    user.cloud.clear_calls();
    user.applied(&stack("10.0.1.0/24", "")).await;
    assert_eq!(user.changing_calls(), ["Create Subnet", "Update Subnet", "Delete Subnet"]);
    assert_eq!(user.id("Subnet"), first);
    assert_eq!(user.property("Subnet", "MapPublicIpOnLaunch"), false, "what was applied to it before is known");
}

#[tokio::test(start_paused = true)]
async fn what_is_deposed_makes_way_for_a_change_in_place() {
    let stack = |balancer: &str, port: u16| {
        format!(
            "resources: {{ Http: {{ type: Test::Net::Listener, properties: {{ LoadBalancerArn: {balancer}, Port: {port} }} }} }}"
        )
    };
    let user = User::new();
    user.applied(&stack("one", 80)).await;
    user.cloud.inject(Fault::fail(Verb::Delete, ErrorKind::Unavailable).always());
    for (balancer, port) in [("two", 80), ("one", 81)] {
        assert_eq!(user.apply(&stack(balancer, port)).await.outcome, Outcome::Failed);
    }
    user.cloud.clear_faults();
    user.applied(&stack("one", 80)).await;
    assert_eq!(user.cloud.len(), 1);
}
