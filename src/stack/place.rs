//! Where in its files a graph's property stands.

use super::Graph;
use super::document::EntryKind;
use super::expression::{Template, Tree};
use crate::address::Address;
use crate::diagnostic::{Place, Span};

impl Graph {
    /// Where the property at `path` of the resource at `address` is written, or the nearest around it that is; `path` is
    /// as a plan has it, `NetworkConfiguration.AwsvpcConfiguration.Subnets`.
    pub fn property_place(&self, address: &Address, path: &str) -> Option<Place> {
        let definition = self.definitions.get(self.index(address)?)?;
        let entry = definition.frame.unit.document.entries.get(definition.entry)?;
        let EntryKind::Resource { properties, .. } = &entry.kind else { return None };
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
        found.map(Span::place)
    }
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
