//! What EC2 refuses.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use support::{Aws, Network, shared};

#[tokio::test]
async fn a_network_has_a_size_that_aws_takes() {
    let aws = shared().await;
    aws.ec2("CreateVpc", &[("CidrBlock", "10.0.0.0/8")]).await.refused("InvalidVpc.Range");
    aws.ec2("CreateVpc", &[("CidrBlock", "10.0.0.0/29")]).await.refused("InvalidVpc.Range");
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let aws = shared().await;
    let vpc = aws.vpc("10.0.0.0/16").await;
    let dry = ("DryRun", "true");
    aws.ec2("DeleteVpc", &[("VpcId", &vpc), dry]).await.refused("DryRunOperation");
    aws.ec2("DescribeVpcs", &[("VpcId.1", &vpc), dry]).await.refused("DryRunOperation");
    aws.ec2("CreateVpc", &[("CidrBlock", "10.0.0.0/8"), dry]).await.refused("InvalidVpc.Range");
    aws.ec2("DescribeVpcs", &[("VpcId.1", &vpc)]).await.ok();
}

#[tokio::test]
async fn a_network_with_a_route_table_of_its_own_is_not_deleted() {
    let aws = shared().await;
    let vpc = aws.vpc("10.0.0.0/16").await;
    let table = aws.ec2("CreateRouteTable", &[("VpcId", &vpc)]).await.ok().get("routeTableId");
    aws.ec2("DeleteVpc", &[("VpcId", &vpc)]).await.refused("DependencyViolation");
    aws.ec2("DeleteRouteTable", &[("RouteTableId", &table)]).await.ok();
    aws.ec2("DeleteVpc", &[("VpcId", &vpc)]).await.ok();
}

#[tokio::test]
async fn a_subnet_lies_in_its_network_beside_the_others() {
    let aws = shared().await;
    let vpc = aws.vpc("10.0.0.0/16").await;
    let create = async |cidr| aws.ec2("CreateSubnet", &[("VpcId", &vpc), ("CidrBlock", cidr)]).await;
    create("10.0.0.0/29").await.refused("InvalidSubnet.Range");
    create("10.1.0.0/24").await.refused("InvalidSubnet.Range");
    create("10.0.0.0").await.refused("InvalidParameterValue");
    create("10.0.1.0/24").await.ok();
    create("10.0.1.128/25").await.refused("InvalidSubnet.Conflict");
    create("10.0.0.0/23").await.refused("InvalidSubnet.Conflict");
    create("10.0.2.0/24").await.ok();
}

#[tokio::test]
async fn what_is_named_must_be_there() {
    let aws = shared().await;
    let vpc = aws.vpc("10.0.0.0/16").await;
    let missing = [("VpcId", "vpc-0123456789abcdef0")];
    aws.ec2("CreateSubnet", &[missing[0], ("CidrBlock", "10.0.0.0/24")]).await.refused("InvalidVpcID.NotFound");
    aws.ec2("CreateRouteTable", &missing).await.refused("InvalidVpcID.NotFound");
    let group = [missing[0], ("GroupName", "x"), ("GroupDescription", "x")];
    aws.ec2("CreateSecurityGroup", &group).await.refused("InvalidVpcID.NotFound");
    let subnet = [("SubnetId", "subnet-0123456789abcdef0"), ("ConnectivityType", "private")];
    aws.ec2("CreateNatGateway", &subnet).await.refused("InvalidSubnetID.NotFound");
    let table = aws.ec2("CreateRouteTable", &[("VpcId", &vpc)]).await.ok().get("routeTableId");
    let route =
        [("RouteTableId", &*table), ("DestinationCidrBlock", "0.0.0.0/0"), ("NatGatewayId", "nat-0123456789abcdef0")];
    aws.ec2("CreateRoute", &route).await.refused("InvalidNatGatewayID.NotFound");
    let named = [("VpcId", &*vpc), ("GroupName", "sg-0123456789abcdef0"), ("GroupDescription", "no id")];
    aws.ec2("CreateSecurityGroup", &named).await.ok();
}

