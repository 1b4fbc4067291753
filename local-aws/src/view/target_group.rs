//! Target groups: the load balancers that forward to them, those of rules included.

use std::collections::BTreeSet;

use crate::error::AwsError;
use crate::facts::Facts;
use crate::strict::target_group::users;
use crate::xml::Element;

pub(super) async fn show(result: &mut Element, facts: &Facts<'_>) -> Result<(), AwsError> {
    for item in result.at_mut("TargetGroups").into_iter().flat_map(|set| &mut set.children) {
        let users = users(item.text_at("TargetGroupArn"), facts).await?;
        let balancers: BTreeSet<String> = users.iter().filter_map(|arn| balancer(arn)).collect();
        let members = balancers.into_iter().map(|arn| Element::leaf("member", arn)).collect();
        item.set(Element::new("LoadBalancerArns", members));
    }
    Ok(())
}

/// Returns the load balancer of a listener or rule: `…:listener/app/name/id/…` belongs to `…:loadbalancer/app/name/id`.
fn balancer(arn: &str) -> Option<String> {
    let (head, tail) = arn.split_once(":listener-rule/").or_else(|| arn.split_once(":listener/"))?;
    let tail: Vec<&str> = tail.split('/').take(3).collect();
    Some(format!("{head}:loadbalancer/{}", tail.join("/")))
}
