//! The state as the stack names it: what moved stands at its new address.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::address::{Address, OpId};
use crate::diagnostic::Diagnostic;
use crate::stack::Graph;
use crate::state::{Begun, Deposed, Record, State};

/// What is on record, by the addresses that the stack gives now.
#[derive(Debug, Default)]
pub(crate) struct Ledger<'s> {
    /// What is managed.
    pub(crate) records: BTreeMap<Address, Managed<'s>>,
    /// What is left of earlier incarnations.
    deposed: BTreeMap<Address, Vec<&'s Deposed>>,
    /// What an interrupted run began and did not end.
    pub(crate) begun: BTreeMap<Address, Vec<(&'s OpId, &'s Begun)>>,
    /// What moved: from → to.
    pub(crate) moves: BTreeMap<Address, Address>,
}

/// A resource on record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Managed<'s> {
    /// The record.
    pub(crate) record: &'s Record,
    /// The address under which it is on record.
    pub(crate) recorded_at: &'s Address,
}

impl<'s> Ledger<'s> {
    /// Applies the stack's `moved` to the state.
    ///
    /// # Errors
    /// Something stands already where something is moved to.
    pub(crate) fn new(graph: &Graph, state: &'s State) -> Result<Self, Vec<Diagnostic>> {
        let (moves, errors) = moves(graph, state);
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut ledger = Self { moves, ..Self::default() };
        for (address, record) in &state.resources {
            ledger.records.insert(ledger.now(address).clone(), Managed { record, recorded_at: address });
        }
        for (address, deposed) in &state.deposed {
            let address = ledger.now(address).clone();
            ledger.deposed.entry(address).or_default().extend(deposed);
        }
        for (op, begun) in &state.begun {
            let address = ledger.now(&begun.address).clone();
            ledger.begun.entry(address).or_default().push((op, begun));
        }
        Ok(ledger)
    }

    /// What is left of earlier incarnations of what stands at `address`.
    pub(crate) fn deposed(&self, address: &Address) -> &[&'s Deposed] {
        self.deposed.get(address).map(Vec::as_slice).unwrap_or_default()
    }

    /// The address that the stack gives now to what is on record at `address`.
    pub(crate) fn now<'a>(&'a self, address: &'a Address) -> &'a Address {
        self.moves.get(address).unwrap_or(address)
    }

    /// What was on record as depending on each address, deposed incarnations and what was only begun included; sorted.
    pub(crate) fn dependents(&self) -> HashMap<&Address, BTreeSet<&Address>> {
        let mut dependents: HashMap<&Address, BTreeSet<&Address>> = HashMap::new();
        let deposed = self
            .deposed
            .iter()
            .flat_map(|(address, deposed)| deposed.iter().map(move |old| (address, &old.dependencies)));
        let begun = self
            .begun
            .iter()
            .flat_map(|(address, begun)| begun.iter().map(move |(_, begun)| (address, &begun.dependencies)));
        let records = self.records.iter().map(|(address, managed)| (address, &managed.record.dependencies));
        for (address, dependencies) in records.chain(deposed).chain(begun) {
            for dependency in dependencies {
                let dependency = self.now(dependency);
                if dependency != address {
                    dependents.entry(dependency).or_default().insert(address);
                }
            }
        }
        dependents
    }

    /// All addresses at which something is on record.
    pub(crate) fn addresses(&self) -> BTreeSet<&Address> {
        self.records.keys().chain(self.deposed.keys()).chain(self.begun.keys()).collect()
    }
}

/// What of the state moves where, and what can't.
fn moves(graph: &Graph, state: &State) -> (BTreeMap<Address, Address>, Vec<Diagnostic>) {
    let mut moves = BTreeMap::new();
    let mut errors = Vec::new();
    if graph.moved().is_empty() {
        return (moves, errors);
    }
    let targets: HashMap<&Address, &Address> = graph.moved().iter().map(|(from, to)| (from, to)).collect();
    let begun = state.begun.values().map(|begun| &begun.address);
    for address in state.resources.keys().chain(state.deposed.keys()).chain(begun) {
        if graph.index(address).is_some() {
            continue;
        }
        let Some((target, node)) = targets.get(address).and_then(|to| Some((*to, graph.index(to)?))) else { continue };
        if state.resources.contains_key(address) && state.resources.contains_key(target) {
            let message = format!("`{address}` can't be moved to `{target}`: both exist");
            errors.push(
                Diagnostic::error(&graph.nodes()[node].span, message).help(format!(
                    "leave out the `moved` entry to have `{address}` deleted, or list it under `forget`"
                )),
            );
        }
        moves.insert(address.clone(), target.clone());
    }
    (moves, errors)
}