#[tokio::test]
async fn a_subnet_with_network_interfaces_is_not_deleted() {
    let aws = shared().await;
    let network = aws.network().await;
    let gateway = private_gateway(&aws, &network.one).await;
    aws.ec2("DeleteSubnet", &[("SubnetId", &network.one)]).await.refused("DependencyViolation");
    aws.ec2("DeleteNatGateway", &[("NatGatewayId", &gateway)]).await.ok();
    aws.ec2("DeleteSubnet", &[("SubnetId", &network.one)]).await.ok();
    let group = aws.group(&network.vpc, "interfaces").await;
    let interface = [("SubnetId", &*network.two), ("SecurityGroupId.1", &group)];
    aws.ec2("CreateNetworkInterface", &interface).await.ok();
    aws.ec2("DeleteSubnet", &[("SubnetId", &network.two)]).await.refused("DependencyViolation");
    aws.ec2("DeleteSecurityGroup", &[("GroupId", &group)]).await.refused("DependencyViolation");
}

#[tokio::test]
async fn the_address_of_a_nat_gateway_is_not_released() {
    let aws = shared().await;
    let network = aws.network().await;
    let allocation = aws.ec2("AllocateAddress", &[("Domain", "vpc")]).await.ok().get("allocationId");
    let parameters = [("SubnetId", &*network.one), ("AllocationId", &allocation)];
    let gateway = aws.ec2("CreateNatGateway", &parameters).await.ok().get("natGatewayId");
    aws.ec2("ReleaseAddress", &[("AllocationId", &allocation)]).await.refused("InvalidIPAddress.InUse");
    let detach = [("InternetGatewayId", &*network.gateway), ("VpcId", &network.vpc)];
    aws.ec2("DetachInternetGateway", &detach).await.refused("DependencyViolation");
    aws.ec2("DeleteNatGateway", &[("NatGatewayId", &gateway)]).await.ok();
    aws.ec2("ReleaseAddress", &[("AllocationId", &allocation)]).await.ok();
    aws.ec2("DetachInternetGateway", &detach).await.ok();
}

#[tokio::test]
async fn a_nat_gateway_tells_its_address_and_its_failure() {
    let aws = shared().await;
    let Network { vpc, one, two, .. } = aws.network().await;
    let address = aws.ec2("AllocateAddress", &[("Domain", "vpc")]).await.ok();
    let (allocation, ip) = (address.get("allocationId"), address.get("publicIp"));
    let create = async |subnet: &str| {
        let answer = aws.ec2("CreateNatGateway", &[("SubnetId", subnet), ("AllocationId", &allocation)]).await.ok();
        aws.ec2("DescribeNatGateways", &[("NatGatewayId.1", &answer.get("natGatewayId"))]).await.ok()
    };
    let good = create(&one).await;
    assert_eq!(
        [good.get("state"), good.get("publicIp"), good.get("allocationId")],
        ["available".into(), ip, allocation.clone()]
    );
    assert!(good.get("privateIp").starts_with("10.0.0."), "{}", good.text);
    let held = aws.ec2("DescribeAddresses", &[("AllocationId.1", &allocation)]).await.ok();
    assert_eq!(held.get("associationId"), good.get("associationId"));
    assert!(held.get("networkInterfaceId").starts_with("eni-"));
    let second = create(&two).await;
    assert_eq!([second.get("state"), second.get("failureCode")], ["failed", "Resource.AlreadyAssociated"]);
    let cut_off = aws.vpc("10.9.0.0/16").await;
    assert_ne!(cut_off, vpc);
    let subnet = aws.subnet(&cut_off, "10.9.0.0/24", "us-east-1a").await;
    let other = aws.ec2("AllocateAddress", &[("Domain", "vpc")]).await.ok().get("allocationId");
    let third = aws.ec2("CreateNatGateway", &[("SubnetId", &subnet), ("AllocationId", &other)]).await.ok();
    assert_eq!([third.get("state"), third.get("failureCode")], ["failed", "Gateway.NotAttached"]);
}

#[tokio::test]
async fn an_attached_internet_gateway_is_not_deleted() {
    let aws = shared().await;
    let Network { vpc, gateway, .. } = aws.network().await;
    aws.ec2("DeleteInternetGateway", &[("InternetGatewayId", &gateway)]).await.refused("DependencyViolation");
    let second = aws.ec2("CreateInternetGateway", &[]).await.ok().get("internetGatewayId");
    let attach = [("InternetGatewayId", &*second), ("VpcId", &vpc)];
    aws.ec2("AttachInternetGateway", &attach).await.refused("InvalidParameterValue");
    aws.ec2("DetachInternetGateway", &attach).await.refused("Gateway.NotAttached");
    aws.ec2("DetachInternetGateway", &[("InternetGatewayId", &gateway), ("VpcId", &vpc)]).await.ok();
    aws.ec2("DeleteInternetGateway", &[("InternetGatewayId", &gateway)]).await.ok();
}

