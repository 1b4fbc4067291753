//! Changes that failed and may be done all the same: what they may have made is known until it is mended.

use std::time::Duration;

use infra::apply::Outcome;
use infra::cloud::ErrorKind;
use infra::cloud::fake::{Effect, Fault, Verb};
use infra::state::BegunAction;
use infra::value::Value;
use tokio::time::timeout;

use super::support::User;

fn queue(properties: &str) -> String {
    format!("resources:\n  Queue: {{ type: Test::App::Queue, properties: {{ {properties} }} }}\n")
}

#[tokio::test(start_paused = true)]
async fn a_replacement_that_fails_does_not_forget_them() {
    let user = User::new();
    user.applied(&queue("QueueName: a")).await;
    user.cloud.inject(Fault::do_and_fail(Verb::Update, ErrorKind::Throttled));
    assert_eq!(user.apply(&queue("QueueName: a, DelaySeconds: 3")).await.outcome, Outcome::Failed);
    user.cloud.inject(Fault::fail(Verb::Create, ErrorKind::Denied));
    assert_eq!(user.apply(&queue("QueueName: b")).await.outcome, Outcome::Failed);
    user.applied(&queue("QueueName: a")).await;
    assert_eq!(user.property("Queue", "DelaySeconds"), 0);
}

#[tokio::test(start_paused = true)]
async fn what_they_did_is_not_told_as_done_outside() {
    let user = User::new();
    let delays = |seconds: u8| queue(&format!("QueueName: a, VisibilityTimeout: 60, DelaySeconds: {seconds}"));
    user.applied(&delays(1)).await;
    user.cloud.inject(Fault::do_and_fail(Verb::Update, ErrorKind::Throttled));
    assert_eq!(user.apply(&delays(3)).await.outcome, Outcome::Failed);
    user.cloud.edit(&user.id("Queue"), |properties| {
        if let Value::Map(properties) = properties {
            properties.insert("VisibilityTimeout".to_owned(), Value::Int(90));
        }
    });
    let expected = "! Queue (an earlier run did not finish changing it)\n    DelaySeconds: 3 → 1\n    \
                    VisibilityTimeout: 90 → 60 [drift]\n";
    assert_eq!(user.plan(&delays(1)).await, expected);
}

#[tokio::test(start_paused = true)]
async fn nor_where_they_are_of_a_secret() {
    let user = User::new();
    let stack = |name: &str, secret: &str| {
        format!(
            "resources:\n  Secret: {{ type: Test::App::Secret, properties: {{ Name: {name}, SecretString: {secret} }} }}\n"
        )
    };
    user.applied(&stack("a", "one")).await;
    user.cloud.inject(Fault::do_and_fail(Verb::Update, ErrorKind::Throttled));
    assert_eq!(user.apply(&stack("a", "two")).await.outcome, Outcome::Failed);
    user.cloud.inject(Fault::fail(Verb::Create, ErrorKind::Denied));
    assert_eq!(user.apply(&stack("b", "one")).await.outcome, Outcome::Failed);
    let plan = user.plan(&stack("a", "one")).await;
    assert!(plan.contains("SecretString"), "{plan}");
}

#[tokio::test(start_paused = true)]
async fn nor_does_a_crash_at_the_begin_of_a_replacement() {
    let user = User::new();
    user.applied(&queue("QueueName: a")).await;
    user.cloud.inject(Fault::new(Effect::DoAndHang).on(Verb::Update));
    let _ = timeout(Duration::from_secs(300), user.apply(&queue("QueueName: a, DelaySeconds: 3"))).await;
    user.cloud.clear_faults();
    user.cloud.inject(Fault::new(Effect::Hang).on(Verb::Create));
    let _ = timeout(Duration::from_secs(300), user.apply(&queue("QueueName: b"))).await;
    user.cloud.clear_faults();
    user.applied(&queue("QueueName: a")).await;
    assert_eq!(user.property("Queue", "DelaySeconds"), 0);
}

#[tokio::test(start_paused = true)]
async fn nor_does_a_delete_that_fails() {
    let user = User::new();
    let two = |properties: &str| format!("{}  Other: {{ type: Test::App::Queue }}\n", queue(properties));
    user.applied(&two("QueueName: a")).await;
    user.cloud.inject(Fault::do_and_fail(Verb::Update, ErrorKind::Throttled));
    assert_eq!(user.apply(&two("QueueName: a, DelaySeconds: 3")).await.outcome, Outcome::Failed);
    user.cloud.inject(Fault::fail(Verb::Delete, ErrorKind::Denied));
    assert_eq!(user.apply("resources:\n  Other: { type: Test::App::Queue }\n").await.outcome, Outcome::Failed);
    user.applied(&two("QueueName: a")).await;
    assert_eq!(user.property("Queue", "DelaySeconds"), 0);
}

