//! Faults on demand, the record of calls and the limit, over the control API and from the library.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::{Duration, Instant};

use local_aws::{Action, Fault, LocalAws, Settings, When};
use serde_json::json;
use support::{Aws, options};

async fn start() -> (LocalAws, Aws) {
    let local = LocalAws::start(options()).await.unwrap();
    let aws = Aws::new(&local.endpoint());
    (local, aws)
}

fn fault(service: &str, operation: &str, when: When, action: Action) -> Fault {
    Fault { service: service.into(), operation: operation.into(), when, times: None, action }
}

async fn vpcs(aws: &Aws) -> usize {
    let own = [("Filter.1.Name", "is-default"), ("Filter.1.Value.1", "false")];
    aws.ec2("DescribeVpcs", &own).await.ok().all("vpcId").len()
}

#[tokio::test]
async fn a_dropped_connection_loses_the_call_or_only_its_answer() {
    let (local, aws) = start().await;
    let cidr = [("CidrBlock", "10.0.0.0/16")];
    let before = local.control().add_fault(fault("ec2", "CreateVpc", When::Nth(1), Action::DropBefore));
    let lost = aws.try_query("ec2", "CreateVpc", &cidr).await;
    assert!(lost.is_err(), "{lost:?}");
    assert_eq!(vpcs(&aws).await, 0);
    assert!(local.control().remove_fault(before));
    let _until_reset = local.control().add_fault(fault("ec2", "CreateVpc", When::Nth(1), Action::DropAfter));
    let lost = aws.try_query("ec2", "CreateVpc", &cidr).await;
    assert!(lost.is_err(), "{lost:?}");
    assert_eq!(vpcs(&aws).await, 1);
    aws.ec2("CreateVpc", &cidr).await.ok();
    assert_eq!(vpcs(&aws).await, 2);
    local.stop().await;
}

#[tokio::test]
async fn a_held_call_holds_all_after_it_and_is_done_or_not_as_asked() {
    let (local, aws) = start().await;
    let control = local.control();
    let cidr = [("CidrBlock", "10.0.0.0/16")];
    for (action, made) in [(Action::HoldBefore, 0), (Action::HoldAfter, 1)] {
        control.clear_calls();
        let fault = control.add_fault(fault("ec2", "CreateVpc", When::Nth(1), action));
        let (first, second, ()) = tokio::join!(
            aws.try_query("ec2", "CreateVpc", &cidr),
            async {
                while !control.holds() {
                    tokio::task::yield_now().await;
                }
                aws.try_query("ec2", "CreateVpc", &cidr).await
            },
            async {
                while control.calls().calls.iter().filter(|call| call.held).count() < 2 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                assert!(control.remove_fault(fault));
            },
        );
        assert!(first.is_err() && second.is_err(), "{first:?} {second:?}");
        assert!(!control.holds());
        let done = control.calls().calls.iter().filter(|call| call.operation == "CreateVpc" && call.done).count();
        assert_eq!((done, vpcs(&aws).await), (made, made));
    }
    local.stop().await;
}

#[tokio::test]
async fn a_call_is_done_to_its_end_though_nobody_listens_any_more() {
    let (local, aws) = start().await;
    let cidr = [("CidrBlock", "10.0.0.0/16")];
    let mut calls = futures::future::join_all((0..20).map(|_| aws.try_query("ec2", "CreateVpc", &cidr)));
    while local.control().calls().total < 20 {
        let _not_yet = tokio::time::timeout(Duration::from_millis(1), &mut calls).await;
    }
    drop(calls);
    while local.control().calls().calls.iter().any(|call| !call.done) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(vpcs(&aws).await, 20);
    local.stop().await;
}

#[tokio::test]
async fn errors_have_the_shape_of_their_protocol() {
    let (local, aws) = start().await;
    let control = local.control();
    let _first = control.add_fault(fault("*", "*", When::Nth(1), Action::Throttle));
    let ec2 = aws.ec2("DescribeVpcs", &[]).await;
    assert_eq!(ec2.status, 503);
    assert!(ec2.text.contains("<Response><Errors><Error><Code>RequestLimitExceeded</Code>"), "{}", ec2.text);
    let _second = control.add_fault(fault("*", "*", When::Nth(1), Action::Throttle));
    let elb = aws.elb("DescribeLoadBalancers", &[]).await;
    assert_eq!(elb.status, 400);
    assert!(elb.text.contains("<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code>"), "{}", elb.text);
    let _third = control.add_fault(fault("ecs", "*", When::Nth(1), Action::Throttle));
    aws.ecs("ListClusters", json!({})).await.refused("ThrottlingException");
    let _fourth = control.add_fault(fault("ecs", "*", When::Nth(1), Action::Status(500)));
    let failed = aws.ecs("ListClusters", json!({})).await;
    assert_eq!(failed.status, 500);
    failed.refused("InternalServerException");
    let denied = Action::Error { code: "AccessDeniedException".into(), message: "no".into(), status: 403 };
    let _fifth = control.add_fault(fault("ecs", "ListClusters", When::Always, denied));
    aws.ecs("ListClusters", json!({})).await.refused("AccessDeniedException");
    local.stop().await;
}

