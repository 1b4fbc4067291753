//! Earlier incarnations that are still there: what they have is taken back, or they make way.

use std::time::Duration;

use infra::address::Id;
use infra::apply::Outcome;
use infra::cloud::ErrorKind;
use infra::cloud::fake::{Effect, Fault, Verb};
use infra::value::Value;
use tokio::time::timeout;

use super::support::User;

fn table(name: &str) -> String {
    format!("resources:\n  Table: {{ type: Test::App::Table, properties: {{ Name: {name} }} }}\n")
}

fn net(cidr: &str, more: &str, lifecycle: &str) -> String {
    format!(
        "resources:\n  Vpc: {{ type: Test::Net::Vpc, properties: {{ CidrBlock: 10.0.0.0/16 }} }}\n  Subnet:\n    type: \
         Test::Net::Subnet\n    properties: {{ VpcId: \"${{Vpc.VpcId}}\", CidrBlock: {cidr}{more} }}\n{lifecycle}  Alb: {{ \
         type: Test::Net::LoadBalancer, properties: {{ Subnets: [\"${{Subnet.SubnetId}}\"] }} }}\n"
    )
}

fn listener(balancer: &str, port: u16) -> String {
    format!(
        "resources:\n  Http: {{ type: Test::Net::Listener, properties: {{ LoadBalancerArn: {balancer}, Port: {port} }} }}\n  \
         User: {{ type: Test::App::Service, properties: {{ RoleArn: \"${{Http.ListenerArn}}\", Containers: [{{ Name: a, \
         Image: x }}] }} }}\n"
    )
}

#[tokio::test(start_paused = true)]
async fn what_a_failed_change_may_have_made_of_it_is_reset() {
    let user = User::new();
    user.applied(&net("10.0.1.0/24", "", "")).await;
    user.cloud.inject(Fault::do_and_fail(Verb::Update, ErrorKind::Throttled).at("Subnet"));
    assert_eq!(user.apply(&net("10.0.1.0/24", ", MapPublicIpOnLaunch: true", "")).await.outcome, Outcome::Failed);
    user.cloud.inject(Fault::fail(Verb::Update, ErrorKind::Denied).at("Alb"));
    assert_eq!(user.apply(&net("10.0.2.0/24", "", "")).await.outcome, Outcome::Failed);
    user.applied(&net("10.0.1.0/24", "", "")).await;
    assert_eq!(user.property("Subnet", "MapPublicIpOnLaunch"), false);
}

#[tokio::test(start_paused = true)]
async fn also_after_crashes_alone() {
    let user = User::new();
    user.applied(&net("10.0.1.0/24", "", "")).await;
    user.cloud.inject(Fault::new(Effect::DoAndHang).on(Verb::Update).at("Subnet"));
    let _ = timeout(Duration::from_secs(300), user.apply(&net("10.0.1.0/24", ", MapPublicIpOnLaunch: true", ""))).await;
    user.cloud.clear_faults();
    user.cloud.inject(Fault::new(Effect::Hang).on(Verb::Update).at("Alb"));
    let _ = timeout(Duration::from_secs(300), user.apply(&net("10.0.2.0/24", "", ""))).await;
    user.cloud.clear_faults();
    user.applied(&net("10.0.1.0/24", "", "")).await;
    assert_eq!(user.property("Subnet", "MapPublicIpOnLaunch"), false);
}

#[tokio::test(start_paused = true)]
async fn a_replace_on_that_nothing_fired_is_no_hindrance() {
    let user = User::new();
    let lifecycle = "    lifecycle: { replace_on: [Vpc] }\n";
    user.applied(&net("10.0.1.0/24", "", lifecycle)).await;
    user.cloud.inject(Fault::fail(Verb::Update, ErrorKind::Denied).at("Alb"));
    assert_eq!(user.apply(&net("10.0.2.0/24", "", lifecycle)).await.outcome, Outcome::Failed);
    user.applied(&net("10.0.1.0/24", "", lifecycle)).await;
}

#[tokio::test(start_paused = true)]
async fn a_type_that_was_changed_and_changed_back() {
    let user = User::new();
    let stack = |x: &str| {
        format!(
            "resources:\n  X: {{ {x} }}\n  Service: {{ type: Test::App::Service, properties: {{ RoleArn: \"${{X.Arn}}\", \
             Containers: [{{ Name: a, Image: x }}] }} }}\n"
        )
    };
    let first = "type: Test::App::Queue, properties: { QueueName: q }";
    user.applied(&stack(first)).await;
    user.cloud.inject(Fault::fail(Verb::Update, ErrorKind::Denied).at("Service"));
    let second = "type: Test::App::Role, properties: { AssumeRolePolicyDocument: {} }";
    assert_eq!(user.apply(&stack(second)).await.outcome, Outcome::Failed);
    user.applied(&stack(first)).await;
}

