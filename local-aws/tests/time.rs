//! What takes its time on AWS takes it here: seen at real time, where nothing ends during a test, and at none.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use local_aws::{LocalAws, Options, Settings};
use serde_json::json;
use support::{Aws, options};

/// Starts a local AWS in which time is real.
async fn start() -> (LocalAws, Aws) {
    let local = LocalAws::start(Options { time_scale: 1.0, ..options() }).await.unwrap();
    let aws = Aws::new(&local.endpoint());
    (local, aws)
}

/// Lets all that is under way be over, and what begins from now on too.
fn skip(local: &LocalAws) {
    local.control().set(Settings { time_scale: Some(0.0), ..Settings::default() });
}

fn real(local: &LocalAws) {
    local.control().set(Settings { time_scale: Some(1.0), ..Settings::default() });
}

#[tokio::test]
async fn a_nat_gateway_is_pending_then_available_and_deleting_then_deleted() {
    let (local, aws) = start().await;
    let network = aws.network().await;
    let allocation = aws.ec2("AllocateAddress", &[("Domain", "vpc")]).await.ok().get("allocationId");
    let parameters = [("SubnetId", &*network.one), ("AllocationId", &allocation)];
    let made = aws.ec2("CreateNatGateway", &parameters).await.ok();
    let id = made.get("natGatewayId");
    let state = async || aws.ec2("DescribeNatGateways", &[("NatGatewayId.1", &id)]).await.ok().get("state");
    assert_eq!([made.get("state"), state().await], ["pending", "pending"]);
    let available = [("Filter.1.Name", "state"), ("Filter.1.Value.1", "available")];
    assert_eq!(aws.ec2("DescribeNatGateways", &available).await.ok().get("natGatewayId"), "");
    skip(&local);
    assert_eq!(state().await, "available");
    assert_eq!(aws.ec2("DescribeNatGateways", &available).await.ok().get("natGatewayId"), id);
    real(&local);
    aws.ec2("DeleteNatGateway", &[("NatGatewayId", &id)]).await.ok();
    assert_eq!(state().await, "deleting");
    aws.ec2("ReleaseAddress", &[("AllocationId", &allocation)]).await.refused("InvalidIPAddress.InUse");
    aws.ec2("DeleteSubnet", &[("SubnetId", &network.one)]).await.refused("DependencyViolation");
    skip(&local);
    assert_eq!(state().await, "deleted");
    aws.ec2("ReleaseAddress", &[("AllocationId", &allocation)]).await.ok();
    aws.ec2("DeleteSubnet", &[("SubnetId", &network.one)]).await.ok();
    local.stop().await;
}

#[tokio::test]
async fn a_load_balancer_is_provisioning_then_active_and_leaves_slowly() {
    let (local, aws) = start().await;
    let network = aws.network().await;
    let group = aws.group(&network.vpc, "balancer").await;
    let arn = aws.load_balancer(&network, "slow", &group).await;
    let own = [("LoadBalancerArns.member.1", &*arn)];
    let state = async || {
        let answer = aws.elb("DescribeLoadBalancers", &own).await.ok();
        answer.text.split("<State><Code>").nth(1).unwrap().split('<').next().unwrap().to_owned()
    };
    assert_eq!(state().await, "provisioning");
    let request =
        async || aws.http.get(format!("{}/_alb/slow/", aws.endpoint)).send().await.unwrap().text().await.unwrap();
    assert!(request().await.contains("not provisioned"));
    skip(&local);
    assert_eq!(state().await, "active");
    assert!(request().await.contains("no listener"));
    real(&local);
    aws.elb("DeleteLoadBalancer", &[("LoadBalancerArn", &arn)]).await.ok();
    aws.elb("DescribeLoadBalancers", &own).await.refused("LoadBalancerNotFound");
    aws.ec2("DeleteSecurityGroup", &[("GroupId", &group)]).await.refused("DependencyViolation");
    skip(&local);
    aws.ec2("DeleteSecurityGroup", &[("GroupId", &group)]).await.ok();
    local.stop().await;
}

