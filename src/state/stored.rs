//! What is on record, as it is stored: in snapshots, in entries that replace all of it, and in files that are pulled.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::entry::Action;
use super::seal::{Seal, Sealed};
use super::{Begun, BegunAction, Deposed, Record, State};
use crate::address::{Address, Id, OpId};

/// All that is on record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredState {
    seal: Option<Seal>,
    resources: BTreeMap<Address, StoredRecord>,
    deposed: BTreeMap<Address, Vec<StoredDeposed>>,
    begun: BTreeMap<OpId, StoredBegun>,
    outputs: BTreeMap<String, Sealed>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredRecord {
    #[serde(rename = "type")]
    type_name: String,
    id: Id,
    op: OpId,
    properties: Sealed,
    outputs: Sealed,
    dependencies: Vec<Address>,
    settled: bool,
    prevent_destroy: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredDeposed {
    #[serde(rename = "type")]
    type_name: String,
    id: Id,
    op: OpId,
    /// Since version 3.
    #[serde(default)]
    properties: Sealed,
    dependencies: Vec<Address>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredBegun {
    address: Address,
    #[serde(rename = "type")]
    type_name: String,
    action: Action,
    properties: Sealed,
    generated: Vec<String>,
    dependencies: Vec<Address>,
    prevent_destroy: bool,
}

impl StoredState {
    /// What its secrets are sealed with.
    pub(super) fn seal(&self) -> Option<&Seal> {
        self.seal.as_ref()
    }
}

impl From<State> for StoredState {
    fn from(state: State) -> Self {
        let State { serial: _, resources, deposed, begun, outputs, seal, warnings: _ } = state;
        Self {
            seal,
            resources: map(resources, StoredRecord::from),
            deposed: map(deposed, |list| list.into_iter().map(StoredDeposed::from).collect()),
            begun: map(begun, StoredBegun::from),
            outputs: map(outputs, Sealed::from_sealed),
        }
    }
}

/// Its serial is for whoever knows it to say.
impl From<StoredState> for State {
    fn from(stored: StoredState) -> Self {
        let StoredState { seal, resources, deposed, begun, outputs } = stored;
        Self {
            serial: 0,
            resources: map(resources, Record::from),
            deposed: map(deposed, |list: Vec<_>| list.into_iter().map(Deposed::from).collect()),
            begun: map(begun, Begun::from),
            outputs: map(outputs, Sealed::into_value),
            seal,
            warnings: Vec::new(),
        }
    }
}

fn map<K: Ord, A, B>(entries: BTreeMap<K, A>, convert: impl Fn(A) -> B) -> BTreeMap<K, B> {
    entries.into_iter().map(|(key, value)| (key, convert(value))).collect()
}

impl From<Record> for StoredRecord {
    fn from(record: Record) -> Self {
        let Record { type_name, id, op, properties, outputs, dependencies, settled, prevent_destroy } = record;
        let (properties, outputs) = (Sealed::from_sealed(properties), Sealed::from_sealed(outputs));
        Self { type_name, id, op, properties, outputs, dependencies, settled, prevent_destroy }
    }
}

impl From<StoredRecord> for Record {
    fn from(record: StoredRecord) -> Self {
        let StoredRecord { type_name, id, op, properties, outputs, dependencies, settled, prevent_destroy } = record;
        let (properties, outputs) = (properties.into_value(), outputs.into_value());
        Self { type_name, id, op, properties, outputs, dependencies, settled, prevent_destroy }
    }
}

impl From<Deposed> for StoredDeposed {
    fn from(Deposed { id, type_name, op, properties, dependencies }: Deposed) -> Self {
        Self { type_name, id, op, properties: Sealed::from_sealed(properties), dependencies }
    }
}

impl From<StoredDeposed> for Deposed {
    fn from(StoredDeposed { type_name, id, op, properties, dependencies }: StoredDeposed) -> Self {
        Self { id, type_name, op, properties: properties.into_value(), dependencies }
    }
}

impl From<Begun> for StoredBegun {
    fn from(begun: Begun) -> Self {
        let Begun { address, type_name, action, properties, generated, dependencies, prevent_destroy } = begun;
        let (action, properties) = (Action::from(action), Sealed::from_sealed(properties));
        Self { address, type_name, action, properties, generated, dependencies, prevent_destroy }
    }
}

impl From<StoredBegun> for Begun {
    fn from(begun: StoredBegun) -> Self {
        let StoredBegun { address, type_name, action, properties, generated, dependencies, prevent_destroy } = begun;
        let (action, properties) = (BegunAction::from(action), properties.into_value());
        Self { address, type_name, action, properties, generated, dependencies, prevent_destroy }
    }
}

impl From<BegunAction> for Action {
    fn from(action: BegunAction) -> Self {
        match action {
            BegunAction::Create => Self::Create,
            BegunAction::Update => Self::Update,
            BegunAction::Delete(id) => Self::Delete(id),
        }
    }
}

impl From<Action> for BegunAction {
    fn from(action: Action) -> Self {
        match action {
            Action::Create => Self::Create,
            Action::Update => Self::Update,
            Action::Delete(id) => Self::Delete(id),
        }
    }
}
