//! What somebody else put into a network of ours: its deletion says what that is.

use std::time::Duration;

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