#[tokio::test]
async fn a_service_deploys_and_drains() {
    let (local, aws) = start().await;
    let network = aws.network().await;
    let group = aws.group(&network.vpc, "tasks").await;
    let definition = json!({"family": "app", "containerDefinitions": [{"name": "app", "image": "app"}]});
    aws.ecs("RegisterTaskDefinition", definition).await.ok();
    aws.ecs("CreateCluster", json!({"clusterName": "c"})).await.ok();
    let service = json!({
        "cluster": "c", "serviceName": "app", "taskDefinition": "app", "desiredCount": 2,
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": [network.one], "securityGroups": [group]}},
    });
    aws.ecs("CreateService", service).await.ok();
    let described = async || {
        let answer = aws.ecs("DescribeServices", json!({"cluster": "c", "services": ["app"]})).await.json();
        answer["services"][0].clone()
    };
    let young = described().await;
    assert_eq!((&young["runningCount"], &young["pendingCount"]), (&json!(0), &json!(2)));
    assert_eq!(young["deployments"][0]["rolloutState"], "IN_PROGRESS");
    skip(&local);
    // The emulator's tasks start in their own time, whatever the scale.
    let mut stable = described().await;
    for _ in 0..300 {
        if stable["runningCount"] == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        stable = described().await;
    }
    assert_eq!((&stable["runningCount"], &stable["deployments"][0]["rolloutState"]), (&json!(2), &json!("COMPLETED")));
    real(&local);
    aws.ecs("UpdateService", json!({"cluster": "c", "service": "app", "forceNewDeployment": true})).await.ok();
    assert_eq!(described().await["deployments"][0]["rolloutState"], "IN_PROGRESS");
    aws.ecs("DeleteService", json!({"cluster": "c", "service": "app", "force": true})).await.ok();
    assert_eq!(described().await["status"], "DRAINING");
    let again = json!({"cluster": "c", "serviceName": "app", "taskDefinition": "app"});
    aws.ecs("CreateService", again).await.refused("InvalidParameterException");
    aws.ec2("DeleteSecurityGroup", &[("GroupId", &group)]).await.refused("DependencyViolation");
    skip(&local);
    assert_eq!(described().await["status"], "INACTIVE");
    aws.ec2("DeleteSecurityGroup", &[("GroupId", &group)]).await.ok();
    local.stop().await;
}

#[tokio::test]
async fn a_network_and_an_endpoint_are_pending() {
    let (local, aws) = start().await;
    let vpc = aws.vpc("10.0.0.0/16").await;
    let interface =
        [("VpcId", &*vpc), ("ServiceName", "com.amazonaws.us-east-1.logs"), ("VpcEndpointType", "Interface")];
    assert_eq!(aws.ec2("CreateVpcEndpoint", &interface).await.ok().get("state"), "pending");
    let gateway = [("VpcId", &*vpc), ("ServiceName", "com.amazonaws.us-east-1.s3"), ("VpcEndpointType", "Gateway")];
    assert_eq!(aws.ec2("CreateVpcEndpoint", &gateway).await.ok().get("state"), "available");
    assert_eq!(aws.ec2("CreateVpc", &[("CidrBlock", "10.0.0.0/16")]).await.ok().get("state"), "pending");
    skip(&local);
    let told = aws.ec2("DescribeVpcEndpoints", &[]).await.ok();
    assert_eq!(told.all("state"), ["available", "available"]);
    real(&local);
    for id in told.all("vpcEndpointId") {
        aws.ec2("DeleteVpcEndpoints", &[("VpcEndpointId.1", &id)]).await.ok();
    }
    assert_eq!(aws.ec2("DescribeVpcEndpoints", &[]).await.ok().all("state"), ["deleting"], "a gateway is only a route");
    skip(&local);
    assert!(aws.ec2("DescribeVpcEndpoints", &[]).await.ok().all("state").is_empty());
    local.stop().await;
}

#[tokio::test]
async fn the_name_of_a_deleted_queue_is_not_free_at_once() {
    let (local, aws) = start().await;
    let create = async || aws.call("sqs", "AmazonSQS.CreateQueue", json!({"QueueName": "jobs"})).await;
    let made = create().await.json();
    aws.call("sqs", "AmazonSQS.DeleteQueue", json!({"QueueUrl": made["QueueUrl"]})).await.ok();
    create().await.refused("AWS.SimpleQueueService.QueueDeletedRecently");
    skip(&local);
    create().await.ok();
    local.stop().await;
}

#[tokio::test]
async fn a_cloud_map_operation_is_pending() {
    let (local, aws) = start().await;
    let call = async |operation: &str, input| {
        aws.call("servicediscovery", &format!("Route53AutoNaming_v20170314.{operation}"), input).await.json()
    };
    let made = call("CreateHttpNamespace", json!({"Name": "local"})).await;
    let status =
        async || call("GetOperation", json!({"OperationId": made["OperationId"]})).await["Operation"]["Status"].clone();
    assert_eq!(status().await, "PENDING");
    skip(&local);
    assert_eq!(status().await, "SUCCESS");
    local.stop().await;
}

#[tokio::test]
async fn new_ids_may_be_hidden() {
    let (local, aws) = start().await;
    local.control().set(Settings { hidden_ms: Some(3_600_000), ..Settings::default() });
    let vpc = aws.vpc("10.0.0.0/16").await;
    aws.ec2("DescribeVpcs", &[("VpcId.1", &vpc)]).await.refused("InvalidVpcID.NotFound");
    assert!(!aws.ec2("DescribeVpcs", &[]).await.ok().text.contains(&vpc));
    aws.ec2("CreateRouteTable", &[("VpcId", &vpc)]).await.refused("InvalidVpcID.NotFound");
    local.control().set(Settings { hidden_ms: Some(0), ..Settings::default() });
    aws.ec2("CreateRouteTable", &[("VpcId", &vpc)]).await.ok();
    local.stop().await;
}
