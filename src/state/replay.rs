//! What the log says: entries folded, one after the other, into the state.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use super::entry::{Action, Entry, Move};
use super::holder::Holder;
use super::seal::Seal;
use super::{Begun, BegunAction, Deposed, Record, State};
use crate::address::{Address, Id, OpId};
use crate::value::Value;

/// What the entries up to one number come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Replay {
    /// What is on record.
    pub(super) state: State,
    /// The number of the last entry of any kind.
    pub(super) last: u64,
    /// Who holds the log; nobody once it is closed.
    pub(super) lease: Option<Lease>,
    /// Where the log goes on, if it ended here.
    pub(super) moved_to: Option<Moved>,
}

/// Where a log goes on that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moved {
    /// The place, a folder by its whole path; older builds wrote it as seen from where they ran.
    pub(super) place: String,
    /// Who moved it.
    pub(super) by: Option<Holder>,
}

/// A log that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lease {
    /// By whom.
    pub(super) holder: Holder,
    /// For how long after an entry nobody else may take the log.
    pub(super) duration: Duration,
}

/// An entry that does not follow from those before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Inconsistent {
    /// The operation is not under way.
    #[error("operation {0} was not begun")]
    NotBegun(OpId),
    /// The operation is under way already.
    #[error("operation {0} was begun twice")]
    BegunTwice(OpId),
    /// There is nothing on record at the address.
    #[error("nothing is on record at {0}")]
    NoRecord(Address),
    /// Two resources would stand at one address.
    #[error("{0} is moved to {1}, where something stands already")]
    Occupied(Address, Address),
    /// The log ended.
    #[error("the log ended, and goes on in {0}")]
    Moved(String),
    /// The entry needs the log's key, which the log lacks.
    #[error("the log has no key")]
    NoSeal,
}

impl Replay {
    /// Folds in one entry of batch number `serial`. An entry that is refused changes nothing.
    pub(super) fn apply(&mut self, serial: u64, entry: Entry) -> Result<(), Inconsistent> {
        if let Some(moved) = &self.moved_to {
            return Err(Inconsistent::Moved(moved.place.clone()));
        }
        let changes_state = entry.changes_state();
        match entry {
            Entry::Open { holder, lease_ms, seal, cut: _ } => {
                if let Some(seal) = seal {
                    self.state.seal.get_or_insert(seal);
                }
                self.state.seal.as_ref().ok_or(Inconsistent::NoSeal)?;
                self.lease = Some(Lease { holder, duration: Duration::from_millis(lease_ms) });
            }
            Entry::Renew => {}
            Entry::Close => self.lease = None,
            Entry::MovedTo { place } => {
                self.moved_to = Some(Moved { place, by: self.lease.take().map(|lease| lease.holder) });
            }
            entry => self.state.apply(entry)?,
        }
        self.last = serial;
        if changes_state {
            self.state.serial = serial;
        }
        Ok(())
    }

    /// The log's key.
    pub(super) fn seal(&self) -> Result<&Seal, Inconsistent> {
        self.state.seal.as_ref().ok_or(Inconsistent::NoSeal)
    }
}

impl State {
    pub(super) fn apply(&mut self, entry: Entry) -> Result<(), Inconsistent> {
        match entry {
            Entry::Begin { op, address, type_name, action, properties, generated, dependencies, prevent_destroy } => {
                if self.begun.contains_key(&op) {
                    return Err(Inconsistent::BegunTwice(op));
                }
                let action = match action {
                    Action::Create => BegunAction::Create,
                    Action::Update if !self.resources.contains_key(&address) => {
                        return Err(Inconsistent::NoRecord(address));
                    }
                    Action::Update => BegunAction::Update,
                    Action::Delete(id) => BegunAction::Delete(id),
                };
                let properties = properties.map_or_else(Value::map, super::seal::Sealed::into_value);
                let begun = Begun { address, type_name, action, properties, generated, dependencies, prevent_destroy };
                self.begun.insert(op, begun);
            }
            Entry::Made { op, id } => self.made(op, id)?,
            Entry::Done { op, address, outputs } => self.done(op, &address, outputs.into_value())?,
            Entry::Failed { op } => {
                self.begun.remove(&op).ok_or(Inconsistent::NotBegun(op))?;
            }
            Entry::Updated { address, properties, outputs, dependencies, prevent_destroy } => {
                let record = self.resources.get_mut(&address).ok_or(Inconsistent::NoRecord(address))?;
                record.properties = properties.into_value();
                record.outputs = outputs.into_value();
                record.dependencies = dependencies;
                record.prevent_destroy = prevent_destroy;
            }
            Entry::Gone { op, address, id } => self.gone(op, &address, &id)?,
            Entry::Moved { moves } => self.moved(moves)?,
            Entry::Forgot { address } => {
                let record = self.resources.remove(&address).is_some();
                let deposed = self.deposed.remove(&address).is_some();
                if !record && !deposed {
                    return Err(Inconsistent::NoRecord(address));
                }
            }
            Entry::Outputs { outputs } => {
                self.outputs = outputs.into_iter().map(|(name, value)| (name, value.into_value())).collect();
            }
            Entry::Restored { from: _, state } => {
                if state.seal().is_none() {
                    return Err(Inconsistent::NoSeal);
                }
                *self = State { serial: self.serial, ..Self::from(*state) };
                // What came of an operation that the record now knows to have made something is no question any more.
                let made = self.resources.values().map(|record| &record.op);
                let made = made.chain(self.deposed.values().flatten().map(|old| &old.op));
                let made: HashSet<OpId> = made.cloned().collect();
                self.begun.retain(|op, _| !made.contains(op));
            }
            Entry::Open { .. } | Entry::Renew | Entry::Close | Entry::MovedTo { .. } => {}
        }
        Ok(())
    }

