//! Subscriptions that wait for a person: they are made, read and deleted without waiting along.

use infra::address::{Address, OpId};
use infra::aws::AwsCloud;
use infra::cloud::{Cloud, ErrorKind, Op};
use infra::value::Value;
use local_aws::{Action, Fault, LocalAws, Options, When};
use serde_json::json;

fn op(name: &str) -> Op {
    Op::new(OpId::generate(), Address::root(name), "pending".into(), "test".into())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_nobody_confirmed_is_like_any_other_and_goes_with_its_topic() {
    let local = LocalAws::start(Options::default()).await.expect("the local AWS starts");
    let cloud = AwsCloud::local(crate::REGION, &local.endpoint()).await;
    let topic = cloud.catalog().get("AWS::SNS::Topic").expect("the type").clone();
    let kind = cloud.catalog().get("AWS::SNS::Subscription").expect("the type").clone();
    let (topic_op, op) = (op("Alarms"), op("Mail"));
    let topic_id =
        cloud.create(&topic, &topic_op, &Value::from(json!({"TopicName": "alarms"}))).await.expect("a topic");
    let properties = Value::from(json!({
        "TopicArn": topic_id.as_str(), "Protocol": "email", "Endpoint": "ops@example.com",
        "FilterPolicy": {"severity": ["high"]},
    }));

    let id = cloud.create(&kind, &op, &properties).await.expect("a subscription");
    cloud.settle(&kind, &op, &id, &properties).await.expect("nothing is awaited");
    let live = cloud.read(&kind, std::slice::from_ref(&id)).await.expect("an answer");
    let told = live.first().expect("the subscription").properties.clone();
    for name in ["TopicArn", "Protocol", "Endpoint", "FilterPolicy"] {
        assert_eq!(told.get(name), properties.get(name), "{name}");
    }

    // Its topic's list does not tell its ARN, so it is asked for again, which tells it and makes no second one.
    assert_eq!(cloud.find(&kind, &op, &properties).await, Ok(None));
    assert_eq!(cloud.create(&kind, &op, &properties).await, Ok(id.clone()));

    cloud.delete(&kind, &op, &id).await.expect("that it can't be unsubscribed is no failure");
    cloud.delete(&topic, &topic_op, &topic_id).await.expect("the topic is deleted");
    assert_eq!(local.control().inventory().await.expect("an answer"), []);
    local.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_whose_answer_was_lost_is_found() {
    let local = LocalAws::start(Options::default()).await.expect("the local AWS starts");
    let cloud = AwsCloud::local(crate::REGION, &local.endpoint()).await;
    let kind = cloud.catalog().get("AWS::SES::EmailIdentity").expect("the type").clone();
    let (op, properties) = (op("Sender"), Value::from(json!({"EmailIdentity": "ops+alarms@example.com"})));
    let fault = Fault {
        service: "ses".into(),
        operation: "CreateEmailIdentity".into(),
        when: When::Nth(1),
        times: None,
        action: Action::DropAfter,
    };
    let _until_the_end = local.control().add_fault(fault);
    let made = cloud.create(&kind, &op, &properties).await;
    assert_eq!(made.map_err(|error| error.kind), Err(ErrorKind::Lost));
    let found = cloud.find(&kind, &op, &properties).await.expect("an answer").expect("the identity");
    let again = cloud.create(&kind, &op, &properties).await;
    assert_eq!(again.map_err(|error| error.kind), Err(ErrorKind::Conflict));
    cloud.delete(&kind, &op, &found).await.expect("it is deleted");
    assert_eq!(cloud.find(&kind, &op, &properties).await, Ok(None));
    local.stop().await;
}
