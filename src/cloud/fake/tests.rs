//! What the fake cloud does and refuses.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::address::OpId;
use crate::cloud::ExistingBy;

const VPC: &str = "Test::Net::Vpc";
const SUBNET: &str = "Test::Net::Subnet";
const BALANCER: &str = "Test::Net::LoadBalancer";
const LISTENER: &str = "Test::Net::Listener";
const QUEUE: &str = "Test::App::Queue";
const SERVICE: &str = "Test::App::Service";
const SECRET: &str = "Test::App::Secret";

fn cloud() -> FakeCloud {
    FakeCloud::new(catalog::catalog())
}

fn slow() -> FakeCloud {
    let times = |verb, kind: &TypeInfo| match (verb, kind.name) {
        (Verb::Settle, BALANCER) => Duration::from_secs(120),
        _ => Duration::ZERO,
    };
    FakeCloud::builder(catalog::catalog()).times(times).build()
}

fn op(id: &str) -> Op {
    Op::new(OpId::from(id), Address::from(id), Arc::from("test"), Arc::from("dev"))
}

impl FakeCloud {
    fn kind(&self, name: &str) -> Arc<TypeInfo> {
        Arc::clone(self.catalog().get(name).unwrap())
    }

    async fn make(&self, type_name: &str, name: &str, properties: serde_json::Value) -> Result<Id, CloudError> {
        let (kind, op, properties) = (self.kind(type_name), op(name), Value::from(properties));
        let id = self.create(&kind, &op, &properties).await?;
        self.settle(&kind, &op, &id, &properties).await?;
        Ok(id)
    }

    async fn change(&self, type_name: &str, id: &Id, path: &str, value: Option<Value>) -> Result<(), CloudError> {
        let old = self.get(id).unwrap().properties;
        let Value::Map(mut new) = old.clone() else { panic!("properties are a map") };
        match value {
            Some(value) => drop(new.insert(path.to_owned(), value)),
            None => drop(new.remove(path)),
        }
        self.update(&self.kind(type_name), &op("change"), id, &old, &Value::Map(new)).await
    }
}

fn refusal<T: fmt::Debug>(result: Result<T, CloudError>) -> (ErrorKind, String) {
    let error = result.unwrap_err();
    (error.kind, error.to_string())
}

#[tokio::test(start_paused = true)]
async fn ids_are_deterministic_and_outputs_belong_to_them() {
    let cloud = cloud();
    let id = cloud.make(VPC, "Vpc", json!({"CidrBlock": "10.0.0.0/16"})).await.unwrap();
    assert_eq!(id.as_str(), "vpc-000001");
    let live = cloud.get(&id).unwrap();
    assert_eq!(live.outputs.get("VpcId").and_then(Value::as_str), Some("vpc-000001"));
    let expected = json!({
        "CidrBlock": "10.0.0.0/16", "EnableDnsHostnames": false, "EnableDnsSupport": false,
        "InstanceTenancy": "default", "Tags": [],
    });
    assert_eq!(live.properties, Value::from(expected), "the cloud adds defaults");
}

#[tokio::test(start_paused = true)]
async fn a_create_repeated_under_its_operation_makes_no_twin() {
    let cloud = cloud();
    let first = cloud.make(VPC, "Vpc", json!({"CidrBlock": "10.0.0.0/16"})).await.unwrap();
    let second = cloud.make(VPC, "Vpc", json!({"CidrBlock": "10.0.0.0/16"})).await.unwrap();
    assert_eq!((first, cloud.len()), (second, 1));
}

