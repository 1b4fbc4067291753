//! What infra made: an append-only log of small entries, and its snapshot.

use std::collections::BTreeMap;

use crate::address::{Address, Id, OpId};
use crate::value::Value;

/// What infra made and still manages, as the log tells it.
///
/// Every [`Value`] in it is sealed: it holds no secret in clear, and nothing unknown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// The number of the last entry.
    pub serial: u64,
    /// What is managed.
    pub resources: BTreeMap<Address, Record>,
    /// Operations begun by a run that was cut off before it could record their end.
    pub begun: BTreeMap<OpId, Begun>,
    /// The stack's outputs as last applied.
    pub outputs: BTreeMap<String, Value>,
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
    /// Earlier incarnations that a replacement has not deleted yet.
    pub deposed: Vec<Deposed>,
}

/// An earlier incarnation of a replaced resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deposed {
    /// What the cloud calls it.
    pub id: Id,
    /// Its type.
    pub type_name: String,
    /// The operation that made it.
    pub op: OpId,
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
    /// The properties that it was begun with, sealed, generated names included.
    pub properties: Value,
    /// What the resource refers to.
    pub dependencies: Vec<Address>,
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