#[tokio::test]
async fn a_route_table_in_use_is_not_deleted() {
    let aws = shared().await;
    let Network { vpc, one, .. } = aws.network().await;
    let table = aws.ec2("CreateRouteTable", &[("VpcId", &vpc)]).await.ok().get("routeTableId");
    let associate = [("RouteTableId", &*table), ("SubnetId", &one)];
    let association = aws.ec2("AssociateRouteTable", &associate).await.ok().get("associationId");
    aws.ec2("AssociateRouteTable", &associate).await.refused("Resource.AlreadyAssociated");
    aws.ec2("DeleteRouteTable", &[("RouteTableId", &table)]).await.refused("DependencyViolation");
    aws.ec2("DisassociateRouteTable", &[("AssociationId", &association)]).await.ok();
    aws.ec2("DisassociateRouteTable", &[("AssociationId", &association)])
        .await
        .refused("InvalidAssociationID.NotFound");
    aws.ec2("DeleteRouteTable", &[("RouteTableId", &table)]).await.ok();
}

#[tokio::test]
async fn a_route_is_there_once_and_leads_into_its_own_network() {
    let aws = shared().await;
    let Network { vpc, gateway, .. } = aws.network().await;
    let table = aws.ec2("CreateRouteTable", &[("VpcId", &vpc)]).await.ok().get("routeTableId");
    let everywhere = [("RouteTableId", &*table), ("DestinationCidrBlock", "0.0.0.0/0")];
    let loose = aws.ec2("CreateInternetGateway", &[]).await.ok().get("internetGatewayId");
    let foreign = [&everywhere[..], &[("GatewayId", &loose)]].concat();
    aws.ec2("CreateRoute", &foreign).await.refused("InvalidParameterValue");
    let route = [&everywhere[..], &[("GatewayId", &gateway)]].concat();
    aws.ec2("ReplaceRoute", &route).await.refused("InvalidRoute.NotFound");
    aws.ec2("CreateRoute", &route).await.ok();
    aws.ec2("CreateRoute", &route).await.refused("RouteAlreadyExists");
    aws.ec2("DeleteRoute", &everywhere).await.ok();
    aws.ec2("DeleteRoute", &everywhere).await.refused("InvalidRoute.NotFound");
}

#[tokio::test]
async fn a_security_group_that_another_names_is_not_deleted() {
    let aws = shared().await;
    let vpc = aws.vpc("10.0.0.0/16").await;
    let (one, two) = (aws.group(&vpc, "one").await, aws.group(&vpc, "two").await);
    let rule = [
        ("GroupId", &*two),
        ("IpPermissions.1.IpProtocol", "tcp"),
        ("IpPermissions.1.FromPort", "80"),
        ("IpPermissions.1.ToPort", "80"),
        ("IpPermissions.1.Groups.1.GroupId", &one),
    ];
    aws.ec2("AuthorizeSecurityGroupIngress", &rule).await.ok();
    aws.ec2("DeleteSecurityGroup", &[("GroupId", &one)]).await.refused("DependencyViolation");
    aws.ec2("RevokeSecurityGroupIngress", &rule).await.ok();
    aws.ec2("DeleteSecurityGroup", &[("GroupId", &one)]).await.ok();
}