#[tokio::test(start_paused = true)]
async fn references_must_exist() {
    let cloud = cloud();
    let subnet = |vpc: &str| json!({"VpcId": vpc, "CidrBlock": "10.0.1.0/24"});
    let (kind, message) = refusal(cloud.make(SUBNET, "Subnet", subnet("vpc-000009")).await);
    assert_eq!(kind, ErrorKind::NotFound);
    insta::assert_snapshot!(message, @"net:CreateSubnet: NotFound: vpc-000009 does not exist");

    let vpc = cloud.make(VPC, "Vpc", json!({"CidrBlock": "10.0.0.0/16"})).await.unwrap();
    let dangling = cloud.get(&vpc).unwrap().outputs.get("DefaultSecurityGroup").unwrap().as_str().unwrap().to_owned();
    cloud.make(SUBNET, "Subnet", subnet(vpc.as_str())).await.unwrap();
    assert!(cloud.remove(&vpc), "outside infra even what is used can go");
    let gone = json!({"VpcId": dangling, "CidrBlock": "10.0.2.0/24"});
    assert_eq!(refusal(cloud.make(SUBNET, "Other", gone).await).0, ErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn what_is_in_use_is_not_deleted() {
    let cloud = cloud();
    let vpc = cloud.make(VPC, "Vpc", json!({"CidrBlock": "10.0.0.0/16"})).await.unwrap();
    let subnet =
        cloud.make(SUBNET, "Subnet", json!({"VpcId": vpc.as_str(), "CidrBlock": "10.0.1.0/24"})).await.unwrap();
    let (kind, message) = refusal(cloud.delete(&cloud.kind(VPC), &op("delete"), &vpc).await);
    assert_eq!(kind, ErrorKind::InUse);
    insta::assert_snapshot!(message, @"net:DeleteVpc: DependencyViolation: vpc-000001 is used by [subnet-000001]");
    cloud.delete(&cloud.kind(SUBNET), &op("delete"), &subnet).await.unwrap();
    cloud.delete(&cloud.kind(VPC), &op("delete"), &vpc).await.unwrap();
    cloud.delete(&cloud.kind(VPC), &op("delete"), &vpc).await.unwrap();
    assert!(cloud.is_empty());
}

#[tokio::test(start_paused = true)]
async fn references_follow_updates_and_stand_in_documents() {
    let cloud = cloud();
    let [first, second] = [
        cloud.make(QUEUE, "First", json!({"QueueName": "first"})).await.unwrap(),
        cloud.make(QUEUE, "Second", json!({"QueueName": "second"})).await.unwrap(),
    ];
    let arn = |id: &Id| cloud.get(id).unwrap().outputs.get("Arn").unwrap().as_str().unwrap().to_owned();
    let policy = |id: &Id| json!({"deadLetterTargetArn": arn(id), "maxReceiveCount": 3});
    let main = json!({"QueueName": "main", "RedrivePolicy": policy(&first)});
    let main = cloud.make(QUEUE, "Main", main).await.unwrap();
    let delete = |id: Id| {
        let cloud = cloud.clone();
        async move { cloud.delete(&cloud.kind(QUEUE), &op("delete"), &id).await }
    };
    assert_eq!(refusal(delete(first.clone()).await).0, ErrorKind::InUse);
    cloud.change(QUEUE, &main, "RedrivePolicy", Some(policy(&second).into())).await.unwrap();
    delete(first).await.unwrap();
    assert_eq!(refusal(delete(second.clone()).await).0, ErrorKind::InUse);
    cloud.change(QUEUE, &main, "RedrivePolicy", None).await.unwrap();
    delete(second).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn no_two_have_the_same_values_of_a_unique_set() {
    let cloud = cloud();
    let vpc = cloud.make(VPC, "Vpc", json!({"CidrBlock": "10.0.0.0/16"})).await.unwrap();
    let subnet = json!({"VpcId": vpc.as_str(), "CidrBlock": "10.0.1.0/24"});
    let first = cloud.make(SUBNET, "First", subnet.clone()).await.unwrap();
    let (kind, message) = refusal(cloud.make(SUBNET, "Second", subnet.clone()).await);
    assert_eq!(kind, ErrorKind::Conflict);
    insta::assert_snapshot!(
        message,
        @r#"net:CreateSubnet: AlreadyExists: there is one with the VpcId and CidrBlock "vpc-000001", "10.0.1.0/24" already"#
    );
    cloud.delete(&cloud.kind(SUBNET), &op("delete"), &first).await.unwrap();
    cloud.make(SUBNET, "Second", subnet).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn create_only_properties_stay_and_others_change_alone() {
    let cloud = cloud();
    let vpc = cloud.make(VPC, "Vpc", json!({"CidrBlock": "10.0.0.0/16", "EnableDnsSupport": true})).await.unwrap();
    let result = cloud.change(VPC, &vpc, "CidrBlock", Some("10.1.0.0/16".into())).await;
    assert_eq!(refusal(result).0, ErrorKind::Invalid);
    cloud.change(VPC, &vpc, "EnableDnsHostnames", Some(true.into())).await.unwrap();
    cloud.change(VPC, &vpc, "EnableDnsSupport", None).await.unwrap();
    let properties = cloud.get(&vpc).unwrap().properties;
    assert_eq!(properties.get("EnableDnsHostnames"), Some(&Value::Bool(true)));
    assert_eq!(properties.get("EnableDnsSupport"), Some(&Value::Bool(false)), "what is removed is reset");
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_must_be_known_and_valid() {
    let cloud = cloud();
    for properties in [json!({}), json!({"CidrBlock": "10.0.0.0/16", "Cidr": 1})] {
        assert_eq!(refusal(cloud.make(VPC, "Vpc", properties).await).0, ErrorKind::Invalid);
    }
    for value in [Value::Unknown, Value::Digest("00".into())] {
        let properties = [("CidrBlock".to_owned(), value)].into_iter().collect();
        let result = cloud.create(&cloud.kind(VPC), &op("Vpc"), &properties).await;
        assert_eq!(refusal(result).0, ErrorKind::Invalid);
    }
    for name in [None, Some("UPPER"), Some("a-name-that-is-longer-than-the-forty-letters-allowed")] {
        let properties = name.map_or(json!({}), |name| json!({"QueueName": name}));
        assert_eq!(refusal(cloud.make(QUEUE, "Queue", properties).await).0, ErrorKind::Invalid, "{name:?}");
    }
    assert!(cloud.is_empty());
}

#[tokio::test(start_paused = true)]
async fn sets_come_back_in_another_order_documents_as_text_and_secrets_marked() {
    let cloud = cloud();
    let vpc = cloud.insert(VPC, &json!({"CidrBlock": "10.0.0.0/16"}).into()).unwrap();
    let mut subnets = Vec::new();
    for block in ["10.0.1.0/24", "10.0.2.0/24"] {
        let subnet = json!({"VpcId": vpc.as_str(), "CidrBlock": block});
        subnets.push(cloud.insert(SUBNET, &subnet.into()).unwrap().as_str().to_owned());
    }
    let service = json!({
        "ServiceName": "api", "Cluster": "main", "Password": "hunter2",
        "Containers": [{"Name": "api", "Image": "api:1"}], "Network": {"Subnets": subnets},
    });
    let id = cloud.insert(SERVICE, &service.into()).unwrap();
    let live = cloud.get(&id).unwrap().properties;
    subnets.reverse();
    let network = json!({"Subnets": subnets, "AssignPublicIp": "ENABLED"});
    assert_eq!(live.get("Network"), Some(&Value::from(network)));
    assert_eq!(live.get("Password"), Some(&Value::Secret(Box::new("hunter2".into()))));

    let queue = json!({"QueueName": "mail", "RedrivePolicy": {"maxReceiveCount": 3}});
    let id = cloud.insert(QUEUE, &queue.into()).unwrap();
    let live = cloud.get(&id).unwrap().properties;
    assert_eq!(live.get("RedrivePolicy").and_then(Value::as_str), Some(r#"{"maxReceiveCount":3}"#));

    let id = cloud.insert(SECRET, &json!({"Name": "smtp", "SecretString": "hunter2"}).into()).unwrap();
    let live = cloud.get(&id).unwrap();
    assert_eq!(live.properties.get("SecretString"), None, "write-only");
    assert!(matches!(live.outputs.get("GeneratedValue"), Some(Value::Secret(_))));
}

#[tokio::test(start_paused = true)]
async fn only_what_starts_early_may_use_what_is_not_ready() {
    let cloud = slow();
    let vpc = cloud.insert(VPC, &json!({"CidrBlock": "10.0.0.0/16"}).into()).unwrap();
    let subnet = json!({"VpcId": vpc.as_str(), "CidrBlock": "10.0.1.0/24"});
    let subnet = cloud.insert(SUBNET, &subnet.into()).unwrap();
    let (balancer, properties) = (cloud.kind(BALANCER), json!({"Name": "web", "Subnets": [subnet.as_str()]}).into());
    let id = cloud.create(&balancer, &op("Balancer"), &properties).await.unwrap();
    let outputs = cloud.get(&id).unwrap().outputs;
    let [arn, dns] = ["LoadBalancerArn", "DNSName"].map(|name| outputs.get(name).unwrap().as_str().unwrap());

    let target = json!({"LoadBalancerArn": arn, "Port": 81, "Target": dns});
    let (kind, message) = refusal(cloud.make(LISTENER, "Target", target.clone()).await);
    assert_eq!(kind, ErrorKind::Conflict);
    assert!(message.contains("loadbalancer-000001, which Target names, is not ready"), "{message}");
    cloud.make(LISTENER, "Early", json!({"LoadBalancerArn": arn, "Port": 80})).await.unwrap();

    let begin = Instant::now();
    cloud.settle(&balancer, &op("Balancer"), &id, &properties).await.unwrap();
    assert_eq!(begin.elapsed().as_secs(), 120);
    cloud.settle(&balancer, &op("Balancer"), &id, &properties).await.unwrap();
    assert_eq!(begin.elapsed().as_secs(), 120, "settling again takes no time");
    cloud.make(LISTENER, "Target", target).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_change_waits_until_it_is_usable() {
    let cloud = slow();
    let (kind, op) = (cloud.kind(BALANCER), op("Alb"));
    let properties = Value::from(json!({"Name": "web", "Subnets": []}));
    let id = cloud.create(&kind, &op, &properties).await.unwrap();
    let arn = cloud.get(&id).unwrap().outputs.get("LoadBalancerArn").cloned().unwrap().reveal();
    let began = Instant::now();
    cloud.change(BALANCER, &id, "Tags", Some(json!([{"Key": "a", "Value": "b"}]).into())).await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 120);
    cloud.make(QUEUE, "Queue", json!({"QueueName": "q", "RedrivePolicy": {"uses": arn}})).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_changes_outside_infra_is_seen() {
    let cloud = cloud();
    let vpc = cloud.make(VPC, "Vpc", json!({"CidrBlock": "10.0.0.0/16"})).await.unwrap();
    assert!(cloud.tag(&vpc, "owner", "me") && cloud.tag(&vpc, "owner", "you"));
    assert!(cloud.edit(&vpc, |properties| {
        let Value::Map(properties) = properties else { panic!("properties are a map") };
        properties.insert("EnableDnsSupport".into(), true.into());
    }));
    let live = cloud.read(&cloud.kind(VPC), std::slice::from_ref(&vpc)).await.unwrap();
    assert_eq!(live[0].properties.get("Tags"), Some(&json!([{"Key": "owner", "Value": "you"}]).into()));
    assert_eq!(live[0].properties.get("EnableDnsSupport"), Some(&Value::Bool(true)));
    assert!(cloud.remove(&vpc) && !cloud.remove(&vpc) && !cloud.tag(&vpc, "owner", "me"));
    assert_eq!(cloud.read(&cloud.kind(VPC), &[vpc]).await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn faults_strike_the_calls_they_are_meant_for() {
    let cloud = cloud();
    let vpc = |name: &'static str| cloud.make(VPC, name, json!({"CidrBlock": "10.0.0.0/16"}));
    cloud.inject(Fault::fail(Verb::Create, ErrorKind::Quota).of(VPC).at("B"));
    cloud.inject(Fault::fail(Verb::Create, ErrorKind::Denied).nth(3));
    vpc("A").await.unwrap();
    assert_eq!(refusal(vpc("B").await).0, ErrorKind::Quota);
    assert_eq!(refusal(vpc("B").await).0, ErrorKind::Denied, "the third create");
    vpc("B").await.unwrap();
    cloud.inject(Fault::fail(Verb::Read, ErrorKind::Unavailable).always());
    for _ in 0..3 {
        let result = cloud.read(&cloud.kind(VPC), &cloud.ids()).await;
        assert_eq!(refusal(result).0, ErrorKind::Unavailable);
    }
    cloud.clear_faults();
    assert_eq!(cloud.read(&cloud.kind(VPC), &cloud.ids()).await.unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_lost_its_answer_is_found_by_its_operation() {
    let cloud = cloud();
    let vpc: Value = json!({"CidrBlock": "10.0.0.0/16"}).into();
    let kind = cloud.kind(VPC);
    cloud.inject(Fault::new(Effect::LoseAnswer).on(Verb::Create));
    assert_eq!(refusal(cloud.create(&kind, &op("Lost"), &vpc).await).0, ErrorKind::Lost);
    let found = cloud.find(&kind, &op("Lost"), &vpc).await.unwrap();
    assert_eq!(found, Some(Id::new("vpc-000001")));
    assert_eq!(cloud.find(&kind, &op("Never"), &vpc).await.unwrap(), None);

    for (effect, made) in [(Effect::Hang, 1), (Effect::DoAndHang, 2)] {
        cloud.inject(Fault::new(effect).on(Verb::Create));
        let hung = op("Hung");
        let call = cloud.create(&kind, &hung, &vpc);
        tokio::time::timeout(Duration::from_secs(3600), call).await.unwrap_err();
        assert_eq!(cloud.len(), made);
    }
    cloud.inject(Fault::new(Effect::Delay(Duration::from_secs(5))).on(Verb::Create));
    let begin = Instant::now();
    cloud.create(&kind, &op("Slow"), &vpc).await.unwrap();
    assert_eq!(begin.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn calls_are_on_record_with_their_order() {
    let cloud = FakeCloud::builder(catalog::catalog()).latency(Duration::from_millis(50)).build();
    let vpc = |name: &'static str| cloud.make(VPC, name, json!({"CidrBlock": "10.0.0.0/16"}));
    let (first, second) = tokio::join!(vpc("A"), vpc("B"));
    let ids = [first.unwrap(), second.unwrap()];
    cloud.read(&cloud.kind(VPC), &ids).await.unwrap();
    let calls = cloud.calls();
    let verbs: Vec<_> = calls.iter().map(|call| (call.verb, call.began.time.as_millis())).collect();
    let expected = [(Verb::Create, 0), (Verb::Create, 0), (Verb::Settle, 50), (Verb::Settle, 50), (Verb::Read, 100)];
    assert_eq!(verbs, expected);
    assert!(!calls[0].is_before(&calls[1]) && calls[0].is_before(&calls[2]) && calls[4].succeeded());
    assert_eq!(calls[4].ids, ids);
    assert_eq!((cloud.count(Verb::Read), cloud.changes()), (1, 4));
    cloud.clear_calls();
    assert_eq!(cloud.calls(), []);
}

#[tokio::test(start_paused = true)]
async fn a_read_of_many_takes_a_call_for_each_batch() {
    let cloud = cloud();
    for _ in 0..250 {
        cloud.insert(VPC, &json!({"CidrBlock": "10.0.0.0/16"}).into()).unwrap();
    }
    let live = cloud.read(&cloud.kind(VPC), &cloud.ids()).await.unwrap();
    assert_eq!((live.len(), cloud.count(Verb::Read)), (250, 3));
}

#[tokio::test(start_paused = true)]
async fn lookups_are_answered_in_one_call() {
    let cloud = cloud();
    cloud.set_parameter("/ami", "ami-1");
    let vpc = cloud.insert(VPC, &json!({"CidrBlock": "10.0.0.0/16"}).into()).unwrap();
    cloud.insert(VPC, &json!({"CidrBlock": "10.1.0.0/16"}).into()).unwrap();
    let existing = |by| Lookup::Existing { type_name: VPC.into(), by };
    let by_tag = existing(ExistingBy::Tags([("owner".to_owned(), "me".to_owned())].into()));
    cloud.tag(&vpc, "owner", "me");
    let lookups = [
        Lookup::Account,
        Lookup::Zones,
        Lookup::SsmParameter("/ami".into()),
        Lookup::SsmParameter("/none".into()),
        existing(ExistingBy::Id("vpc-000001".into())),
        by_tag.clone(),
        existing(ExistingBy::Tags([].into())),
    ];
    let answers = cloud.lookup(&lookups).await;
    let zones = json!(["us-east-1a", "us-east-1b", "us-east-1c"]);
    assert_eq!(answers[1], Ok(zones.into()));
    assert_eq!(answers[2], Ok("ami-1".into()));
    assert_eq!(refusal(answers[3].clone()).0, ErrorKind::NotFound);
    for answer in &answers[4..6] {
        assert_eq!(answer.as_ref().unwrap().get("VpcId"), Some(&"vpc-000001".into()));
    }
    assert_eq!(refusal(answers[6].clone()).1, "net:LookupVpc: 2 have the tags {}");
    assert_eq!(cloud.count(Verb::Lookup), 1);
    cloud.remove(&vpc);
    assert_eq!(refusal(cloud.lookup(&[by_tag]).await.remove(0)).0, ErrorKind::NotFound);
}