#[tokio::test]
async fn cbor_errors_are_cbor() {
    let (local, aws) = start().await;
    let _once = local.control().add_fault(fault("monitoring", "ListMetrics", When::Nth(1), Action::Throttle));
    let scope =
        "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/monitoring/aws4_request, SignedHeaders=host, Signature=0";
    let path = "/service/GraniteServiceVersion20100801/operation/ListMetrics";
    let request = aws.http.post(format!("{}{path}", aws.endpoint)).header("authorization", scope);
    let request = request.header("smithy-protocol", "rpc-v2-cbor").header("content-type", "application/cbor");
    let response = request.body(vec![0xa0]).send().await.unwrap();
    assert_eq!(response.status(), 400);
    assert_eq!(response.headers()["smithy-protocol"], "rpc-v2-cbor");
    // A map of two pairs, whose texts have lengths of four bytes.
    let body = response.bytes().await.unwrap();
    let text = |text: &str| [&[0x7a, 0, 0, 0, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    let pairs = ["__type", "ThrottlingException", "message", "Rate exceeded"].map(text).concat();
    assert_eq!(body, [&[0xa2][..], &pairs].concat());
    // The operation stands in the path, for the record as for faults.
    let refused = aws.http.post(format!("{}{}", aws.endpoint, path.replace("ListMetrics", "PutDashboard")));
    let refused = refused.header("authorization", scope).header("smithy-protocol", "rpc-v2-cbor");
    assert_eq!(refused.body(vec![0xa0]).send().await.unwrap().status(), 400);
    let calls = local.control().calls();
    let seen: Vec<_> = calls.calls.iter().map(|call| (&*call.service, &*call.operation, call.changes)).collect();
    assert_eq!(seen, [("monitoring", "ListMetrics", false), ("monitoring", "PutDashboard", true)]);
    local.stop().await;
}

#[tokio::test]
async fn latency_delays_the_answer() {
    let (local, aws) = start().await;
    aws.ec2("DescribeVpcs", &[]).await.ok();
    let _always =
        local.control().add_fault(fault("ec2", "*", When::Always, Action::Latency { ms: 300, jitter_ms: 50 }));
    let started = Instant::now();
    aws.ec2("DescribeVpcs", &[]).await.ok();
    assert!(started.elapsed() >= Duration::from_millis(300));
    local.stop().await;
}

#[tokio::test]
async fn calls_are_on_record_and_can_be_cut_off() {
    let (local, aws) = start().await;
    let vpc = aws.vpc("10.0.0.0/16").await;
    aws.ec2("CreateSubnet", &[("VpcId", &vpc), ("CidrBlock", "10.1.0.0/24")]).await.refused("InvalidSubnet.Range");
    aws.ecs("ListClusters", json!({})).await.ok();
    let calls = local.control().calls();
    let counts: Vec<(&str, u64)> = calls.counts.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert_eq!(counts, [("ec2:CreateSubnet", 1), ("ec2:CreateVpc", 1), ("ecs:ListClusters", 1)]);
    assert_eq!((calls.total, calls.changing), (3, 2));
    let refused: Vec<Option<&str>> = calls.calls.iter().map(|call| call.refused.as_deref()).collect();
    assert_eq!(refused, [None, Some("InvalidSubnet.Range"), None]);
    local.control().clear_calls();
    local.control().set(Settings { cut_after: Some(1), ..Settings::default() });
    aws.vpc("10.1.0.0/16").await;
    assert!(aws.try_query("ec2", "DescribeVpcs", &[]).await.is_err());
    local.control().set(Settings { cut_after: Some(0), ..Settings::default() });
    assert_eq!(vpcs(&aws).await, 2);
    local.stop().await;
}

#[tokio::test]
async fn everything_can_be_steered_over_http() {
    let (local, aws) = start().await;
    assert_eq!(aws.control("GET", "health", None).await.json(), json!({"status": "ok"}));
    let rule = json!({"service": "ec2", "operation": "CreateVpc", "when": {"nth": 1}, "action": "throttle"});
    let made = aws.control("POST", "faults", Some(rule.clone())).await;
    assert_eq!((made.status, made.text.as_str()), (201, "{\"id\":1}"));
    aws.ec2("CreateVpc", &[("CidrBlock", "10.0.0.0/16")]).await.refused("RequestLimitExceeded");
    let listed = aws.control("GET", "faults", None).await.json();
    assert_eq!(listed, json!([{"id": 1, "fault": rule, "matched": 1, "applied": 1}]));
    assert_eq!(aws.control("DELETE", "faults/1", None).await.status, 204);
    assert_eq!(aws.control("DELETE", "faults/1", None).await.status, 404);
    let misspelt = json!({"servise": "ec2", "action": "throttle"});
    assert_eq!(aws.control("POST", "faults", Some(misspelt)).await.status, 422);
    let settings = aws.control("PUT", "settings", Some(json!({"time_scale": 0.5}))).await.json();
    assert_eq!(settings, json!({"time_scale": 0.5, "hidden_ms": 0, "cut_after": 0}));
    let calls = aws.control("GET", "calls", None).await.json();
    assert_eq!(calls["counts"], json!({"ec2:CreateVpc": 1}));
    assert_eq!((&calls["calls"][0]["status"], &calls["calls"][0]["fault"]), (&json!(503), &json!(true)));
    assert_eq!(aws.control("DELETE", "calls", None).await.status, 204);
    assert_eq!(aws.control("GET", "calls", None).await.json()["total"], json!(0));
    aws.vpc("10.0.0.0/16").await;
    assert_eq!(aws.control("POST", "reset", None).await.status, 204);
    assert_eq!(vpcs(&aws).await, 0);
    local.stop().await;
}

#[tokio::test]
async fn the_inventory_names_what_was_made_and_is_still_there() {
    let (local, aws) = start().await;
    assert_eq!(local.control().inventory().await.unwrap(), []);
    let vpc = aws.vpc("10.0.0.0/16").await;
    aws.call("sqs", "AmazonSQS.CreateQueue", json!({"QueueName": "jobs"})).await.ok();
    let kinds: Vec<String> = local.control().inventory().await.unwrap().into_iter().map(|item| item.kind).collect();
    // A network brings its main route table and its default security group along.
    let wanted = ["AWS::EC2::RouteTable", "AWS::EC2::SecurityGroup", "AWS::EC2::VPC", "AWS::SQS::Queue"];
    assert_eq!(kinds, wanted);
    aws.ec2("DeleteVpc", &[("VpcId", &vpc)]).await.ok();
    let left = aws.control("GET", "inventory", None).await.json();
    assert_eq!(left[0]["type"], "AWS::SQS::Queue");
    assert_eq!(left.as_array().map(Vec::len), Some(1));
    local.control().reset().await.unwrap();
    assert_eq!(local.control().inventory().await.unwrap(), []);
    local.stop().await;
}

#[tokio::test]
async fn an_unsigned_request_passes_through_uncounted() {
    let (local, aws) = start().await;
    let answer = aws.http.get(format!("{}/v2/", aws.endpoint)).send().await.unwrap();
    assert!(matches!(answer.status().as_u16(), 200 | 401), "the registry answers, not {}", answer.status());
    assert_eq!(local.control().calls().total, 0);
    local.stop().await;
}

#[cfg(feature = "winterbaume")]
#[tokio::test]
async fn services_that_the_emulator_lacks_are_served_in_process() {
    let (local, aws) = start().await;
    let signature = |service: &str| {
        format!(
            "AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
        )
    };
    let mesh = json!({"meshName": "services"});
    let request = aws.http.put(format!("{}/v20190125/meshes", aws.endpoint)).json(&mesh);
    let made: serde_json::Value =
        request.header("authorization", signature("appmesh")).send().await.unwrap().json().await.unwrap();
    assert_eq!(made["metadata"]["arn"], format!("arn:aws:appmesh:eu-west-1:{}:mesh/services", local_aws::ACCOUNT_ID));
    let target = json!({
        "ServiceNamespace": "dynamodb", "ResourceId": "table/t", "ScalableDimension": "dynamodb:table:ReadCapacityUnits",
        "MinCapacity": 1, "MaxCapacity": 4,
    });
    aws.call("application-autoscaling", "AnyScaleFrontendService.RegisterScalableTarget", target).await.ok();
    let asked = json!({"ServiceNamespace": "dynamodb"});
    let listed =
        aws.call("application-autoscaling", "AnyScaleFrontendService.DescribeScalableTargets", asked).await.json();
    assert_eq!(listed["ScalableTargets"][0]["MaxCapacity"], 4);
    let counts = local.control().calls().counts;
    assert_eq!((counts["appmesh:CreateMesh"], counts["application-autoscaling:RegisterScalableTarget"]), (1, 1));
    local.control().reset().await.unwrap();
    let asked = json!({"ServiceNamespace": "dynamodb"});
    let listed =
        aws.call("application-autoscaling", "AnyScaleFrontendService.DescribeScalableTargets", asked).await.json();
    assert_eq!(listed["ScalableTargets"], json!([]));
    local.stop().await;
}
