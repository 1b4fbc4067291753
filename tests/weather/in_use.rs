//! What somebody else put into a network of ours: its deletion says what that is.

use std::time::Duration;

use aws_sdk_ec2::types::Filter;
use aws_sdk_ecs::types::{ContainerDefinition, LaunchType};
use aws_sdk_elasticloadbalancingv2::types::{self as elb, ActionTypeEnum, LoadBalancerSchemeEnum, ProtocolEnum};
use infra::aws::Aws;
use local_aws::{LocalAws, Options};

use super::APPROVED;
use crate::process::Infra;

#[tokio::test(flavor = "multi_thread")]
async fn what_others_put_into_a_network_is_named_and_stops_only_its_deletion() {
    let local = LocalAws::start(Options::default()).await.unwrap();
    let infra = Infra::new(&local, &["tests/locking/one.yaml"]);
    infra.run(&["apply"], APPROVED).await.expect(0);
    let aws = Aws::local("us-east-1", &local.endpoint()).await;
    let standing = local.control().inventory().await.unwrap();
    let id = |kind: &str| standing.iter().find(|item| item.kind == kind).unwrap().id.clone();
    let (vpc, subnet) = (id("AWS::EC2::VPC"), id("AWS::EC2::Subnet"));

    let by_hand = aws.ec2().create_security_group().group_name("bastion").description("by hand").vpc_id(&vpc);
    let group = by_hand.send().await.unwrap().group_id().unwrap().to_owned();
    let by_hand = aws.ec2().create_network_interface().subnet_id(&subnet).description("bastion").groups(&group);
    let interface = by_hand.send().await.unwrap();
    let interface = interface.network_interface().unwrap().network_interface_id().unwrap();

    let refused = infra.run(&["destroy"], APPROVED).await.expect(1);
    let held =
        format!("(held by network interface {interface} (bastion), not of this stack, nor of any other of infra)");
    let refused = refused.says(&[
        "DependencyViolation",
        &held,
        "remove that first",
        "4 deleted",
        "because of Subnet: Vpc Failed",
    ]);
    assert!(refused.took < Duration::from_secs(20), "it does not wait for what nobody deletes: {refused}");

    aws.ec2().delete_network_interface().network_interface_id(interface).send().await.unwrap();
    let held = format!("(held by security group {group} (bastion), not of this stack, nor of any other of infra)");
    infra.run(&["destroy"], APPROVED).await.expect(1).says(&["DependencyViolation", &held]);
    aws.ec2().delete_security_group().group_id(&group).send().await.unwrap();
    infra.run(&["destroy"], APPROVED).await.expect(0);
    assert_eq!(local.control().inventory().await.unwrap(), []);
    local.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_hold_is_named_whatever_it_is() {
    let local = LocalAws::start(Options::default()).await.unwrap();
    let infra = Infra::new(&local, &["tests/weather/held.yaml"]);
    infra.run(&["apply"], APPROVED).await.expect(0);
    let aws = Aws::local("us-east-1", &local.endpoint()).await;
    let standing = local.control().inventory().await.unwrap();
    let ids = |kind: &str| -> Vec<String> {
        standing.iter().filter(|item| item.kind == kind).map(|item| item.id.clone()).collect()
    };
    let id = |kind: &str| ids(kind).remove(0);
    let subnets = ids("AWS::EC2::Subnet");

    // Not the main one, which every network has.
    let ours = Filter::builder().name("tag:infra:stack").values("held").build();
    let tables = aws.ec2().describe_route_tables().filters(ours).send().await.unwrap().route_tables.unwrap();
    let by_hand = aws.ec2().associate_route_table().route_table_id(tables[0].route_table_id().unwrap());
    let by_hand = by_hand.subnet_id(&subnets[0]);
    let association = by_hand.send().await.unwrap().association_id.unwrap();

    let by_hand = aws.elb().create_load_balancer().name("theirs").set_subnets(Some(subnets.clone()));
    let balancers = by_hand.scheme(LoadBalancerSchemeEnum::Internal).send().await.unwrap().load_balancers.unwrap();
    let balancer = balancers[0].load_balancer_arn().unwrap();
    let forward = elb::Action::builder().r#type(ActionTypeEnum::Forward);
    let forward = forward.target_group_arn(id("AWS::ElasticLoadBalancingV2::TargetGroup")).build();
    let by_hand = aws.elb().create_listener().load_balancer_arn(balancer).protocol(ProtocolEnum::Http).port(80);
    let listener = by_hand.default_actions(forward).send().await.unwrap().listeners.unwrap();
    let listener = listener[0].listener_arn().unwrap();

    let container = ContainerDefinition::builder().name("a").image("a").essential(true).build();
    let by_hand = aws.ecs().register_task_definition().family("theirs").container_definitions(container);
    let task = by_hand.send().await.unwrap().task_definition.unwrap().task_definition_arn.unwrap();
    let cluster = id("AWS::ECS::Cluster");
    let by_hand = aws.ecs().create_service().cluster(&cluster).service_name("theirs").desired_count(0);
    by_hand.task_definition(&task).launch_type(LaunchType::Ec2).send().await.unwrap();

    let theirs = "not of this stack, nor of any other of infra";
    let refused = infra.run(&["destroy"], APPROVED).await.expect(1);
    refused.says(&[
        &format!("(held by association {association} (of {}), {theirs})", subnets[0]),
        &format!("(held by a listener or rule of load balancer {balancer}, {theirs})"),
        &format!("(held by service theirs, {theirs})"),
    ]);

    aws.ec2().disassociate_route_table().association_id(&association).send().await.unwrap();
    aws.elb().delete_listener().listener_arn(listener).send().await.unwrap();
    aws.elb().delete_load_balancer().load_balancer_arn(balancer).send().await.unwrap();
    aws.ecs().delete_service().cluster(&cluster).service("theirs").force(true).send().await.unwrap();
    aws.ecs().deregister_task_definition().task_definition(&task).send().await.unwrap();
    infra.run(&["destroy"], APPROVED).await.expect(0);
    local.stop().await;
}