#[tokio::test]
async fn a_security_group_rule_is_there_once() {
    let aws = shared().await;
    let vpc = aws.vpc("10.0.0.0/16").await;
    let group = aws.group(&vpc, "rules").await;
    let permission =
        [("IpPermissions.1.IpProtocol", "tcp"), ("IpPermissions.1.FromPort", "80"), ("IpPermissions.1.ToPort", "80")];
    let rule = |cidrs: &[&'static str]| {
        let mut parameters = vec![("GroupId".to_owned(), group.clone())];
        parameters.extend(permission.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let cidrs = cidrs.iter().enumerate();
        parameters.extend(
            cidrs.map(|(at, cidr)| (format!("IpPermissions.1.IpRanges.{}.CidrIp", at + 1), (*cidr).to_owned())),
        );
        parameters
    };
    let send = async |action: &str, cidrs: &[&'static str]| {
        let parameters = rule(cidrs);
        let parameters: Vec<(&str, &str)> = parameters.iter().map(|(name, value)| (&**name, &**value)).collect();
        aws.ec2(action, &parameters).await
    };
    let made = send("AuthorizeSecurityGroupIngress", &["10.0.0.0/16", "10.1.0.0/16"]).await.ok();
    let ids = made.all("securityGroupRuleId");
    assert!(ids.len() == 2 && ids[0] != ids[1], "one rule for each source: {}", made.text);
    send("AuthorizeSecurityGroupIngress", &["10.0.0.0/16"]).await.refused("InvalidPermission.Duplicate");
    send("RevokeSecurityGroupIngress", &["10.0.0.0/16"]).await.ok();
    send("RevokeSecurityGroupIngress", &["10.0.0.0/16"]).await.refused("InvalidPermission.NotFound");
    let left = aws.ec2("DescribeSecurityGroups", &[("GroupId.1", &group)]).await.ok();
    assert!(left.text.contains("10.1.0.0/16") && !left.text.contains("10.0.0.0/16"), "{}", left.text);
    let everything = [
        ("GroupId", &*group),
        ("IpPermissions.1.IpProtocol", "-1"),
        ("IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0"),
    ];
    aws.ec2("AuthorizeSecurityGroupEgress", &everything).await.refused("InvalidPermission.Duplicate");
    aws.ec2("RevokeSecurityGroupEgress", &everything).await.ok();
}

#[tokio::test]
async fn a_client_token_makes_one_thing_only() {
    let aws = shared().await;
    let Network { vpc, one, .. } = aws.network().await;
    let table = [("VpcId", &*vpc), ("ClientToken", "a")];
    let first = aws.ec2("CreateRouteTable", &table).await.ok().get("routeTableId");
    assert_eq!(aws.ec2("CreateRouteTable", &table).await.ok().get("routeTableId"), first);
    let gateway = [("SubnetId", &*one), ("ConnectivityType", "private"), ("ClientToken", "a")];
    let first = aws.ec2("CreateNatGateway", &gateway).await.ok().get("natGatewayId");
    assert_eq!(aws.ec2("CreateNatGateway", &gateway).await.ok().get("natGatewayId"), first);
    let endpoint = [("VpcId", &*vpc), ("ServiceName", "com.amazonaws.us-east-1.s3"), ("ClientToken", "a")];
    let first = aws.ec2("CreateVpcEndpoint", &endpoint).await.ok().get("vpcEndpointId");
    assert_eq!(aws.ec2("CreateVpcEndpoint", &endpoint).await.ok().get("vpcEndpointId"), first);
    let other = [("VpcId", &*aws.vpc("10.1.0.0/16").await), ("ClientToken", "a")];
    aws.ec2("CreateRouteTable", &other).await.refused("IdempotentParameterMismatch");
    let second = [("VpcId", &*vpc), ("ClientToken", "b")];
    assert_ne!(aws.ec2("CreateRouteTable", &second).await.ok().get("routeTableId"), first);
}

#[tokio::test]
async fn filters_and_pages_select() {
    let aws = shared().await;
    let Network { vpc, one, .. } = aws.network().await;
    let tags = [("TagSpecification.1.ResourceType", "elastic-ip"), ("TagSpecification.1.Tag.1.Key", "op")];
    let tagged = async |value: &str| {
        let parameters = [&tags[..], &[("TagSpecification.1.Tag.1.Value", value)]].concat();
        aws.ec2("AllocateAddress", &parameters).await.ok().get("allocationId")
    };
    let (first, _second) = (tagged(&format!("{vpc}/1")).await, tagged(&format!("{vpc}/2")).await);
    let filter = async |operation: &str, name: &str, value: &str, id: &str| {
        aws.ec2(operation, &[("Filter.1.Name", name), ("Filter.1.Value.1", value)]).await.ok().all(id)
    };
    assert_eq!(filter("DescribeAddresses", "tag:op", &format!("{vpc}/1"), "allocationId").await, [&*first]);
    assert_eq!(filter("DescribeAddresses", "tag:op", &format!("{vpc}/*"), "allocationId").await.len(), 2);
    let interface = aws.ec2("CreateNetworkInterface", &[("SubnetId", &one)]).await.ok().get("networkInterfaceId");
    assert_eq!(filter("DescribeNetworkInterfaces", "vpc-id", &vpc, "networkInterfaceId").await, [interface]);
    let endpoint = [("VpcId", &*vpc), ("ServiceName", "com.amazonaws.us-east-1.s3")];
    let endpoint = aws.ec2("CreateVpcEndpoint", &endpoint).await.ok().get("vpcEndpointId");
    assert_eq!(filter("DescribeVpcEndpoints", "vpc-id", &vpc, "vpcEndpointId").await, [endpoint]);
    let table = aws.ec2("CreateRouteTable", &[("VpcId", &vpc)]).await.ok().get("routeTableId");
    assert_eq!(filter("DescribeRouteTables", "route-table-id", &table, "vpcId").await, [&*vpc]);
    let group = aws.group(&vpc, "filtered").await;
    assert_eq!(filter("DescribeSecurityGroups", "group-id", &group, "groupName").await, ["filtered"]);
    let unknown = [("Filter.1.Name", "vpcid"), ("Filter.1.Value.1", &*vpc)];
    aws.ec2("DescribeSubnets", &unknown).await.refused("InvalidParameterValue");
    let here = [("Filter.1.Name", "vpc-id"), ("Filter.1.Value.1", &*vpc), ("MaxResults", "1")];
    let page = aws.ec2("DescribeSubnets", &here).await.ok();
    let token = page.get("nextToken");
    let next = [&here[..], &[("NextToken", &token)]].concat();
    let rest = aws.ec2("DescribeSubnets", &next).await.ok();
    assert_eq!((page.all("subnetId").len(), rest.all("subnetId").len()), (1, 1));
    assert!(page.get("subnetId") != rest.get("subnetId") && rest.get("nextToken").is_empty());
}

#[tokio::test]
async fn an_id_that_is_not_there_is_an_error() {
    let aws = shared().await;
    let table = [
        ("DescribeAddresses", "AllocationId.1", "eipalloc-0123456789abcdef0", "InvalidAllocationID.NotFound"),
        ("DescribeNatGateways", "NatGatewayId.1", "nat-0123456789abcdef0", "NatGatewayNotFound"),
        (
            "DescribeNetworkInterfaces",
            "NetworkInterfaceId.1",
            "eni-0123456789abcdef0",
            "InvalidNetworkInterfaceID.NotFound",
        ),
        ("DescribeRouteTables", "RouteTableId.1", "rtb-0123456789abcdef0", "InvalidRouteTableID.NotFound"),
        ("DescribeVpcEndpoints", "VpcEndpointId.1", "vpce-0123456789abcdef0", "InvalidVpcEndpointId.NotFound"),
    ];
    for (operation, parameter, id, code) in table {
        aws.ec2(operation, &[(parameter, id)]).await.refused(code);
    }
}

#[tokio::test]
async fn tags_of_aws_are_refused() {
    let aws = shared().await;
    let vpc = aws.vpc("10.0.0.0/16").await;
    let tag = [("ResourceId.1", &*vpc), ("Tag.1.Key", "aws:x"), ("Tag.1.Value", "y")];
    aws.ec2("CreateTags", &tag).await.refused("InvalidParameterValue");
    let specification = [
        ("CidrBlock", "10.0.0.0/16"),
        ("TagSpecification.1.ResourceType", "vpc"),
        ("TagSpecification.1.Tag.1.Key", "AWS:x"),
        ("TagSpecification.1.Tag.1.Value", "y"),
    ];
    aws.ec2("CreateVpc", &specification).await.refused("InvalidParameterValue");
    let tags = serde_json::json!({"clusterName": "tagged", "tags": [{"key": "aws:x", "value": "y"}]});
    aws.ecs("CreateCluster", tags).await.refused("InvalidParameterException");
}

async fn private_gateway(aws: &Aws, subnet: &str) -> String {
    let parameters = [("SubnetId", subnet), ("ConnectivityType", "private")];
    aws.ec2("CreateNatGateway", &parameters).await.ok().get("natGatewayId")
}
