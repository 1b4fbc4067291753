//! Load balancers: their states, zones and network, and what goes with a deleted one.

use crate::call::Call;
use crate::clock::Wait;
use crate::error::AwsError;
use crate::facts::{self, Facts};
use crate::xml::Element;

pub(super) async fn show(call: &Call, result: &mut Element, facts: &Facts<'_>) -> Result<(), AwsError> {
    let created = call.operation == "CreateLoadBalancer";
    for item in result.at_mut("LoadBalancers").into_iter().flat_map(|set| &mut set.children) {
        let arn = item.text_at("LoadBalancerArn").to_owned();
        if created {
            facts.shared.clock().begin(&arn, Wait::LoadBalancerCreated);
        }
        if facts.shared.clock().waits(&arn, Wait::LoadBalancerCreated) {
            item.set(Element::new("State", vec![Element::leaf("Code", "provisioning")]));
        }
        item.set(Element::leaf("DNSName", facts.shared.traffic.dns_name(item)));
        let subnets = facts.ec2("DescribeSubnets").await?;
        let mut vpc = None;
        for zone in item.at_mut("AvailabilityZones").into_iter().flat_map(|set| &mut set.children) {
            let id = zone.text_at("SubnetId");
            let Some(subnet) = subnets.iter().find(|subnet| subnet.text_at("subnetId") == id) else { continue };
            vpc = Some(subnet.text_at("vpcId"));
            zone.set(Element::leaf("ZoneName", subnet.text_at("availabilityZone")));
        }
        if let Some(vpc) = vpc {
            item.set(Element::leaf("VpcId", vpc));
        }
    }
    Ok(())
}

/// Deletes the listeners, which AWS deletes along and the emulator keeps; and remembers the network interfaces, which
/// AWS keeps for a while.
pub(super) async fn before_deletion(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    let arn = call.parameter("LoadBalancerArn").unwrap_or_default();
    let balancers = facts.elb("DescribeLoadBalancers").await?;
    let Some(item) = balancers.iter().find(|item| item.text_at("LoadBalancerArn") == arn) else { return Ok(()) };
    for listener in facts.elb("DescribeListeners").await?.iter() {
        if listener.text_at("LoadBalancerArn") == arn {
            facts.elb_call("DeleteListener", &[("ListenerArn", listener.text_at("ListenerArn"))]).await?;
        }
    }
    facts.shared.memory().departed.insert(arn.into(), (facts::load_balancer(item), Wait::LoadBalancerDeleted));
    facts.shared.clock().begin(arn, Wait::LoadBalancerDeleted);
    Ok(())
}
