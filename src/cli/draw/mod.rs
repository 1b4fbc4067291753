//! A stack as a picture: what there is, what it depends on, and which component it stands in.

mod dot;
mod layout;
mod mermaid;
mod svg;

pub(super) use dot::dot;
pub(super) use mermaid::mermaid;
pub(super) use svg::svg;

use std::collections::BTreeSet;

use crate::address::Address;
use crate::stack::Graph;

/// What is drawn of a stack.
#[derive(Debug)]
pub(super) struct Picture {
    /// The stack's name.
    pub(super) title: String,
    /// The resources, what one depends on before it.
    pub(super) vertices: Vec<Vertex>,
    /// From a resource to one that it depends on; one that follows from others is left out.
    pub(super) edges: Vec<(usize, usize)>,
    /// Components; an outer one stands before those in it.
    pub(super) clusters: Vec<Cluster>,
}

/// A resource.
#[derive(Debug)]
pub(super) struct Vertex {
    /// Its name inside its component.
    pub(super) name: String,
    /// Its type without `AWS::`.
    pub(super) kind: String,
    /// The component it stands in.
    pub(super) cluster: Option<usize>,
}

/// A component.
#[derive(Debug)]
pub(super) struct Cluster {
    /// Its name inside the component around it.
    pub(super) name: String,
    /// The component around it.
    pub(super) parent: Option<usize>,
}

impl Picture {
    /// The picture of a graph.
    pub(super) fn of(graph: &Graph) -> Self {
        let nodes = graph.nodes().iter();
        let vertices: Vec<_> =
            nodes.map(|node| (node.address.clone(), node.kind.name, node.dependencies.clone())).collect();
        Self::new(graph.stack(), &vertices)
    }

    /// The picture of resources: address, type, and the indices of those it depends on, which stand before it.
    fn new(title: &str, nodes: &[(Address, &str, Vec<usize>)]) -> Self {
        let mut clusters = Vec::new();
        let mut known: Vec<Address> = Vec::new();
        let vertices = nodes
            .iter()
            .map(|(address, kind, _)| {
                let parent = address.parent();
                Vertex {
                    name: local_name(address, parent.as_ref()),
                    kind: kind.strip_prefix("AWS::").unwrap_or(kind).to_owned(),
                    cluster: parent.map(|parent| cluster(&parent, &mut clusters, &mut known)),
                }
            })
            .collect();
        Self { title: title.to_owned(), vertices, edges: reduced(nodes), clusters }
    }
}

fn local_name(address: &Address, parent: Option<&Address>) -> String {
    let skip = parent.map_or(0, |parent| parent.as_str().len() + 1);
    address.as_str()[skip..].to_owned()
}

/// The index of the cluster of `component`, made with those around it where it is new.
fn cluster(component: &Address, clusters: &mut Vec<Cluster>, known: &mut Vec<Address>) -> usize {
    if let Some(index) = known.iter().position(|one| one == component) {
        return index;
    }
    let outer = component.parent();
    let parent = outer.as_ref().map(|outer| cluster(outer, clusters, known));
    clusters.push(Cluster { name: local_name(component, outer.as_ref()), parent });
    known.push(component.clone());
    clusters.len() - 1
}

/// The dependencies without those that follow from others.
fn reduced(nodes: &[(Address, &str, Vec<usize>)]) -> Vec<(usize, usize)> {
    let mut reach: Vec<BTreeSet<usize>> = Vec::with_capacity(nodes.len());
    let mut edges = Vec::new();
    for (index, (_, _, dependencies)) in nodes.iter().enumerate() {
        let through: BTreeSet<usize> =
            dependencies.iter().flat_map(|dependency| reach[*dependency].iter().copied()).collect();
        let direct = dependencies.iter().filter(|dependency| !through.contains(dependency));
        edges.extend(direct.map(|dependency| (index, *dependency)));
        reach.push(through.into_iter().chain(dependencies.iter().copied()).collect());
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small system with nested components and keys that need quoting.
    pub(super) fn sample() -> Picture {
        let nodes = [
            ("Vpc", "AWS::EC2::VPC", vec![]),
            (r#"Subnet["us-east-1a"]"#, "AWS::EC2::Subnet", vec![0]),
            (r#"Subnet["us-east-1b"]"#, "AWS::EC2::Subnet", vec![0]),
            ("Cluster", "AWS::ECS::Cluster", vec![]),
            ("Api.Group", "AWS::EC2::SecurityGroup", vec![0]),
            ("Api.Web.Task", "AWS::ECS::TaskDefinition", vec![]),
            ("Api.Web.Service", "AWS::ECS::Service", vec![0, 1, 2, 3, 4, 5]),
            (r#"Queue["<mail>"].Main"#, "AWS::SQS::Queue", vec![]),
        ];
        let nodes: Vec<_> =
            nodes.into_iter().map(|(address, kind, after)| (Address::from(address), kind, after)).collect();
        Picture::new("notification", &nodes)
    }

    #[test]
    fn an_edge_that_follows_from_others_is_left_out() {
        assert_eq!(sample().edges, [(1, 0), (2, 0), (4, 0), (6, 1), (6, 2), (6, 3), (6, 4), (6, 5)]);
    }

    #[test]
    fn mermaid_text() {
        insta::assert_snapshot!(mermaid(&sample()));
    }

    #[test]
    fn dot_text() {
        insta::assert_snapshot!(dot(&sample()));
    }
}
