use std::time::Duration;

use infra::apply::Outcome;
use infra::cloud::ErrorKind;
use infra::cloud::fake::catalog::catalog;
use infra::cloud::fake::{Effect, FakeCloud, Fault, Verb};
use infra::value::Value;

use super::support::{User, report_text};

const STACK: &str = r#"
resources:
  Vpc: { type: Test::Net::Vpc, properties: { CidrBlock: 10.0.0.0/16 } }
  Subnet: { type: Test::Net::Subnet, properties: { VpcId: "${Vpc.VpcId}", CidrBlock: 10.0.1.0/24 } }
  Alb: { type: Test::Net::LoadBalancer, properties: { Subnets: ["${Subnet.SubnetId}"] } }
  Queue: { type: Test::App::Queue, properties: {} }
  Service: { type: Test::App::Service, properties: { Containers: [{ Name: a, Image: "${Queue.Arn}" }] } }
outputs:
  queue: { value: "${Queue.Arn}" }
  alb: { value: "${Alb.DNSName}" }
"#;

#[tokio::test(start_paused = true)]
async fn a_failure_stops_what_depends_on_it_and_nothing_else() {
    let user = User::new();
    user.cloud.inject(Fault::fail(Verb::Create, ErrorKind::Quota).at("Subnet"));
    let report = user.apply(STACK).await;
    assert_eq!(
        report_text(&report),
        concat!(
            "Failed\n",
            "done Create Queue\n",
            "done Create Service\n",
            "done Create Vpc\n",
            "failed Create Subnet at 6:3: fake:Create: failed on purpose\n",
            "skipped Alb because of Subnet\n",
        )
    );
    let state = user.state(STACK).await;
    assert!(state.begun.is_empty(), "what the cloud refused is not left over");
    assert_eq!(state.outputs.keys().collect::<Vec<_>>(), ["queue"], "what is known is on record");
    assert!(user.plan(STACK).await.starts_with("+ Subnet\n+ Alb after Subnet\n"));
    user.applied(STACK).await;
    assert_eq!(user.cloud.len(), 5);
}

#[tokio::test(start_paused = true)]
async fn without_credentials_nothing_more_is_started() {
    let mut user = User::new();
    user.cloud.inject(Fault::fail(Verb::Create, ErrorKind::Credentials).at("Queue"));
    let report = user.apply(STACK).await;
    assert_eq!(
        report_text(&report),
        concat!(
            "Failed\n",
            "done Create Vpc\n",
            "failed Create Queue at 8:3: fake:Create: failed on purpose\n",
            "skipped Service because of Queue\n",
            "skipped Subnet\n",
            "skipped Alb\n",
        )
    );
    user.applied(STACK).await;
    assert_eq!(user.cloud.len(), 5);
    user.cloud.inject(Fault::fail(Verb::Delete, ErrorKind::Credentials).at("Alb"));
    let report = user.destroy(STACK).await;
    assert!(report.predecessors.is_empty(), "a destroy has none: {report:?}");
    assert_eq!(user.destroy(STACK).await.outcome, Outcome::Done);
}

#[tokio::test(start_paused = true)]
async fn an_output_never_tells_what_was_only_planned() {
    let stack = |version: u32| {
        format!(
            r#"
resources:
  Service: {{ type: Test::App::Service, properties: {{ Containers: [{{ Name: a, Image: "app:{version}" }}] }} }}
  Served: {{ type: Test::App::Queue, depends_on: [Service], properties: {{ DelaySeconds: {version} }} }}
outputs:
  served: {{ value: "${{Served.DelaySeconds}}" }}
  containers: {{ value: "${{Service.Containers}}" }}
  text: {{ value: "it is ${{Served.DelaySeconds}}" }}
  other: {{ value: "{version}" }}
"#
        )
    };
    let user = User::new();
    user.cloud.inject(Fault::fail(Verb::Create, ErrorKind::Denied).at("Service"));
    assert_eq!(user.apply(&stack(1)).await.outcome, Outcome::Failed);
    let outputs = user.state(&stack(1)).await.outputs;
    assert_eq!(outputs.keys().collect::<Vec<_>>(), ["other"], "there is none before");

    user.applied(&stack(1)).await;
    let first = user.state(&stack(1)).await.outputs;
    assert_eq!(first["served"], Value::Int(1));
    for fault in [
        Fault::fail(Verb::Update, ErrorKind::Denied),
        Fault::fail(Verb::Update, ErrorKind::Unsettled),
        Fault::do_and_fail(Verb::Update, ErrorKind::Unsettled),
    ] {
        user.cloud.inject(fault.at("Service"));
        assert_eq!(user.apply(&stack(2)).await.outcome, Outcome::Failed);
        let mut outputs = user.state(&stack(2)).await.outputs;
        assert_eq!(outputs.insert("other".to_owned(), first["other"].clone()), Some(Value::from("2")));
        assert_eq!(outputs, first, "what is on record from before stays");
        assert!(user.plan(&stack(2)).await.contains("output served: 1 → 2\n"));
        user.applied(&stack(1)).await;
    }

    user.applied(&stack(2)).await;
    assert_eq!(user.state(&stack(2)).await.outputs["text"], Value::from("it is 2"));
}

