//! A stack of which some resources are to be as they are given, and nothing else is looked at.

use std::collections::BTreeMap;

use super::Graph;
use super::expression::{Template, Tree};
use crate::address::Address;
use crate::value::Value;

/// What a resource is to be, whatever the stack's files say.
#[derive(Clone, Debug)]
pub struct Pinned {
    /// Its properties.
    pub properties: Value,
    /// Those that are nevertheless as the files say: references to what is made anew.
    pub open: Vec<String>,
}

impl Graph {
    /// Pins resources: a plan is then about them alone.
    pub fn pin(&mut self, pins: BTreeMap<Address, Pinned>) {
        self.pinned = pins.into_iter().filter_map(|(address, pinned)| Some((self.index(&address)?, pinned))).collect();
    }

    /// The nodes that a plan is about, where not about all.
    pub(crate) fn pinned(&self) -> Option<Vec<bool>> {
        let pinned = |node: usize| self.pinned.contains_key(&node);
        (!self.pinned.is_empty()).then(|| (0..self.nodes.len()).map(pinned).collect())
    }
}

/// The part of a template that says what the properties `open` are.
pub(super) fn open_part(template: &Template, open: &[String]) -> Template {
    let tree = match &template.tree {
        Tree::Map(entries) => Tree::Map(entries.iter().filter(|(name, ..)| open.contains(name)).cloned().collect()),
        other => other.clone(),
    };
    Template { tree, ..template.clone() }
}
