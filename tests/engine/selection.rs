use infra::plan::Options;

use super::support::User;

const STACK: &str = r#"
resources:
  Vpc: { type: Test::Net::Vpc, properties: { CidrBlock: 10.0.0.0/16 } }
  Subnet: { type: Test::Net::Subnet, properties: { VpcId: "${Vpc.VpcId}", CidrBlock: 10.0.1.0/24 } }
  Alb: { type: Test::Net::LoadBalancer, properties: { Subnets: ["${Subnet.SubnetId}"] } }
  Queue: { type: Test::App::Queue, properties: {} }
outputs:
  alb: { value: "${Alb.DNSName}" }
  queue: { value: "${Queue.Arn}" }
"#;

fn only(target: &str) -> Options {
    Options { targets: vec![target.into()], ..Options::default() }
}

fn without(exclude: &str) -> Options {
    Options { excludes: vec![exclude.into()], ..Options::default() }
}

#[tokio::test(start_paused = true)]
async fn a_target_comes_with_what_it_needs() {
    let user = User::new().with(only("Subnet"));
    assert_eq!(user.plan(STACK).await, "+ Vpc\n+ Subnet after Vpc\n");
    user.applied(STACK).await;
    let user = user.with(Options::default());
    assert_eq!(
        user.plan(STACK).await,
        "+ Alb\n+ Queue\noutput alb: absent → unknown\noutput queue: absent → unknown\n"
    );
    user.applied(STACK).await;
    assert_eq!(user.state(STACK).await.outputs.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_exclusion_takes_what_needs_it_along() {
    let user = User::new().with(without("Subnet"));
    assert_eq!(user.plan(STACK).await, "+ Vpc\n+ Queue\n");
    user.applied(STACK).await;
    assert_eq!(user.cloud.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_targeted_destroy_takes_users_along_and_an_exclusion_keeps_what_it_uses() {
    let mut user = User::new();
    user.applied(STACK).await;
    user.options = only("Subnet");
    user.destroy(STACK).await;
    assert_eq!(user.state(STACK).await.resources.keys().map(ToString::to_string).collect::<Vec<_>>(), ["Queue", "Vpc"]);
    user.options = Options::default();
    user.applied(STACK).await;
    user.options = without("Subnet");
    user.destroy(STACK).await;
    assert_eq!(
        user.state(STACK).await.resources.keys().map(ToString::to_string).collect::<Vec<_>>(),
        ["Subnet", "Vpc"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_removed_resource_outside_the_targets_stays() {
    let user = User::new();
    user.applied(STACK).await;
    let next = STACK
        .replace("  Queue: { type: Test::App::Queue, properties: {} }\n", "")
        .replace("  queue: { value: \"${Queue.Arn}\" }\n", "");
    let user = user.with(only("Vpc"));
    let plan = user.plan(&next).await;
    assert!(!plan.contains("- Queue"), "{plan}");
    let user = user.with(only("Queue"));
    assert!(user.plan(&next).await.starts_with("- Queue (removed from the stack)\n"));
}

#[tokio::test(start_paused = true)]
async fn a_target_that_names_nothing_is_an_error() {
    let user = User::new().with(only("Vcp"));
    assert_eq!(user.refused(STACK).await, "--target `Vcp` names nothing in the stack or its state");
}
