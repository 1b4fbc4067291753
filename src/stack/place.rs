//! Where in its files a graph's property stands, and what it refers to.

use std::cell::RefCell;

use super::dependencies::{Follower, Nodes};
use super::document::EntryKind;
use super::expression::{Template, Tree};
use super::graph::NoAttributes;
use super::scope::Session;
use super::{Graph, deploy};
use crate::address::Address;
use crate::diagnostic::{Place, Span};

impl Graph {
    /// Where the property at `path` of the resource at `address` is written, or the nearest around it that is; `path` is
    /// as a plan has it, `NetworkConfiguration.AwsvpcConfiguration.Subnets`.
    pub fn property_place(&self, address: &Address, path: &str) -> Option<Place> {
        self.property_span(self.index(address)?, path).map(Span::place)
    }

    /// The span of [`Graph::property_place`].
    pub fn property_span(&self, node: usize, path: &str) -> Option<&Span> {
        let entry = self.definitions.get(node)?.entry();
        let EntryKind::Resource { properties, .. } = &entry.kind else { return None };
        let by_deploy = entry.deploy.as_ref().and_then(|deploy| deploy::word_of(deploy, path));
        by_deploy.or_else(|| nearest(properties, path).0)
    }

    /// What follows references from properties to resources.
    pub fn references(&self) -> References<'_> {
        let mut follower = Follower::default();
        follower.nodes.clone_from(&self.by_address);
        References { graph: self, session: Session::new(&self.world, &NoAttributes), follower: RefCell::new(follower) }
    }
}

/// Follows references from properties to the resources behind them, through locals, inputs and outputs.
pub struct References<'g> {
    graph: &'g Graph,
    session: Session<'g>,
    follower: RefCell<Follower>,
}

impl References<'_> {
    /// The resources that the property at `path` of a node refers to; all that stands around it refers to, where the stack
    /// writes no such property.
    pub fn of(&self, node: usize, path: &str) -> Vec<usize> {
        let Some(definition) = self.graph.definitions.get(node) else { return Vec::new() };
        let EntryKind::Resource { properties, .. } = &definition.entry().kind else { return Vec::new() };
        let (_, template) = nearest(properties, path);
        let mut found = Nodes::new();
        let (frame, each) = (&definition.frame, definition.each.as_deref());
        self.session.reset();
        self.follower.borrow_mut().template(&self.session, frame, each, template, &mut found);
        found.into_iter().collect()
    }
}

/// What is written at `path`, or the nearest around it that is, and its place.
fn nearest<'t>(properties: &'t Template, path: &str) -> (Option<&'t Span>, &'t Template) {
    let mut found: Option<&Span> = None;
    let mut template: &Template = properties;
    for segment in path.split(['.', '[']) {
        template = match &template.tree {
            Tree::Map(entries) => {
                let Some((_, span, value)) = entries.iter().find(|(key, ..)| key == segment) else { break };
                found = Some(span);
                value
            }
            Tree::List(items) => {
                let index = segment.strip_suffix(']').and_then(|index| index.parse::<usize>().ok());
                let Some(item) = index.and_then(|index| items.get(index)) else { break };
                found = Some(&item.span);
                item
            }
            _ => break,
        };
    }
    (found, template)
}

#[cfg(test)]
mod tests {
    use crate::address::Address;
    use crate::cloud::fake::catalog::catalog;
    use crate::stack::{Answers, Options, load};

    #[test]
    fn a_property_has_its_own_line_or_the_nearest_around_it() {
        let folder = tempfile::tempdir().expect("folder");
        let text = "stack: shop\nregion: us-east-1\nresources:\n  Web:\n    type: Test::App::Service\n    properties:\n      \
                    Containers:\n        - Name: a\n          Image: x\n          Environment: \"${{'A': 'b'}}\"\n";
        std::fs::write(folder.path().join("stack.yaml"), text).expect("write");
        let checked =
            load(folder.path(), &Options::default(), &catalog()).unwrap_or_else(|errors| panic!("{errors:?}"));
        let Ok(graph) = checked.graph(&Answers::new()) else { panic!("no graph") };
        for (path, line) in [
            ("Containers", Some(7)),
            ("Containers[0].Image", Some(9)),
            ("Containers[0].Environment.A", Some(10)),
            ("Containers[7].Image", Some(7)),
            ("Tags", None),
        ] {
            let place = graph.property_place(&Address::from("Web"), path);
            assert_eq!(place.map(|place| place.line), line, "{path}");
        }
        assert_eq!(graph.property_place(&Address::from("Gone"), "Containers"), None);
    }
}
