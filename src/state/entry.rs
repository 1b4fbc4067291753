//! The entries of the log, as they are stored.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::check;
use super::holder::Holder;
use super::seal::{Seal, Sealed};
use super::stored::StoredState;
use crate::address::{Address, Id, OpId};

/// Version of the log's and the snapshot's format; grows with every change that an older reader would misread.
///
/// - 1: the first.
/// - 2: every document ends with a checksum; `restored` and `moved_to`; nothing is pruned any more.
/// - 3: what is deposed keeps the properties last applied.
pub const STATE_VERSION: u32 = 3;

/// One file of the log: entries that were made durable by one write.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Batch {
    /// [`STATE_VERSION`].
    pub(super) version: u32,
    /// Its number.
    pub(super) serial: u64,
    /// Who wrote it: one opening of the log.
    pub(super) session: String,
    /// When, by the writer's clock: to be shown; no entry depends on how it compares.
    pub(super) at: jiff::Timestamp,
    /// What happened.
    pub(super) entries: Vec<Entry>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Entry {
    /// A process took the log; the first one also brings the key of its secrets.
    Open {
        holder: Holder,
        /// For how long nobody else may take the log after an entry, in milliseconds.
        lease_ms: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seal: Option<Seal>,
        /// Entries before this one that can't be read and count as never written.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        cut: Vec<u64>,
    },
    /// The holder is still there.
    Renew,
    /// An operation is about to make its first call.
    Begin {
        op: OpId,
        address: Address,
        #[serde(rename = "type")]
        type_name: String,
        action: Action,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        properties: Option<Sealed>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        generated: Vec<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        dependencies: Vec<Address>,
        #[serde(default, skip_serializing_if = "is_false")]
        prevent_destroy: bool,
    },
    /// What the operation makes exists.
    Made { op: OpId, id: Id },
    /// What the operation made or changed is usable.
    Done { op: OpId, address: Address, outputs: Sealed },
    /// The operation ended, and what it was to do is not done.
    Failed { op: OpId },
    /// What is on record of a resource changed without an operation.
    Updated {
        address: Address,
        properties: Sealed,
        outputs: Sealed,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        dependencies: Vec<Address>,
        #[serde(default, skip_serializing_if = "is_false")]
        prevent_destroy: bool,
    },
    /// A resource is no more: deleted by `op`, or found gone.
    Gone {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        op: Option<OpId>,
        address: Address,
        id: Id,
    },
    /// Resources have other addresses, all at once.
    Moved { moves: Vec<Move> },
    /// A resource stays as it is but is no longer managed.
    Forgot { address: Address },
    /// The stack's outputs.
    Outputs { outputs: BTreeMap<String, Sealed> },
    /// All that is on record is what it was at another time, or what somebody brought.
    Restored { from: Restored, state: Box<StoredState> },
    /// The log ends here, and goes on in another place.
    MovedTo { place: String },
    /// The holder let go of the log.
    Close,
}

/// Where a record that replaces another comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Restored {
    /// From this log, as it was after the entry of that number.
    Serial(u64),
    /// From outside the log.
    Pushed,
}

/// An address that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Move {
    pub(super) from: Address,
    pub(super) to: Address,
}

/// What an operation does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Action {
    Create,
    Update,
    Delete(Id),
}

fn is_false(value: &bool) -> bool {
    !value
}

/// A stored document whose version this build knows.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// It was written by a newer build.
    #[error(
        "is in format {found}, which a newer infra wrote; this one knows formats up to {STATE_VERSION}: upgrade infra"
    )]
    Newer {
        /// Its version.
        found: u32,
    },
    /// It can't be read.
    #[error("is damaged: {0}")]
    Damaged(#[source] serde_json::Error),
    /// Its bytes are not those that were written.
    #[error("is damaged: its checksum does not fit its content")]
    Altered,
    /// It is encrypted, and what came out of it is not what went in.
    #[error("is damaged: what is encrypted in it is not what was written")]
    Unsealed,
    /// It stands under another number than its own.
    #[error("is damaged: it says that its number is {0}")]
    Misplaced(u64),
}

/// Reads a stored document, after a look at its version alone.
pub(super) fn decode<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<T, FormatError> {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    let version = match serde_json::from_slice(bytes) {
        Ok(Version { version }) => version,
        Err(_) if super::store::is_encrypted(bytes) => return Err(FormatError::Unsealed),
        Err(error) => return Err(FormatError::Damaged(error)),
    };
    match version {
        1 => serde_json::from_slice(bytes).map_err(FormatError::Damaged),
        2..=STATE_VERSION => serde_json::from_slice(&check::verified(bytes)?).map_err(FormatError::Damaged),
        found => Err(FormatError::Newer { found }),
    }
}

impl FormatError {
    /// Whether the document is not what was written, rather than written by a newer build.
    pub(super) fn is_damage(&self) -> bool {
        !matches!(self, Self::Newer { .. })
    }
}

impl Batch {
    /// Reads entry number `serial`.
    pub(super) fn decode(serial: u64, bytes: &[u8]) -> Result<Self, FormatError> {
        let batch: Self = decode(bytes)?;
        if batch.serial != serial {
            return Err(FormatError::Misplaced(batch.serial));
        }
        Ok(batch)
    }
}

impl Entry {
    /// Whether it changes what is on record.
    pub(super) fn changes_state(&self) -> bool {
        !matches!(self, Self::Open { .. } | Self::Renew | Self::Close | Self::MovedTo { .. })
    }
}
