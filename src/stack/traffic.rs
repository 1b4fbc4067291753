//! The listeners and rules whose traffic ECS moves: what their weights are is its own, once they are made.

use super::{Graph, NoAttributes, deploy};
use crate::value::Value;

/// The types that a deployment moves traffic with, and what of each it changes.
const MOVED: [(&str, &str); 2] = [
    ("AWS::ElasticLoadBalancingV2::Listener", "DefaultActions"),
    ("AWS::ElasticLoadBalancingV2::ListenerRule", "Actions"),
];

/// Has the actions that deployments of the stack's services change ignored once they are made, as `lifecycle.ignore` does.
/// Whatever the strategy is now: a rolling update after a blue/green one leaves the traffic where that has moved it, and the
/// weights that the stack gives may lead to a target group without a task.
pub(super) fn leave_to_ecs(graph: &mut Graph) {
    let services = graph.nodes.iter().enumerate().filter(|(_, node)| deploy::applies(node.kind.name));
    let services: Vec<usize> =
        services.map(|(index, _)| index).filter(|index| deployed_by_ecs(graph, *index)).collect();
    if services.is_empty() {
        return;
    }
    let mut left = Vec::new();
    let references = graph.references();
    for index in services {
        // Of a service's load balancers, nothing but the rules that traffic is moved with is of these types.
        for referred in references.of(index, "LoadBalancers") {
            let name = graph.nodes[referred].kind.name;
            left.extend(MOVED.iter().find(|(kind, _)| *kind == name).map(|(_, property)| (referred, *property)));
        }
    }
    drop(references);
    for (node, property) in left {
        let ignore = &mut graph.nodes[node].lifecycle.ignore;
        if !ignore.iter().any(|ignored| ignored == property) {
            ignore.push(property.to_owned());
        }
    }
}

/// Whether ECS itself deploys a service; so too where that can't be told yet.
fn deployed_by_ecs(graph: &Graph, service: usize) -> bool {
    let Ok(properties) = graph.properties(service, &NoAttributes) else { return false };
    match properties.at("DeploymentController.Type") {
        Some(Value::String(controller)) => controller == "ECS",
        _ => true,
    }
}