#[tokio::test(start_paused = true)]
async fn of_several_the_one_in_the_way_is_taken() {
    let user = User::new();
    let stack = |balancer: &str, port: u16| {
        format!(
            "resources: {{ Http: {{ type: Test::Net::Listener, properties: {{ LoadBalancerArn: {balancer}, Port: {port} }} }} }}"
        )
    };
    user.applied(&stack("one", 80)).await;
    user.cloud.inject(Fault::fail(Verb::Delete, ErrorKind::Unavailable).always());
    for (balancer, port) in [("two", 80), ("one", 81), ("two", 82)] {
        assert_eq!(user.apply(&stack(balancer, port)).await.outcome, Outcome::Failed);
    }
    user.cloud.clear_faults();
    user.applied(&stack("one", 81)).await;
    assert_eq!(user.cloud.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_adopted_first_goes_in_the_same_run() {
    let user = User::new();
    user.applied(&listener("one", 80)).await;
    user.cloud.inject(Fault::fail(Verb::Update, ErrorKind::Denied).at("User"));
    assert_eq!(user.apply(&listener("two", 80)).await.outcome, Outcome::Failed);
    user.cloud.inject(Fault::new(Effect::DoAndHang).on(Verb::Create));
    let _ = timeout(Duration::from_secs(5), user.apply(&listener("one", 81))).await;
    user.cloud.clear_faults();
    user.applied(&listener("one", 80)).await;
    assert_eq!(user.cloud.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn it_depends_on_what_moved_by_its_new_address() {
    let user = User::new();
    let stack = |vpc: &str, cidr: &str, more: &str| {
        format!(
            "{more}resources:\n  {vpc}: {{ type: Test::Net::Vpc, properties: {{ CidrBlock: 10.0.0.0/16 }} }}\n  Subnet: {{ type: \
             Test::Net::Subnet, properties: {{ VpcId: \"${{{vpc}.VpcId}}\", CidrBlock: {cidr} }} }}\n  Alb: {{ type: \
             Test::Net::LoadBalancer, properties: {{ Subnets: [\"${{Subnet.SubnetId}}\"] }} }}\n"
        )
    };
    user.applied(&stack("Vpc", "10.0.1.0/24", "")).await;
    user.cloud.inject(Fault::fail(Verb::Update, ErrorKind::Denied).at("Alb"));
    assert_eq!(user.apply(&stack("Vpc", "10.0.2.0/24", "")).await.outcome, Outcome::Failed);
    let moved = stack("Net", "10.0.1.0/24", "moved: [{ from: Vpc, to: Net }]\n");
    user.cloud.inject(Fault::new(Effect::Hang).on(Verb::Settle).at("Subnet"));
    let _ = timeout(Duration::from_secs(5), user.apply(&moved)).await;
    user.cloud.clear_faults();
    let state = user.state(&moved).await;
    assert_eq!(state.resources[&"Subnet".into()].dependencies, ["Net".into()]);
}

#[tokio::test(start_paused = true)]
async fn those_of_what_moves_go_with_those_of_where_it_moves() {
    let user = User::new();
    let first = "  Old: { type: Test::App::Table, properties: { Name: old } }\n";
    user.applied(&(table("a") + first)).await;
    user.cloud.inject(Fault::fail(Verb::Delete, ErrorKind::Denied).of("Test::App::Table").always());
    let second = "  Old: { type: Test::App::Queue, properties: { QueueName: q } }\n";
    assert_eq!(user.apply(&(table("b") + second)).await.outcome, Outcome::Failed);
    assert_eq!(user.apply(&table("b")).await.outcome, Outcome::Failed);
    user.cloud.clear_faults();
    user.applied(&format!("moved: [{{ from: Old, to: Table }}]\n{}", table("b"))).await;
    assert_eq!(user.cloud.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_the_id_comes_again_after_a_delete_by_hand() {
    let user = User::new();
    user.applied(&table("a")).await;
    user.cloud.inject(Fault::fail(Verb::Delete, ErrorKind::Denied));
    assert_eq!(user.apply(&table("b")).await.outcome, Outcome::Failed);
    user.cloud.remove(&Id::new("table-a"));
    user.applied(&table("a")).await;
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_the_id_comes_again_after_a_crash_in_its_delete() {
    let user = User::new();
    user.applied(&table("a")).await;
    user.cloud.inject(Fault::new(Effect::DoAndHang).on(Verb::Delete));
    let _ = timeout(Duration::from_secs(5), user.apply(&table("b"))).await;
    user.cloud.clear_faults();
    user.applied(&table("a")).await;
}

#[tokio::test(start_paused = true)]
async fn none_goes_for_a_name_that_somebody_else_has() {
    let user = User::new();
    user.applied(&table("a")).await;
    user.cloud.inject(Fault::fail(Verb::Delete, ErrorKind::Denied));
    assert_eq!(user.apply(&table("b")).await.outcome, Outcome::Failed);
    let name = [("Name".to_owned(), Value::from("c"))].into_iter().collect();
    user.cloud.insert("Test::App::Table", &name).unwrap();
    user.cloud.clear_calls();
    assert_eq!(user.apply(&table("c")).await.outcome, Outcome::Failed);
    assert_eq!(user.changing_calls(), ["Create Table"]);
}
