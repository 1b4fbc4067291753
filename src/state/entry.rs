//! The entries of the log, as they are stored.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::holder::Holder;
use super::seal::{Seal, Sealed};
use crate::address::{Address, Id, OpId};

/// Version of the log's and the snapshot's format; grows with every change that an older reader would misread.
pub const STATE_VERSION: u32 = 1;

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
    /// The holder let go of the log.
    Close,
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
    /// It stands under another number than its own.
    #[error("is damaged: it says that its number is {0}")]
    Misplaced(u64),
}

/// Reads a stored document, after a look at its version alone.
pub(super) fn decode<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, FormatError> {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    let Version { version } = serde_json::from_slice(bytes).map_err(FormatError::Damaged)?;
    if version > STATE_VERSION {
        return Err(FormatError::Newer { found: version });
    }
    serde_json::from_slice(bytes).map_err(FormatError::Damaged)
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
        !matches!(self, Self::Open { .. } | Self::Renew | Self::Close)
    }
}
