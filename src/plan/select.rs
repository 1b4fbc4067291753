//! Which resources a run is about: targets with what they need, without what is excluded.

use std::collections::{BTreeSet, HashSet};

use super::Options;
use super::ledger::Ledger;
use crate::address::Address;
use crate::diagnostic::{Diagnostic, Severity};
use crate::stack::Graph;

/// Which resources a run is about.
#[derive(Debug)]
pub(crate) struct Selection {
    nodes: Vec<bool>,
    /// Addresses on record that are not to be touched, of those that the graph does not have.
    untouched: HashSet<Address>,
}

impl Selection {
    /// Applies `--target` and `--exclude`.
    ///
    /// # Errors
    /// One of them names nothing that there is.
    pub(crate) fn new(graph: &Graph, ledger: &Ledger<'_>, options: &Options) -> Result<Self, Vec<Diagnostic>> {
        let all = graph.nodes().len();
        if let Some(nodes) = graph.pinned() {
            let untouched = ledger.addresses().into_iter().filter(|address| graph.index(address).is_none());
            return Ok(Self { nodes, untouched: untouched.cloned().collect() });
        }
        if options.targets.is_empty() && options.excludes.is_empty() {
            return Ok(Self { nodes: vec![true; all], untouched: HashSet::new() });
        }
        let errors = unmatched(graph, ledger, options);
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut nodes = vec![options.targets.is_empty(); all];
        let mut gone: BTreeSet<&Address> = ledger.addresses();
        if !options.destroy {
            gone.retain(|address| graph.index(address).is_none());
        }
        let mut chosen: BTreeSet<&Address> = gone.clone();
        let dependents = ledger.dependents();
        let using = |address: &Address| dependents.get(address).into_iter().flatten().copied();
        if !options.targets.is_empty() {
            let seeds = gone.iter().copied().filter(|address| within(address, &options.targets));
            chosen = closure(seeds, using);
            for (index, node) in graph.nodes().iter().enumerate() {
                nodes[index] = within(&node.address, &options.targets) || chosen.contains(&node.address);
            }
            for index in (0..all).rev() {
                if nodes[index] {
                    graph.nodes()[index].dependencies.iter().for_each(|dependency| nodes[*dependency] = true);
                }
            }
        }
        if !options.excludes.is_empty() {
            let mut excluded = vec![false; all];
            for (index, node) in graph.nodes().iter().enumerate() {
                excluded[index] = within(&node.address, &options.excludes)
                    || node.dependencies.iter().any(|dependency| excluded[*dependency]);
                nodes[index] &= !excluded[index];
            }
            // What stays goes on using what it used.
            let stays = ledger.records.keys().filter(|address| match graph.index(address) {
                Some(node) if !options.destroy => !nodes[node],
                _ => within(address, &options.excludes),
            });
            let used = |address: &Address| {
                let record = ledger.records.get(address).map(|managed| &managed.record.dependencies);
                record.into_iter().flatten().map(|dependency| ledger.now(dependency))
            };
            let kept = closure(stays, used);
            chosen.retain(|address| !kept.contains(address) && !within(address, &options.excludes));
        }
        let untouched = gone.into_iter().filter(|address| !chosen.contains(address)).cloned().collect();
        Ok(Self { nodes, untouched })
    }

    /// Whether the run is about this node of the graph.
    pub(crate) fn has_node(&self, node: usize) -> bool {
        self.nodes[node]
    }

    /// Whether what is on record at an address that the graph does not have (in a destroy: at any) may be deleted.
    pub(crate) fn has_recorded(&self, address: &Address) -> bool {
        !self.untouched.contains(address)
    }
}

fn within(address: &Address, any: &[Address]) -> bool {
    any.iter().any(|outer| address.is_within(outer))
}

fn unmatched(graph: &Graph, ledger: &Ledger<'_>, options: &Options) -> Vec<Diagnostic> {
    let flags = [("--target", &options.targets), ("--exclude", &options.excludes)];
    let named = flags.into_iter().flat_map(|(flag, addresses)| addresses.iter().map(move |address| (flag, address)));
    let exists = |wanted: &Address| {
        graph.nodes().iter().any(|node| node.address.is_within(wanted))
            || ledger.addresses().iter().any(|address| address.is_within(wanted))
    };
    named
        .filter(|(_, address)| !exists(address))
        .map(|(flag, address)| Diagnostic {
            severity: Severity::Error,
            message: format!("{flag} `{address}` names nothing in the stack or its state"),
            span: None,
            label: None,
            related: Vec::new(),
            notes: Vec::new(),
            help: None,
            file: None,
        })
        .collect()
}

/// `seeds` and everything that `next` leads to from them.
fn closure<'a, I: Iterator<Item = &'a Address>>(
    seeds: impl Iterator<Item = &'a Address>,
    next: impl Fn(&'a Address) -> I,
) -> BTreeSet<&'a Address> {
    let mut open: Vec<&Address> = seeds.collect();
    let mut reached = BTreeSet::new();
    while let Some(address) = open.pop() {
        if reached.insert(address) {
            open.extend(next(address));
        }
    }
    reached
}