#[tokio::test(start_paused = true)]
async fn what_does_not_become_usable_is_on_record_and_settled_by_the_next_run() {
    let user = User::new();
    user.cloud.inject(Fault::fail(Verb::Settle, ErrorKind::Unsettled).at("Alb"));
    let report = user.apply(STACK).await;
    assert_eq!(report.outcome, Outcome::Failed);
    let alb = user.id("Alb");
    assert!(user.plan(STACK).await.starts_with("! Alb (an earlier run did not see it ready)\n"));
    user.applied(STACK).await;
    assert_eq!(user.id("Alb"), alb);
}

#[tokio::test(start_paused = true)]
async fn what_was_made_and_is_not_told_of_yet_is_not_made_twice() {
    let user = User::of(FakeCloud::builder(catalog()).unseen(Duration::from_secs(8)).build());
    user.cloud.inject(Fault::fail(Verb::Settle, ErrorKind::Credentials).at("Queue"));
    assert_eq!(user.apply(STACK).await.outcome, Outcome::Failed);
    let queue = user.id("Queue");
    user.applied(STACK).await;
    assert_eq!(user.id("Queue"), queue);

    let user = User::of(FakeCloud::builder(catalog()).unseen(Duration::from_secs(8)).build());
    user.cloud.inject(Fault::fail(Verb::Settle, ErrorKind::Credentials).at("Queue"));
    assert_eq!(user.apply(STACK).await.outcome, Outcome::Failed);
    assert!(user.cloud.remove(&user.id("Queue")));
    user.applied(STACK).await;
    assert_eq!(user.cloud.len(), 5, "what is gone is made again");
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_answer_is_lost_is_found_and_not_made_twice() {
    let user = User::new();
    user.cloud.inject(Fault::new(Effect::LoseAnswer).on(Verb::Create).times(3));
    user.applied(STACK).await;
    assert_eq!(user.cloud.len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_never_arrived_is_made_by_the_same_operation() {
    let user = User::new();
    user.cloud.inject(Fault::fail(Verb::Create, ErrorKind::Lost).at("Vpc").times(4));
    user.applied(STACK).await;
    assert_eq!(user.cloud.len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_change_whose_answer_is_lost_again_and_again_is_sent_until_one_comes() {
    let user = User::new();
    user.applied("resources: { Queue: { type: Test::App::Queue, properties: { DelaySeconds: 1 } } }").await;
    user.cloud.inject(Fault::fail(Verb::Update, ErrorKind::Lost).times(4));
    user.applied("resources: { Queue: { type: Test::App::Queue, properties: { DelaySeconds: 2 } } }").await;
    assert_eq!(user.property("Queue", "DelaySeconds"), 2);
}

/// Errors of the last attempt, behind which an earlier one may have been carried out.
const UNCLEAR: [ErrorKind; 4] =
    [ErrorKind::Unavailable, ErrorKind::Throttled, ErrorKind::Credentials, ErrorKind::Other];

#[tokio::test(start_paused = true)]
async fn what_was_made_though_the_answer_is_an_error_is_adopted_by_the_next_run() {
    for kind in UNCLEAR {
        let user = User::new();
        user.cloud.inject(Fault::do_and_fail(Verb::Create, kind).at("Subnet"));
        let report = user.apply(STACK).await;
        let text = report_text(&report);
        assert!(text.contains("failed Create Subnet at 6:3: fake:Create: failed on purpose\n"), "{text}");
        assert!(text.contains("skipped Alb because of Subnet\n"), "{text}");
        assert_eq!(user.state(STACK).await.begun.len(), 1, "{kind:?}: it is looked for");
        let made = user.id("Subnet");
        user.applied(STACK).await;
        assert_eq!(user.cloud.made_for(&"Subnet".into()), [made], "{kind:?}: no twin");
        assert_eq!(user.cloud.len(), 5);
        assert!(user.state(STACK).await.begun.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_not_made_is_made_by_the_next_run_or_wanted_no_more() {
    for kind in UNCLEAR {
        let user = User::new();
        user.cloud.inject(Fault::fail(Verb::Create, kind).at("Queue"));
        assert_eq!(user.apply(STACK).await.outcome, Outcome::Failed);
        user.applied(STACK).await;
        assert_eq!(user.cloud.len(), 5);

        let mut user = User::new();
        user.cloud.inject(Fault::fail(Verb::Create, kind).at("Queue"));
        assert_eq!(user.apply(STACK).await.outcome, Outcome::Failed);
        assert_eq!(user.destroy(STACK).await.outcome, Outcome::Done);
        assert!(user.cloud.is_empty());
        assert!(user.state(STACK).await.begun.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_made_though_the_answer_is_an_error_goes_before_what_it_uses_and_what_takes_its_name() {
    let first = r#"
resources:
  Alb: { type: Test::Net::LoadBalancer, properties: { Subnets: [] } }
  Http: { type: Test::Net::Listener, properties: { LoadBalancerArn: "${Alb.LoadBalancerArn}", Port: 80 } }
  Queue: { type: Test::App::Queue, properties: { QueueName: orders } }
"#;
    let next = "resources: { Orders: { type: Test::App::Queue, properties: { QueueName: orders } } }";
    let user = User::new();
    user.cloud.inject(Fault::do_and_fail(Verb::Create, ErrorKind::Unavailable).at("Http"));
    user.cloud.inject(Fault::do_and_fail(Verb::Create, ErrorKind::Unavailable).at("Queue"));
    assert_eq!(user.apply(first).await.outcome, Outcome::Failed);
    assert_eq!(user.cloud.len(), 3);
    user.applied(next).await;
    assert_eq!(user.cloud.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_the_cloud_refused_is_not_left_over() {
    for kind in [ErrorKind::Invalid, ErrorKind::Denied, ErrorKind::Conflict, ErrorKind::Quota, ErrorKind::NotFound] {
        let user = User::new();
        user.cloud.inject(Fault::fail(Verb::Create, kind).at("Queue"));
        assert_eq!(user.apply(STACK).await.outcome, Outcome::Failed);
        assert!(user.state(STACK).await.begun.is_empty(), "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn lost_answers_of_updates_and_deletes_are_asked_for_again() {
    let user = User::new();
    user.applied(STACK).await;
    let next = STACK.replace(
        "Queue: { type: Test::App::Queue, properties: {} }",
        "Queue: { type: Test::App::Queue, properties: { DelaySeconds: 3 } }",
    );
    user.cloud.inject(Fault::new(Effect::LoseAnswer).on(Verb::Update));
    user.applied(&next).await;
    user.cloud.inject(Fault::new(Effect::LoseAnswer).on(Verb::Delete).times(2));
    let mut user = user;
    assert_eq!(user.destroy(&next).await.outcome, Outcome::Done);
    assert!(user.cloud.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_in_use_is_reported_with_what_uses_it() {
    let mut user = User::new();
    user.applied(STACK).await;
    user.cloud.inject(Fault::fail(Verb::Delete, ErrorKind::Denied).at("Alb"));
    let report = user.destroy(STACK).await;
    let text = report_text(&report);
    assert!(text.contains("failed Delete Alb at 7:3: fake:Delete: failed on purpose\n"), "{text}");
    assert!(text.contains("skipped Subnet because of Alb\nskipped Vpc because of Alb\n"), "{text}");
    assert!(text.contains("done Delete Queue\n"), "{text}");
    assert_eq!(user.cloud.len(), 3);
    assert_eq!(user.destroy(STACK).await.outcome, Outcome::Done);

    user.applied(STACK).await;
    user.options.excludes = Vec::new();
    user.cloud.inject(Fault::fail(Verb::Delete, ErrorKind::InUse).at("Vpc"));
    let report = user.destroy(STACK).await;
    assert_eq!(report.failed[0].error.kind, ErrorKind::InUse);
}

#[tokio::test(start_paused = true)]
async fn a_failed_update_stops_the_delete_of_what_it_was_to_let_go() {
    let user = User::new();
    user.applied(STACK).await;
    let next = STACK.replace("10.0.1.0/24", "10.0.2.0/24");
    user.cloud.inject(Fault::fail(Verb::Update, ErrorKind::Denied).at("Alb"));
    let report = user.apply(&next).await;
    assert_eq!(report_text(&report).lines().last().unwrap(), "skipped Subnet because of Alb");
    let plan = user.plan(&next).await;
    assert!(
        plan.starts_with(
            "! Subnet (an earlier run did not delete its predecessor subnet-000001)\n~ Alb after Subnet\n"
        ),
        "{plan}"
    );
    user.applied(&next).await;
    assert_eq!(user.cloud.len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_the_cloud_took_back_is_still_to_be_made() {
    let user = User::new();
    user.applied(STACK).await;
    let changed = STACK.replace("Name: a", "Name: b");
    user.cloud.inject(Fault::fail(Verb::Update, ErrorKind::Unsettled).at("Service"));
    assert_eq!(user.apply(&changed).await.outcome, Outcome::Failed);
    assert!(user.state(&changed).await.begun.is_empty());
    let plan = user.plan(&changed).await;
    assert!(plan.starts_with("~ Service"), "{plan}");
    user.applied(&changed).await;
}

#[tokio::test(start_paused = true)]
async fn another_change_goes_out_though_the_one_before_it_stays_and_never_becomes_usable() {
    let user = User::new();
    user.applied(STACK).await;
    let (bad, good) = (STACK.replace("Name: a", "Name: bad"), STACK.replace("Name: a", "Name: good"));
    user.cloud.inject(Fault::do_and_fail(Verb::Update, ErrorKind::Unsettled).at("Service"));
    user.cloud.inject(Fault::fail(Verb::Settle, ErrorKind::Unsettled).at("Service").always());
    assert_eq!(user.apply(&bad).await.outcome, Outcome::Failed);
    let plan = user.plan(&bad).await;
    assert!(plan.starts_with("! Service"), "{plan}");
    assert_eq!(user.apply(&bad).await.outcome, Outcome::Failed, "it is as the stack says, and fails");
    assert_eq!(user.apply(&good).await.outcome, Outcome::Done);
    let plan = user.plan(&good).await;
    assert!(!plan.contains("Service"), "{plan}");
}

#[tokio::test(start_paused = true)]
async fn what_a_failed_change_gave_and_the_stack_takes_back_is_reset() {
    let user = User::new();
    let stack = |queue: &str, container: &str| {
        format!(
            "resources:\n  Queue: {{ type: Test::App::Queue, properties: {{ {queue} }} }}\n  \
             Service: {{ type: Test::App::Service, properties: {{ Containers: [{{ Name: a, Image: x{container} }}] }} }}\n"
        )
    };
    let (before, changed) = (stack("", ""), stack("DelaySeconds: 3", ", Port: 80"));
    user.applied(&before).await;
    for (kind, address) in [(ErrorKind::Invalid, "Queue"), (ErrorKind::Throttled, "Service")] {
        user.cloud.inject(Fault::do_and_fail(Verb::Update, kind).at(address));
    }
    assert_eq!(user.apply(&changed).await.outcome, Outcome::Failed);
    assert_eq!(
        user.plan(&before).await,
        "! Queue (an earlier run did not finish changing it)\n    DelaySeconds: 3 → default\n\
         ! Service (an earlier run did not finish changing it)\n    Containers[0].Port: 80 → default\n"
    );
    user.applied(&before).await;
    assert_eq!(user.property("Queue", "DelaySeconds"), 0);
    assert!(user.property("Service", "Containers")[0].get("Port").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_change_that_is_refused_again_and_again_is_on_record_once() {
    let user = User::new();
    let stack = |secret: &str| {
        format!("resources:\n  Secret: {{ type: Test::App::Secret, properties: {{ SecretString: {secret} }} }}\n")
    };
    user.applied(&stack("one")).await;
    user.cloud.inject(Fault::fail(Verb::Update, ErrorKind::Invalid).always());
    for secret in ["two", "two", "two", "three", "two"] {
        assert_eq!(user.apply(&stack(secret)).await.outcome, Outcome::Failed);
    }
    assert_eq!(user.state(&stack("two")).await.begun.len(), 2);
    assert_eq!(
        user.plan(&stack("one")).await,
        "! Secret (an earlier run did not finish changing it)\n    SecretString: secret → secret\n"
    );
    user.cloud.clear_faults();
    user.applied(&stack("one")).await;
}
