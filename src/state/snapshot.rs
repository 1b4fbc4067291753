//! The snapshot: what all entries up to one number come to, so that reading need not start at the first.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::entry::{Action, FormatError, STATE_VERSION, decode};
use super::holder::Holder;
use super::replay::{Lease, Replay};
use super::seal::{Seal, Sealed};
use super::{Begun, BegunAction, Deposed, Record, State};
use crate::address::{Address, Id, OpId};

/// A snapshot as it is stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Snapshot {
    version: u32,
    /// The last entry that it covers.
    serial: u64,
    /// The last entry that changed what is on record.
    changed: u64,
    /// Entries up to this one are pruned, but those that opened the log.
    pruned: u64,
    /// The entries after `pruned` that opened the log.
    opens: Vec<u64>,
    lease: Option<StoredLease>,
    seal: Option<Seal>,
    resources: BTreeMap<Address, StoredRecord>,
    deposed: BTreeMap<Address, Vec<StoredDeposed>>,
    begun: BTreeMap<OpId, StoredBegun>,
    outputs: BTreeMap<String, Sealed>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredLease {
    holder: Holder,
    lease_ms: u64,
}

#[derive(Debug, Serialize, Deserialize)]
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

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredDeposed {
    #[serde(rename = "type")]
    type_name: String,
    id: Id,
    op: OpId,
    dependencies: Vec<Address>,
}

#[derive(Debug, Serialize, Deserialize)]
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

impl Snapshot {
    /// The snapshot of a replay.
    pub(super) fn encode(replay: &Replay, pruned: u64) -> Result<Vec<u8>, serde_json::Error> {
        let State { serial, resources, deposed, begun, outputs, seal, warnings: _ } = replay.state.clone();
        let snapshot = Self {
            version: STATE_VERSION,
            serial: replay.last,
            changed: serial,
            pruned,
            opens: replay.opens.clone(),
            lease: replay.lease.clone().map(|Lease { holder, duration }| StoredLease {
                holder,
                lease_ms: duration.as_millis().try_into().unwrap_or(u64::MAX),
            }),
            seal,
            resources: map(resources, StoredRecord::from),
            deposed: map(deposed, |list| list.into_iter().map(StoredDeposed::from).collect()),
            begun: map(begun, StoredBegun::from),
            outputs: map(outputs, Sealed::from_sealed),
        };
        serde_json::to_vec(&snapshot)
    }

    /// Reads snapshot number `serial`: the replay, and up to which entry the log is pruned.
    pub(super) fn decode(serial: u64, bytes: &[u8]) -> Result<(Replay, u64), FormatError> {
        let snapshot: Self = decode(bytes)?;
        if snapshot.serial != serial {
            return Err(FormatError::Misplaced(snapshot.serial));
        }
        let Self { changed, pruned, opens, lease, seal, resources, deposed, begun, outputs, .. } = snapshot;
        let state = State {
            serial: changed,
            resources: map(resources, Record::from),
            deposed: map(deposed, |list: Vec<_>| list.into_iter().map(Deposed::from).collect()),
            begun: map(begun, Begun::from),
            outputs: map(outputs, Sealed::into_value),
            seal,
            warnings: Vec::new(),
        };
        let lease =
            lease.map(|StoredLease { holder, lease_ms }| Lease { holder, duration: Duration::from_millis(lease_ms) });
        Ok((Replay { state, last: serial, lease, opens }, pruned))
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
    fn from(Deposed { id, type_name, op, dependencies }: Deposed) -> Self {
        Self { type_name, id, op, dependencies }
    }
}

impl From<StoredDeposed> for Deposed {
    fn from(StoredDeposed { type_name, id, op, dependencies }: StoredDeposed) -> Self {
        Self { id, type_name, op, dependencies }
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