#[tokio::test(start_paused = true)]
async fn nor_does_another_address() {
    let user = User::new();
    user.applied(&queue("QueueName: a")).await;
    user.cloud.inject(Fault::do_and_fail(Verb::Update, ErrorKind::Throttled));
    assert_eq!(user.apply(&queue("QueueName: a, DelaySeconds: 3")).await.outcome, Outcome::Failed);
    let moved =
        "moved: [{ from: Queue, to: Q }]\nresources:\n  Q: { type: Test::App::Queue, properties: { QueueName: a } }\n";
    user.applied(moved).await;
    let id = user.cloud.ids()[0].clone();
    assert_eq!(user.cloud.get(&id).unwrap().properties.get("DelaySeconds").unwrap().reveal(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_list_may_have_got_longer() {
    let user = User::new();
    let stack = |more: &str| {
        format!(
            "resources:\n  Service: {{ type: Test::App::Service, properties: {{ Containers: [{{ Name: a, Image: x }}{more}] }} }}\n"
        )
    };
    user.applied(&stack("")).await;
    user.cloud.inject(Fault::do_and_fail(Verb::Update, ErrorKind::Throttled));
    assert_eq!(user.apply(&stack(", { Name: b, Image: x, Port: 80 }")).await.outcome, Outcome::Failed);
    user.applied(&stack(", { Name: b, Image: x }")).await;
    assert!(user.property("Service", "Containers")[1].get("Port").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_set_may_have_got_an_element_of_which_the_stack_keeps_a_part() {
    let user = User::new();
    let stack = |more: &str| {
        format!(
            "resources:\n  Group: {{ type: Test::Net::SecurityGroup, properties: {{ GroupDescription: d, Ingress: [{{ IpProtocol: \
             udp }}{more}] }} }}\n"
        )
    };
    user.applied(&stack("")).await;
    user.cloud.inject(Fault::do_and_fail(Verb::Update, ErrorKind::Throttled));
    let begun = stack(", { IpProtocol: tcp, FromPort: 80, CidrIp: 0.0.0.0/0 }");
    assert_eq!(user.apply(&begun).await.outcome, Outcome::Failed);
    user.applied(&stack(", { IpProtocol: tcp, FromPort: 80 }")).await;
    assert!(!user.property("Group", "Ingress").to_string().contains("0.0.0.0/0"));
}

#[tokio::test(start_paused = true)]
async fn an_empty_structure_that_was_never_sent_is_sent() {
    let user = User::new();
    let stack = |more: &str| {
        format!(
            "resources:\n  Service: {{ type: Test::App::Service, properties: {{ Containers: [{{ Name: a, Image: x }}]{more} }} }}\n"
        )
    };
    user.applied(&stack("")).await;
    user.cloud.inject(Fault::new(Effect::Hang).on(Verb::Update));
    let _ = timeout(Duration::from_secs(5), user.apply(&stack(", Logging: {}"))).await;
    user.cloud.clear_faults();
    user.applied(&stack(", Logging: {}")).await;
    assert_eq!(user.property("Service", "Logging"), serde_json::json!({}));
}

#[tokio::test(start_paused = true)]
async fn a_secret_may_have_been_taken_away() {
    let user = User::new();
    let stack = |more: &str| format!("resources:\n  Secret: {{ type: Test::App::Secret, properties: {{ {more} }} }}\n");
    user.applied(&stack("SecretString: one")).await;
    user.cloud.inject(Fault::do_and_fail(Verb::Update, ErrorKind::Throttled));
    assert_eq!(user.apply(&stack("")).await.outcome, Outcome::Failed);
    let plan = user.plan(&stack("SecretString: one")).await;
    assert!(plan.contains("SecretString"), "{plan}");
}

#[tokio::test(start_paused = true)]
async fn a_change_to_nothing_is_no_delete() {
    let user = User::new();
    user.applied(&queue("DelaySeconds: 3")).await;
    user.cloud.inject(Fault::fail(Verb::Delete, ErrorKind::Unsettled));
    let other = "resources:\n  Other: { type: Test::App::Queue }\n";
    assert_eq!(user.apply(other).await.outcome, Outcome::Failed);
    user.cloud.inject(Fault::fail(Verb::Update, ErrorKind::Throttled));
    assert_eq!(user.apply(&queue("")).await.outcome, Outcome::Failed);
    let state = user.state(&queue("")).await;
    assert!(state.begun.values().any(|begun| matches!(begun.action, BegunAction::Delete(_))));
}

#[tokio::test(start_paused = true)]
async fn none_makes_a_replacement_that_turns_out_needless() {
    for begun in [false, true] {
        let mut user = User::new();
        let stack = |cidr: &str, more: &str| {
            format!(
                "resources:\n  Subnet: {{ type: Test::Net::Subnet, properties: {{ VpcId: elsewhere, CidrBlock: {cidr} }} }}\n  \
                 Service: {{ type: Test::App::Service, properties: {{ Cluster: \"${{Subnet.SubnetId}}\", Containers: [{{ Name: \
                 a, Image: x }}]{more} }} }}\n"
            )
        };
        let (one, two) = (stack("10.0.1.0/24", ""), stack("10.0.2.0/24", ""));
        user.applied(&one).await;
        let id = user.id("Service");
        if begun {
            user.cloud.inject(Fault::fail(Verb::Update, ErrorKind::Throttled));
            assert_eq!(user.apply(&stack("10.0.1.0/24", ", DesiredCount: 2")).await.outcome, Outcome::Failed);
        }
        user.options.targets = vec!["Subnet".into()];
        user.apply(&two).await;
        user.options.targets = vec![];
        user.applied(&one).await;
        assert_eq!(user.id("Service"), id, "begun: {begun}");
    }
}
