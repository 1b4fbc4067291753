//! VPC endpoints, flow logs and OpenID Connect providers: what AWS refuses, and what the emulator forgets.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use support::{Answer, Aws, Network, shared};

const ECR: (&str, &str) = ("ServiceName", "com.amazonaws.us-east-1.ecr.api");
const S3: (&str, &str) = ("ServiceName", "com.amazonaws.us-east-1.s3");
const INTERFACE: (&str, &str) = ("VpcEndpointType", "Interface");

async fn create(aws: &Aws, vpc: &str, parameters: &[(&str, &str)]) -> Answer {
    aws.ec2("CreateVpcEndpoint", &[&[("VpcId", vpc)], parameters].concat()).await
}

#[tokio::test]
async fn an_endpoint_takes_what_its_type_takes() {
    let aws = shared().await;
    let Network { vpc, one, .. } = aws.network().await;
    let zone = aws.subnet(&vpc, "10.0.9.0/24", "us-east-1a").await;
    let table = aws.ec2("CreateRouteTable", &[("VpcId", &vpc)]).await.ok().get("routeTableId");
    create(&aws, &vpc, &[]).await.refused("MissingParameter");
    create(&aws, &vpc, &[("ServiceName", "com.amazonaws.eu-west-1.s3")]).await.refused("InvalidServiceName");
    create(&aws, &vpc, &[ECR]).await.refused("InvalidParameter");
    create(&aws, &vpc, &[S3, ("SubnetId.1", &one)]).await.refused("InvalidParameter");
    create(&aws, &vpc, &[ECR, INTERFACE, ("RouteTableId.1", &table)]).await.refused("InvalidParameter");
    let twice = [ECR, INTERFACE, ("SubnetId.1", &one), ("SubnetId.2", &zone)];
    create(&aws, &vpc, &twice).await.refused("DuplicateSubnetsInSameZone");
}

#[tokio::test]
async fn a_route_table_has_one_gateway_to_a_service() {
    let aws = shared().await;
    let vpc = aws.vpc("10.0.0.0/16").await;
    let table = aws.ec2("CreateRouteTable", &[("VpcId", &vpc)]).await.ok().get("routeTableId");
    let first = create(&aws, &vpc, &[S3, ("RouteTableId.1", &table)]).await.ok().get("vpcEndpointId");
    create(&aws, &vpc, &[S3, ("RouteTableId.1", &table)]).await.refused("RouteAlreadyExists");
    let second = create(&aws, &vpc, &[S3]).await.ok().get("vpcEndpointId");
    let add = [("VpcEndpointId", &*second), ("AddRouteTableId.1", &*table)];
    aws.ec2("ModifyVpcEndpoint", &add).await.refused("RouteAlreadyExists");
    aws.ec2("DeleteVpcEndpoints", &[("VpcEndpointId.1", &first)]).await.ok();
    aws.ec2("ModifyVpcEndpoint", &add).await.ok();
}

#[tokio::test]
async fn private_names_need_dns_and_lead_to_one_endpoint() {
    let aws = shared().await;
    let vpc = aws.vpc("10.0.0.0/16").await;
    let named = [ECR, INTERFACE, ("PrivateDnsEnabled", "true")];
    create(&aws, &vpc, &named).await.refused("InvalidParameter");
    let names = [("VpcId", &*vpc), ("EnableDnsHostnames.Value", "true")];
    aws.ec2("ModifyVpcAttribute", &names).await.ok();
    let first = create(&aws, &vpc, &named).await.ok();
    assert_eq!(first.get("privateDnsEnabled"), "true");
    create(&aws, &vpc, &named).await.refused("InvalidParameter");
    let second = create(&aws, &vpc, &[ECR, INTERFACE]).await.ok().get("vpcEndpointId");
    let change = [("VpcEndpointId", &*second), ("PrivateDnsEnabled", "true")];
    aws.ec2("ModifyVpcEndpoint", &change).await.refused("InvalidParameter");
}

#[tokio::test]
async fn an_endpoint_keeps_its_settings_and_its_groups() {
    let aws = shared().await;
    let Network { vpc, one, .. } = aws.network().await;
    let (group, other) = (aws.group(&vpc, "kept").await, aws.group(&vpc, "other").await);
    let parameters = [ECR, INTERFACE, ("SubnetId.1", &*one), ("SecurityGroupId.1", &*group), ("PolicyDocument", "{}")];
    let made = create(&aws, &vpc, &parameters).await.ok();
    let id = made.get("vpcEndpointId");
    assert_eq!((made.get("policyDocument"), made.get("groupId")), ("{}".to_owned(), group.clone()));
    aws.ec2("DeleteSecurityGroup", &[("GroupId", &group)]).await.refused("DependencyViolation");
    let change = [
        ("VpcEndpointId", &*id),
        ("AddSecurityGroupId.1", &*other),
        ("RemoveSecurityGroupId.1", &*group),
        ("ResetPolicy", "true"),
        ("IpAddressType", "dualstack"),
    ];
    aws.ec2("ModifyVpcEndpoint", &change).await.ok();
    let told = aws.ec2("DescribeVpcEndpoints", &[("VpcEndpointId.1", &id)]).await.ok();
    assert_eq!((told.get("groupId"), told.get("ipAddressType")), (other, "dualstack".to_owned()));
    assert!(told.get("policyDocument").contains("Allow"), "{}", told.text);
    aws.ec2("DeleteSecurityGroup", &[("GroupId", &group)]).await.ok();
}