    fn made(&mut self, op: OpId, id: Id) -> Result<(), Inconsistent> {
        match self.begun.get(&op) {
            Some(Begun { action: BegunAction::Create, .. }) => {}
            _ => return Err(Inconsistent::NotBegun(op)),
        }
        let Some(mut begun) = self.begun.remove(&op) else { return Err(Inconsistent::NotBegun(op)) };
        let properties = begun.applied();
        let Begun { address, type_name, dependencies, prevent_destroy, .. } = begun;
        let outputs = Value::map();
        let record = Record { type_name, id, op, properties, outputs, dependencies, settled: false, prevent_destroy };
        // What is made under the id of an earlier one stands in its place.
        if let Some(deposed) = self.deposed.get_mut(&address) {
            deposed.retain(|old| old.id != record.id || old.type_name != record.type_name);
        }
        self.deposed.retain(|_, deposed| !deposed.is_empty());
        if let Some(old) = self.resources.insert(address.clone(), record) {
            let Record { id, type_name, op, properties, dependencies, .. } = old;
            let deposed = Deposed { id, type_name, op, properties, dependencies };
            self.deposed.entry(address).or_default().push(deposed);
        }
        Ok(())
    }

    fn done(&mut self, op: OpId, address: &Address, outputs: Value) -> Result<(), Inconsistent> {
        let record = self.resources.get_mut(address).ok_or_else(|| Inconsistent::NoRecord(address.clone()))?;
        if record.op != op {
            match self.begun.get(&op) {
                Some(begun) if begun.action == BegunAction::Update && begun.address == *address => {}
                _ => return Err(Inconsistent::NotBegun(op)),
            }
            if let Some(mut begun) = self.begun.remove(&op) {
                record.properties = begun.applied();
                record.dependencies = begun.dependencies;
                record.prevent_destroy = begun.prevent_destroy;
            }
        }
        record.outputs = outputs;
        record.settled = true;
        Ok(())
    }

    fn gone(&mut self, op: Option<OpId>, address: &Address, id: &Id) -> Result<(), Inconsistent> {
        if let Some(op) = op {
            self.begun.remove(&op).ok_or(Inconsistent::NotBegun(op))?;
        }
        if self.resources.get(address).is_some_and(|record| record.id == *id) {
            self.resources.remove(address);
        } else if let Some(deposed) = self.deposed.get_mut(address) {
            deposed.retain(|old| old.id != *id);
            if deposed.is_empty() {
                self.deposed.remove(address);
            }
        }
        Ok(())
    }

    fn moved(&mut self, moves: Vec<Move>) -> Result<(), Inconsistent> {
        let moves: BTreeMap<Address, Address> = moves.into_iter().map(|Move { from, to }| (from, to)).collect();
        let now = |address: &Address| moves.get(address).unwrap_or(address).clone();
        let mut taken = BTreeMap::new();
        for address in self.resources.keys() {
            if let Some(other) = taken.insert(now(address), address) {
                let (from, to) =
                    if moves.contains_key(address) { (address, now(address)) } else { (other, now(other)) };
                return Err(Inconsistent::Occupied(from.clone(), to));
            }
        }
        let repoint = |dependencies: &mut Vec<Address>| {
            for dependency in dependencies {
                if let Some(to) = moves.get(dependency) {
                    *dependency = to.clone();
                }
            }
        };
        for (address, mut record) in std::mem::take(&mut self.resources) {
            repoint(&mut record.dependencies);
            self.resources.insert(now(&address), record);
        }
        for (address, mut deposed) in std::mem::take(&mut self.deposed) {
            deposed.iter_mut().for_each(|old| repoint(&mut old.dependencies));
            self.deposed.entry(now(&address)).or_default().append(&mut deposed);
        }
        for begun in self.begun.values_mut() {
            begun.address = now(&begun.address);
            repoint(&mut begun.dependencies);
        }
        Ok(())
    }
}

impl Begun {
    /// Takes out what counts as last applied: what the stack gave.
    fn applied(&mut self) -> Value {
        let mut properties = std::mem::take(&mut self.properties);
        if let Value::Map(map) = &mut properties {
            map.retain(|name, _| !self.generated.contains(name));
        }
        properties
    }
}
