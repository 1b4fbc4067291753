//! What infra made: an append-only log of small entries, and its snapshot.
//!
//! The log is the lock: an entry is appended only if its number is free, so whoever holds the log learns from its next
//! append that another took over. [`Journal`] writes it, [`State::load`] reads it without taking it.

use std::collections::BTreeMap;

use crate::address::{Address, Id, OpId};
use crate::value::Value;

mod at_work;
mod check;
mod damage;
mod entry;
mod error;
mod history;
mod holder;
mod journal;
mod load;
mod migrate;
mod open;
pub mod place;
mod process;
mod pulled;
mod replay;
mod restore;
mod seal;
mod snapshot;
pub mod store;
mod stored;
#[cfg(test)]
mod tests;
mod writer;

pub use entry::Restored;
pub use entry::{FormatError, STATE_VERSION};
pub use error::Error;
pub use history::{Changes, History, Run};
pub use holder::Holder;
pub use journal::{Journal, Updated};
pub use migrate::Migration;
pub use open::{DEFAULT_LEASE, OnWait, OpenOptions, Waiting};
pub use pulled::{Difference, Pulled, PulledError, differences};
pub use replay::Inconsistent;
pub use restore::Damaged;
pub use seal::{Seal, SealError};
pub use store::{Files, LocalStore, LogKey, MemoryStore, Store, StoreError};
#[cfg(feature = "aws")]
pub use store::{S3Place, S3Store};

/// What infra made and still manages, as the log tells it.
///
/// Every [`Value`] in it is sealed: it holds no secret in clear, and nothing unknown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// The number of the last entry that changed what is on record; opening, renewing and closing the log do not.
    pub serial: u64,
    /// What is managed.
    pub resources: BTreeMap<Address, Record>,
    /// Earlier incarnations that a replacement has not deleted yet, by the address they had.
    pub deposed: BTreeMap<Address, Vec<Deposed>>,
    /// Operations begun by a run that was cut off before it could record their end.
    pub begun: BTreeMap<OpId, Begun>,
    /// The stack's outputs as last applied.
    pub outputs: BTreeMap<String, Value>,
    /// What turns secrets into digests; none before the log's first entry.
    pub seal: Option<Seal>,
    /// What reading the log found damaged and could do without, for the user to know.
    pub warnings: Vec<String>,
}

/// A resource that exists.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its type.
    pub type_name: String,
    /// What the cloud calls it.
    pub id: Id,
    /// The operation that made it.
    pub op: OpId,
    /// The properties last applied: what the stack said, no more.
    pub properties: Value,
    /// The outputs last read.
    pub outputs: Value,
    /// What it refers to; it is deleted before them.
    pub dependencies: Vec<Address>,
    /// Whether it was seen usable; where not, the next run settles it.
    pub settled: bool,
    /// Whether the stack forbade its deletion when last applied.
    pub prevent_destroy: bool,
}

/// An earlier incarnation of a replaced resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Deposed {
    /// What the cloud calls it.
    pub id: Id,
    /// Its type.
    pub type_name: String,
    /// The operation that made it.
    pub op: OpId,
    /// The properties last applied; none where a build before format 3 kept it.
    pub properties: Value,
    /// What it referred to; it is deleted before them.
    pub dependencies: Vec<Address>,
}

/// An operation whose end is not on record.
#[derive(Clone, Debug, PartialEq)]
pub struct Begun {
    /// The resource.
    pub address: Address,
    /// Its type.
    pub type_name: String,
    /// What was begun.
    pub action: BegunAction,
    /// The properties that it was begun with, sealed, generated names included; empty for a delete.
    pub properties: Value,
    /// Properties in `properties` that the stack did not give: they are sent, but not what was last applied.
    pub generated: Vec<String>,
    /// What the resource refers to.
    pub dependencies: Vec<Address>,
    /// Whether the stack forbids its deletion.
    pub prevent_destroy: bool,
}

/// What was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BegunAction {
    /// Making it; where it replaces something, that becomes deposed once the new one is made.
    Create,
    /// Changing it in place.
    Update,
    /// Deleting this incarnation of it.
    Delete(Id),
}
