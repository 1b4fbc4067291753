//! What a stack asks of the world, answered by the local AWS.

use std::collections::BTreeMap;

use infra::address::{Address, OpId};
use infra::aws::AwsCloud;
use infra::cloud::{Cloud, ErrorKind, ExistingBy, Lookup, Op};
use infra::value::Value;
use local_aws::{LocalAws, Options};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn lookups_are_answered_in_their_order() {
    let local = LocalAws::start(Options::default()).await.expect("the local AWS starts");
    let cloud = AwsCloud::local(crate::REGION, &local.endpoint()).await;
    let kind = cloud.catalog().get("AWS::EC2::VPC").expect("the type").clone();
    let op = Op::new(OpId::generate(), Address::root("Shared"), "lookups".into(), "test".into());
    let properties = Value::from(json!({"CidrBlock": "10.40.0.0/16", "Tags": [{"Key": "Name", "Value": "shared"}]}));
    let id = cloud.create(&kind, &op, &properties).await.expect("a VPC");

    let by = |by| Lookup::Existing { type_name: "AWS::EC2::VPC".to_owned(), by };
    let name = |value: &str| ExistingBy::Tags(BTreeMap::from([("Name".to_owned(), value.to_owned())]));
    let lookups = [
        Lookup::Zones,
        Lookup::Account,
        by(ExistingBy::Id(id.to_string())),
        by(name("shared")),
        by(name("other")),
        Lookup::SsmParameter("/none".to_owned()),
    ];
    let answers = cloud.lookup(&lookups).await;

    let zones = answers[0].as_ref().expect("zones").as_list().expect("a list");
    assert_eq!(&zones[..2], [Value::from("us-east-1a"), Value::from("us-east-1b")]);
    let account = answers[1].as_ref().expect("the account");
    assert_eq!(account.get("account_id"), Some(&Value::from(local_aws::ACCOUNT_ID)));
    assert_eq!(account.get("partition"), Some(&Value::from("aws")));
    for answer in &answers[2..4] {
        let vpc = answer.as_ref().expect("the VPC");
        assert_eq!(vpc.get("VpcId"), Some(&Value::from(id.as_str())));
        assert_eq!(vpc.get("CidrBlock"), Some(&Value::from("10.40.0.0/16")));
    }
    for answer in &answers[4..] {
        assert_eq!(answer.as_ref().map_err(|error| error.kind), Err(ErrorKind::NotFound));
    }
    local.stop().await;
}
