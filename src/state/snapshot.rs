//! The snapshot: what all entries up to one number come to, so that reading need not start at the first.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::State;
use super::check;
use super::entry::{FormatError, STATE_VERSION, decode};
use super::holder::Holder;
use super::replay::{Lease, Replay};
use super::stored::StoredState;

/// A snapshot as it is stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Snapshot {
    version: u32,
    /// The last entry that it covers.
    serial: u64,
    /// The last entry that changed what is on record.
    changed: u64,
    lease: Option<StoredLease>,
    state: StoredState,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredLease {
    holder: Holder,
    lease_ms: u64,
}

/// The snapshot of a replay.
pub(super) fn encode(replay: &Replay) -> Result<Vec<u8>, serde_json::Error> {
    let snapshot = Snapshot {
        version: STATE_VERSION,
        serial: replay.last,
        changed: replay.state.serial,
        lease: replay.lease.clone().map(|Lease { holder, duration }| StoredLease {
            holder,
            lease_ms: duration.as_millis().try_into().unwrap_or(u64::MAX),
        }),
        state: replay.state.clone().into(),
    };
    Ok(check::checked(serde_json::to_vec(&snapshot)?))
}

/// Reads snapshot number `serial`.
pub(super) fn read(serial: u64, bytes: &[u8]) -> Result<Replay, FormatError> {
    let mut json: Json = decode(bytes)?;
    if json["version"] == 1 {
        from_version_1(&mut json);
    }
    let snapshot: Snapshot = serde_json::from_value(json).map_err(FormatError::Damaged)?;
    if snapshot.serial != serial {
        return Err(FormatError::Misplaced(snapshot.serial));
    }
    let Snapshot { changed, lease, state, .. } = snapshot;
    let lease =
        lease.map(|StoredLease { holder, lease_ms }| Lease { holder, duration: Duration::from_millis(lease_ms) });
    Ok(Replay { state: State { serial: changed, ..state.into() }, last: serial, lease, moved_to: None })
}

/// Version 1 had what is on record beside the rest, and told which entries were pruned.
fn from_version_1(json: &mut Json) {
    let Some(snapshot) = json.as_object_mut() else { return };
    let of_state = ["seal", "resources", "deposed", "begun", "outputs"];
    let state = of_state.into_iter().filter_map(|name| Some((name.to_owned(), snapshot.remove(name)?))).collect();
    snapshot.insert("state".to_owned(), Json::Object(state));
    snapshot.remove("pruned");
    snapshot.remove("opens");
}
