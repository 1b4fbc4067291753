use infra::apply::Event;
use infra::cloud::fake::Verb;

use super::support::User;

const STACK: &str = r#"
resources:
  Vpc:
    type: Test::Net::Vpc
    properties: { CidrBlock: 10.0.0.0/16 }
  Subnet:
    type: Test::Net::Subnet
    for_each: ["a", "b"]
    properties: { VpcId: "${Vpc.VpcId}", CidrBlock: "10.0.${each.index}.0/24" }
  Group:
    type: Test::Net::SecurityGroup
    properties: { GroupDescription: web, VpcId: "${Vpc.VpcId}" }
  Alb:
    type: Test::Net::LoadBalancer
    properties: { Subnets: ["${Subnet['a'].SubnetId}", "${Subnet['b'].SubnetId}"], SecurityGroups: ["${Group.GroupId}"] }
  Http:
    type: Test::Net::Listener
    properties: { LoadBalancerArn: "${Alb.LoadBalancerArn}", Port: 80 }
  Service:
    type: Test::App::Service
    depends_on: [Http]
    properties: { Containers: [{ Name: web, Image: "web:1", Environment: { URL: "${Alb.DNSName}" } }] }
outputs:
  url: { value: "http://${Alb.DNSName}" }
"#;

#[tokio::test(start_paused = true)]
async fn a_plan_of_something_new_creates_everything_in_order() {
    let plan = User::new().plan(STACK).await;
    assert_eq!(
        plan,
        concat!(
            "+ Vpc\n",
            "+ Subnet[\"a\"] after Vpc\n",
            "+ Subnet[\"b\"] after Vpc\n",
            "+ Group after Vpc\n",
            "+ Alb after Subnet[\"a\"], Subnet[\"b\"], Group\n",
            "+ Http after Alb\n",
            "+ Service after Alb, Http\n",
            "output url: absent → unknown\n",
        )
    );
}

#[tokio::test(start_paused = true)]
async fn everything_starts_as_soon_as_what_it_needs_is_there() {
    let user = User::in_slow_cloud();
    user.applied(STACK).await;
    let calls = user.cloud.calls();
    let of = |verb: Verb, address: &str| {
        let call = calls.iter().find(|call| call.verb == verb && call.address == Some(address.into()));
        call.unwrap_or_else(|| panic!("{verb:?} {address}"))
    };
    let (made, ready) = (of(Verb::Create, "Alb").ended.unwrap(), of(Verb::Settle, "Alb").ended.unwrap());
    let listener = of(Verb::Create, "Http").began;
    assert!(made < listener && listener < ready, "a listener needs its load balancer to exist, not to be ready");
    assert!(of(Verb::Create, "Service").began > ready, "a service needs it ready");
    let (a, b) = (of(Verb::Create, "Subnet[\"a\"]"), of(Verb::Create, "Subnet[\"b\"]"));
    assert!(b.began < a.ended.unwrap(), "what does not depend on each other is made at once");
    assert!(of(Verb::Create, "Group").began < a.ended.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_destroy_deletes_users_first_and_leaves_nothing() {
    let mut user = User::new();
    user.applied(STACK).await;
    user.cloud.clear_calls();
    user.destroy(STACK).await;
    assert!(user.cloud.is_empty());
    let calls = user.changing_calls();
    let at = |address: &str| calls.iter().position(|call| *call == format!("Delete {address}")).unwrap();
    for (user, used) in
        [("Service", "Http"), ("Http", "Alb"), ("Alb", "Group"), ("Alb", "Subnet[\"a\"]"), ("Group", "Vpc")]
    {
        assert!(at(user) < at(used), "{user} goes before {used}: {calls:?}");
    }
    let state = user.state(STACK).await;
    assert!(state.resources.is_empty() && state.outputs.is_empty() && state.begun.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_plan_reads_each_type_with_one_call() {
    let user = User::new();
    user.applied(STACK).await;
    user.cloud.clear_calls();
    assert_eq!(user.plan(STACK).await, "");
    let read: Vec<String> = user.cloud.calls().iter().map(|call| call.type_name.clone()).collect();
    let mut types = read.clone();
    types.sort();
    types.dedup();
    assert_eq!(read.len(), types.len(), "{read:?}");
    assert_eq!(types.len(), 6);
}

#[tokio::test(start_paused = true)]
async fn the_same_input_gives_the_same_bytes() {
    let user = User::new();
    let first = serde_json::to_string(&user.try_plan(STACK).await.unwrap().plan).unwrap();
    let second = serde_json::to_string(&user.try_plan(STACK).await.unwrap().plan).unwrap();
    assert_eq!(first, second);
    let back: infra::plan::Plan = serde_json::from_str(&first).unwrap();
    assert_eq!(serde_json::to_string(&back).unwrap(), first);
}

#[tokio::test(start_paused = true)]
async fn what_an_operation_says_is_told_between_its_start_and_its_end() {
    let user = User::in_slow_cloud();
    user.apply(STACK).await;
    let of_alb: Vec<&str> = user
        .events()
        .iter()
        .filter_map(|event| match event {
            Event::Started { address, .. } if address.as_str() == "Alb" => Some("started"),
            Event::Progress { address, text } if address.as_str() == "Alb" && text == "not ready yet" => Some("said"),
            Event::Finished { address, .. } if address.as_str() == "Alb" => Some("finished"),
            _ => None,
        })
        .collect();
    // The second start is that it is made and awaited.
    assert_eq!(of_alb, ["started", "said", "started", "finished"]);
}