#[tokio::test]
async fn a_deletion_says_what_was_not_there() {
    let aws = shared().await;
    let vpc = aws.vpc("10.0.0.0/16").await;
    for parameters in [&[S3][..], &[ECR, INTERFACE]] {
        let id = create(&aws, &vpc, parameters).await.ok().get("vpcEndpointId");
        let delete = [("VpcEndpointId.1", &*id)];
        assert_eq!(aws.ec2("DeleteVpcEndpoints", &delete).await.ok().get("code"), "");
        assert_eq!(aws.ec2("DeleteVpcEndpoints", &delete).await.ok().get("code"), "InvalidVpcEndpoint.NotFound");
    }
}

#[tokio::test]
async fn a_flow_log_has_a_destination_and_no_twin() {
    let aws = shared().await;
    let vpc = aws.vpc("10.0.0.0/16").await;
    let create = async |parameters: &[(&str, &str)]| {
        let own = [("ResourceId.1", &*vpc), ("ResourceType", "VPC"), ("TrafficType", "ALL")];
        aws.ec2("CreateFlowLogs", &[&own[..], parameters].concat()).await
    };
    let role = ("DeliverLogsPermissionArn", "arn:aws:iam::123456789012:role/logs");
    let bucket = [("LogDestinationType", "s3"), ("LogDestination", "arn:aws:s3:::logs")];
    let arn = "arn:aws:logs:us-east-1:123456789012:log-group:flow";
    create(&[("LogGroupName", "flow")]).await.refused("InvalidParameter");
    create(&[role]).await.refused("InvalidParameter");
    create(&[role, ("LogDestination", &format!("{arn}:*"))]).await.refused("InvalidParameter");
    create(&[bucket[0], bucket[1], role]).await.refused("InvalidParameter");
    let id = create(&[role, ("LogGroupName", "flow")]).await.ok().get("item");
    create(&[role, ("LogDestination", arn)]).await.refused("FlowLogAlreadyExists");
    create(&bucket).await.ok();
    create(&bucket).await.refused("FlowLogAlreadyExists");
    let told = aws.ec2("DescribeFlowLogs", &[("FlowLogId.1", &id)]).await.ok();
    assert_eq!((told.get("logDestination"), told.get("logGroupName")), (arn.to_owned(), "flow".to_owned()));
    assert_eq!(
        (told.get("maxAggregationInterval"), told.get("deliverLogsPermissionArn")),
        ("600".into(), role.1.into())
    );
}

#[tokio::test]
async fn an_openid_connect_provider_can_be_changed() {
    let aws = shared().await;
    let call =
        async |operation: &str, parameters: &[(&str, &str)]| aws.try_query("iam", operation, parameters).await.unwrap();
    let url = ("Url", "https://gitlab.example.com");
    let arn = call("CreateOpenIDConnectProvider", &[url, ("ClientIDList.member.1", "a"), ("Tags.member.1.Key", "x")])
        .await
        .ok()
        .get("OpenIDConnectProviderArn");
    let own = ("OpenIDConnectProviderArn", &*arn);
    call("AddClientIDToOpenIDConnectProvider", &[own, ("ClientID", "b")]).await.ok();
    call("RemoveClientIDFromOpenIDConnectProvider", &[own, ("ClientID", "a")]).await.ok();
    call("UpdateOpenIDConnectProviderThumbprint", &[own, ("ThumbprintList.member.1", "c")]).await.ok();
    call("TagOpenIDConnectProvider", &[own, ("Tags.member.1.Key", "y"), ("Tags.member.1.Value", "z")]).await.ok();
    call("UntagOpenIDConnectProvider", &[own, ("TagKeys.member.1", "x")]).await.ok();
    let told = call("GetOpenIDConnectProvider", &[own]).await.ok();
    assert_eq!((told.all("member").len(), told.get("Url")), (3, "gitlab.example.com".to_owned()));
    assert!(told.text.contains("<member>b</member>") && told.text.contains("<member>c</member>"), "{}", told.text);
    assert_eq!((told.all("Key"), told.all("Value")), (vec!["y".to_owned()], vec!["z".to_owned()]));
    call("DeleteOpenIDConnectProvider", &[own]).await.ok();
    call("TagOpenIDConnectProvider", &[own]).await.refused("NoSuchEntity");
}
