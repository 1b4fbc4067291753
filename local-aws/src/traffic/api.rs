//! RegisterTargets, DeregisterTargets and DescribeTargetHealth, for the target groups whose targets are addresses.

use std::net::IpAddr;

use crate::call::Call;
use crate::error::AwsError;
use crate::facts::Facts;
use crate::traffic::groups::{Served, Target};
use crate::traffic::health::{Health, HealthState};
use crate::xml::Element;

/// A target as a call names it.
struct Named {
    target: Target,
    zone: Option<String>,
}

/// Answers `call`, if it is about targets that are known here.
pub(crate) async fn answer(call: &Call, facts: &Facts<'_>) -> Result<Option<Element>, AwsError> {
    let operation = call.operation.as_str();
    if !["DeregisterTargets", "DescribeTargetHealth", "RegisterTargets"].contains(&operation) {
        return Ok(None);
    }
    let arn = call.parameter("TargetGroupArn").unwrap_or_default();
    let groups = facts.elb("DescribeTargetGroups").await?;
    let group = groups.iter().find(|group| group.text_at("TargetGroupArn") == arn);
    // The emulator refuses what is not there, and keeps instances, functions and load balancers as it can.
    let Some(group) = group.filter(|group| group.text_at("TargetType") == "ip") else { return Ok(None) };
    let named = named(call, group)?;
    let traffic = &facts.shared.traffic;
    let mut result = Element::new(&format!("{operation}Result"), vec![]);
    match operation {
        "RegisterTargets" => {
            for Named { target, zone } in named {
                traffic.register_in(arn, target, zone, Served::Probed);
            }
        }
        "DeregisterTargets" => {
            for Named { target, .. } in &named {
                if traffic.is_drained(arn, *target) {
                    let message =
                        format!("The target '{}' is not registered with target group '{arn}'", target.address);
                    return Err(AwsError::refused("InvalidTarget", message));
                }
            }
            for Named { target, .. } in named {
                traffic.deregister(arn, target);
            }
        }
        _ => result.children.push(descriptions(arn, group, &named, facts).await),
    }
    Ok(Some(Element::new(&format!("{operation}Response"), vec![result])))
}

fn named(call: &Call, group: &Element) -> Result<Vec<Named>, AwsError> {
    let mut named = Vec::new();
    for index in 1.. {
        let part = |name: &str| call.parameter(&format!("Targets.member.{index}.{name}"));
        let Some(id) = part("Id") else { break };
        let refused = |message: String| AwsError::refused("ValidationError", message);
        let address: IpAddr =
            id.parse().map_err(|_| refused(format!("The IP address '{id}' is not a valid IPv4 or IPv6 address")))?;
        let port = part("Port").unwrap_or_else(|| group.text_at("Port"));
        let port = port.parse().map_err(|_| refused(format!("'{port}' is not a valid port")))?;
        named.push(Named { target: Target { address, port }, zone: part("AvailabilityZone").map(str::to_owned) });
    }
    Ok(named)
}

async fn descriptions(arn: &str, group: &Element, named: &[Named], facts: &Facts<'_>) -> Element {
    let traffic = &facts.shared.traffic;
    traffic.0.routes().await;
    let scale = traffic.0.scale();
    let mut listed = traffic.0.groups().list(arn, scale);
    if !named.is_empty() {
        let all = listed;
        listed = Vec::new();
        for Named { target, zone } in named {
            let own = all.iter().find(|(registered, ..)| registered == target).cloned();
            listed.push(own.unwrap_or_else(|| (*target, zone.clone(), Health::not_registered())));
        }
    }
    let members = listed.into_iter().map(|(target, zone, health)| {
        let mut own =
            vec![Element::leaf("Id", target.address.to_string()), Element::leaf("Port", target.port.to_string())];
        own.extend(zone.map(|zone| Element::leaf("AvailabilityZone", zone)));
        let port = group.text_at("HealthCheckPort");
        let port = if port.parse::<u16>().is_ok() { port.to_owned() } else { target.port.to_string() };
        Element::new(
            "member",
            vec![Element::new("Target", own), Element::leaf("HealthCheckPort", port), described(&health)],
        )
    });
    Element::new("TargetHealthDescriptions", members.collect())
}

fn described(health: &Health) -> Element {
    let mut parts = vec![Element::leaf("State", health.state.name())];
    if health.state != HealthState::Healthy {
        parts.push(Element::leaf("Reason", health.reason));
        parts.push(Element::leaf("Description", health.description.as_str()));
    }
    Element::new("TargetHealth", parts)
}
