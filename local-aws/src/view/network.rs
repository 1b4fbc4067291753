//! Networks and VPC endpoints: `pending` for a while.

use crate::call::Call;
use crate::clock::Wait;
use crate::facts::Facts;
use crate::xml::Element;

/// Where things that are pending stand in answers: created, listed, id, wait.
const PENDING: [(&str, &str, &str, &str, &str, Wait); 2] = [
    ("CreateVpc", "vpc", "DescribeVpcs", "vpcSet", "vpcId", Wait::VpcCreated),
    (
        "CreateVpcEndpoint",
        "vpcEndpoint",
        "DescribeVpcEndpoints",
        "vpcEndpointSet",
        "vpcEndpointId",
        Wait::VpcEndpointCreated,
    ),
];

pub(super) fn show(call: &Call, root: &mut Element, facts: &Facts<'_>) {
    for (create, thing, list, set, id, wait) in PENDING {
        let mut clock = facts.shared.clock();
        let mut items: Vec<&mut Element> = Vec::new();
        if call.operation == create {
            items.extend(root.at_mut(thing));
            // Gateway endpoints are only routes, and there at once.
            let waits = |item: &&mut Element| item.text_at("vpcEndpointType") != "Gateway";
            items.iter().filter(|item| waits(item)).for_each(|item| clock.begin(item.text_at(id), wait));
        } else if call.operation == list {
            items.extend(root.at_mut(set).into_iter().flat_map(|set| &mut set.children));
        } else {
            continue;
        }
        for item in items.into_iter().filter(|item| clock.waits(item.text_at(id), wait)) {
            item.set(Element::leaf("state", "pending"));
        }
    }
}
