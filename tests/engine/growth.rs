use super::support::User;
use infra::address::Address;

fn queues(keys: &str) -> String {
    format!(
        "resources:\n  Queue:\n    type: Test::App::Queue\n    for_each: [{keys}]\n    properties: {{ QueueName: \"q-${{each.key}}\" }}\n"
    )
}

#[tokio::test(start_paused = true)]
async fn a_for_each_grows_and_shrinks_by_its_keys() {
    let user = User::new();
    user.applied(&queues("a, b")).await;
    let a = user.id("Queue[\"a\"]");
    let next = queues("c, a");
    assert_eq!(user.plan(&next).await, "+ Queue[\"c\"]\n- Queue[\"b\"] (removed from the stack)\n");
    user.applied(&next).await;
    assert_eq!(user.id("Queue[\"a\"]"), a);
    assert_eq!(user.cloud.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_takes_the_place_of_something_removed_waits_until_that_is_gone() {
    let stack = |name: &str| {
        format!("resources:\n  {name}: {{ type: Test::App::Queue, properties: {{ QueueName: orders }} }}\n")
    };
    let user = User::new();
    user.applied(&stack("Old")).await;
    let expected = "+ New after Old\n- Old (removed from the stack)\n";
    assert_eq!(user.plan(&stack("New")).await, expected);
    user.cloud.clear_calls();
    user.applied(&stack("New")).await;
    assert_eq!(user.changing_calls(), ["Delete Old", "Create New"]);
}

#[tokio::test(start_paused = true)]
async fn a_renamed_resource_is_kept_where_the_stack_says_that_it_moved() {
    let stack = |name: &str, moved: &str| {
        format!(
            r#"
resources:
  {name}: {{ type: Test::Net::Vpc, properties: {{ CidrBlock: 10.0.0.0/16 }} }}
  Subnet: {{ type: Test::Net::Subnet, properties: {{ VpcId: "${{{name}.VpcId}}", CidrBlock: 10.0.1.0/24 }} }}
{moved}
"#
        )
    };
    let user = User::new();
    user.applied(&stack("Old", "")).await;
    let next = stack("New", "moved: [{ from: Old, to: New }]");
    assert_eq!(user.plan(&next).await, "= New from Old\n");
    user.cloud.clear_calls();
    user.applied(&next).await;
    assert_eq!(user.cloud.changes(), 0);
    let state = user.state(&next).await;
    assert_eq!(state.resources[&Address::from("Subnet")].dependencies, ["New".into()]);
    assert_eq!(state.resources.len(), 2);
    user.applied(&stack("New", "")).await;
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_resource_stays_as_it_is() {
    let user = User::new();
    user.applied(&queues("a, b")).await;
    let next = format!("{}forget: ['Queue[\"b\"]']\n", queues("a"));
    assert_eq!(user.plan(&next).await, "forget Queue[\"b\"] (listed under `forget`)\n");
    user.cloud.clear_calls();
    user.applied(&next).await;
    assert_eq!((user.cloud.changes(), user.cloud.len()), (0, 2));
    assert_eq!(user.state(&next).await.resources.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_used_a_removed_resource_is_changed_before_it_goes() {
    let with = r#"
resources:
  Extra: { type: Test::Net::SecurityGroup, properties: { GroupDescription: extra } }
  Alb: { type: Test::Net::LoadBalancer, properties: { Subnets: [], SecurityGroups: ["${Extra.GroupId}"] } }
"#;
    let without =
        "resources:\n  Alb: { type: Test::Net::LoadBalancer, properties: { Subnets: [], SecurityGroups: [] } }\n";
    let user = User::new();
    user.applied(with).await;
    let plan = user.plan(without).await;
    assert!(plan.ends_with("- Extra (removed from the stack) after Alb\n"), "{plan}");
    user.cloud.clear_calls();
    user.applied(without).await;
    assert_eq!(user.changing_calls(), ["Update Alb", "Delete Extra"]);
}
