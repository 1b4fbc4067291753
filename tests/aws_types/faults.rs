//! What a call does when AWS or the way to it fails.

use infra::address::{Address, Id, OpId};
use infra::aws::AwsCloud;
use infra::catalog::TypeInfo;
use infra::cloud::{Cloud, ErrorKind, Op};
use infra::value::Value;
use local_aws::{Action, Fault, LocalAws, Options, When};
use serde_json::json;

struct Scene {
    local: LocalAws,
    cloud: AwsCloud,
    vpc: TypeInfo,
    op: Op,
    properties: Value,
}

impl Scene {
    async fn new() -> Self {
        let local = LocalAws::start(Options::default()).await.expect("the local AWS starts");
        let cloud = AwsCloud::local(crate::REGION, &local.endpoint()).await;
        let vpc = cloud.catalog().get("AWS::EC2::VPC").expect("the type").as_ref().clone();
        let op = Op::new(OpId::generate(), Address::root("Vpc"), "faults".into(), "test".into());
        Self { local, cloud, vpc, op, properties: Value::from(json!({"CidrBlock": "10.50.0.0/16"})) }
    }

    fn goes_wrong(&self, operation: &str, action: Action) {
        let fault =
            Fault { service: "ec2".into(), operation: operation.into(), when: When::Nth(1), times: None, action };
        let _until_the_end = self.local.control().add_fault(fault);
    }

    fn calls(&self, operation: &str) -> u64 {
        self.local.control().calls().counts.get(&format!("ec2:{operation}")).copied().unwrap_or(0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_not_asked_for_again_and_what_was_made_is_found() {
    let scene = Scene::new().await;
    scene.goes_wrong("CreateVpc", Action::DropAfter);
    let made = scene.cloud.create(&scene.vpc, &scene.op, &scene.properties).await;
    assert_eq!(made.map_err(|error| error.kind), Err(ErrorKind::Lost));
    assert_eq!(scene.calls("CreateVpc"), 1);
    let found = scene.cloud.find(&scene.vpc, &scene.op, &scene.properties).await.expect("an answer");
    let found = found.expect("what was made");
    scene.cloud.delete(&scene.vpc, &scene.op, &found).await.expect("it is deleted");
    scene.local.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_error_while_making_something_counts_as_lost() {
    let scene = Scene::new().await;
    scene.goes_wrong("CreateVpc", Action::Status(500));
    let made = scene.cloud.create(&scene.vpc, &scene.op, &scene.properties).await;
    assert_eq!(made.map_err(|error| error.kind), Err(ErrorKind::Lost));
    assert_eq!(scene.calls("CreateVpc"), 1);
    assert_eq!(scene.cloud.find(&scene.vpc, &scene.op, &scene.properties).await, Ok(None));
    scene.local.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_and_failing_reads_are_retried() {
    let scene = Scene::new().await;
    scene.goes_wrong("CreateVpc", Action::Throttle);
    let id = scene.cloud.create(&scene.vpc, &scene.op, &scene.properties).await.expect("it is made");
    assert_eq!(scene.calls("CreateVpc"), 2);
    for action in [Action::Status(503), Action::DropBefore, Action::DropAfter] {
        scene.goes_wrong("DescribeVpcs", action);
        let read = scene.cloud.read(&scene.vpc, std::slice::from_ref(&id)).await.expect("an answer");
        assert_eq!(read.len(), 1);
    }
    scene.local.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_not_there_is_unavailable() {
    let local = LocalAws::start(Options::default()).await.expect("the local AWS starts");
    let cloud = AwsCloud::local(crate::REGION, &local.endpoint()).await;
    local.stop().await;
    let vpc = cloud.catalog().get("AWS::EC2::VPC").expect("the type").clone();
    let read = cloud.read(&vpc, &[Id::new("vpc-1")]).await;
    assert_eq!(read.map_err(|error| error.kind), Err(ErrorKind::Unavailable));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attached_policy_that_was_half_set_is_on_record_found_and_finished() {
    let Scene { local, cloud, op, .. } = Scene::new().await;
    let (queues, policies) = ("AWS::SQS::Queue", "AWS::SQS::QueuePolicy");
    let (queue, kind) = (
        cloud.catalog().get(queues).expect("the type").clone(),
        cloud.catalog().get(policies).expect("the type").clone(),
    );
    let queue_id = cloud.create(&queue, &op, &Value::from(json!({"QueueName": "half"}))).await.expect("a queue");
    let properties = Value::from(json!({
        "Queues": [queue_id.as_str()],
        "PolicyDocument": {"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "*",
        }]},
    }));
    let fault = Fault {
        service: "sqs".into(),
        operation: "SetQueueAttributes".into(),
        when: When::Nth(1),
        times: None,
        action: Action::Error { code: "AccessDenied".into(), message: "no".into(), status: 403 },
    };
    let _until_the_end = local.control().add_fault(fault);
    let before = local.control().calls().changing;
    let id = cloud.create(&kind, &op, &properties).await.expect("the id, before anything is set");
    assert_eq!(local.control().calls().changing, before);
    assert_eq!(cloud.find(&kind, &op, &properties).await, Ok(None));
    assert_eq!(cloud.create(&kind, &op, &properties).await, Ok(id.clone()), "the same operation has the same id");

    let settled = cloud.settle(&kind, &op, &id, &properties).await;
    assert_eq!(settled.map_err(|error| error.kind), Err(ErrorKind::Denied));
    assert_eq!(cloud.find(&kind, &op, &properties).await, Ok(Some(id.clone())), "its queue says whose it is");
    cloud.settle(&kind, &op, &id, &properties).await.expect("the rest of it is done");
    let read = cloud.read(&kind, std::slice::from_ref(&id)).await.expect("an answer");
    assert_eq!(read.len(), 1);
    cloud.delete(&kind, &op, &id).await.expect("it is deleted");
    assert_eq!(cloud.find(&kind, &op, &properties).await, Ok(None));
    cloud.delete(&queue, &op, &queue_id).await.expect("the queue is deleted");
    local.stop().await;
}
