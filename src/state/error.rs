//! What can go wrong with a log.

use std::sync::Arc;

use super::entry::FormatError;
use super::holder::Holder;
use super::replay::Inconsistent;
use super::seal::SealError;
use super::store::StoreError;

/// Why a log can't be read, taken or written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// Somebody else holds the log, and it was asked not to wait.
    #[error("the state in {location} is held by {holder}")]
    Held {
        /// Where the log is.
        location: String,
        /// By whom.
        holder: Box<Holder>,
    },
    /// It was given up before the log was taken.
    #[error("the state was not taken: it was given up")]
    GivenUp,
    /// Somebody else took the log over.
    #[error("the state in {location} was taken over{}", by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default())]
    LostLog {
        /// Where the log is.
        location: String,
        /// By whom, if that can be told.
        by: Option<Box<Holder>>,
    },
    /// The journal was closed.
    #[error("the journal is closed")]
    Closed,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Arc<StoreError>),
    /// A stored document can't be read.
    #[error("{what} ({file}) {source}")]
    Format {
        /// Which document: `entry 12`, `snapshot 64`.
        what: String,
        /// Its file or object.
        file: String,
        /// Why not.
        source: Arc<FormatError>,
        /// The entry before it, if anything was on record then.
        sound: Option<u64>,
    },
    /// An entry is missing.
    #[error("entry {serial} ({file}) is missing")]
    Missing {
        /// Its number.
        serial: u64,
        /// Its file or object.
        file: String,
        /// The entry before it, if anything was on record then.
        sound: Option<u64>,
    },
    /// A move to there was cut off before its last write, the log's first entry.
    #[error("the first entry of {location} is missing: a move to there was cut off")]
    CutOff {
        /// Where the log is to be.
        location: String,
    },
    /// There is no entry of that number.
    #[error("there is no entry {serial} in {location}: the last one is {last}")]
    NoEntry {
        /// Where the log is.
        location: String,
        /// The number asked for.
        serial: u64,
        /// The last number there is.
        last: u64,
    },
    /// The log goes on in another place.
    #[error("the state in {location} was moved to {place}{}", by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default())]
    Moved {
        /// Where the log was.
        location: String,
        /// Where it is.
        place: String,
        /// Who moved it.
        by: Option<Box<Holder>>,
    },
    /// Another log is in the way.
    #[error("{location} has a log already, which is not this one")]
    Occupied {
        /// Where it is.
        location: String,
    },
    /// What is in the way is what this log was before it was moved from there.
    #[error("{location} holds this log's own past, which ended there when it was moved to {place}")]
    Past {
        /// Where it is.
        location: String,
        /// Where it was moved to.
        place: String,
    },
    /// An entry contradicts those before it.
    #[error("entry {serial} ({file}) contradicts those before it: {source}")]
    Inconsistent {
        /// Its number.
        serial: u64,
        /// Its file or object.
        file: String,
        /// How.
        source: Inconsistent,
        /// The entry before it, if anything was on record then.
        sound: Option<u64>,
    },
    /// The log is not what it was when it was looked at.
    #[error("the record changed while you looked at it: nothing was replaced")]
    Changed,
    /// What was to be recorded does not follow from what is on record.
    #[error("this can't be recorded: {0}")]
    Refused(#[from] Inconsistent),
    /// A value can't be kept.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// What was to be recorded can't be written as JSON.
    #[error("this can't be recorded: {0}")]
    Encode(#[source] Arc<serde_json::Error>),
    /// The system has no random numbers.
    #[error("no random numbers for the state's key: {0}")]
    Random(#[from] getrandom::Error),
}

impl Error {
    /// Whether a file of the log is not what was written: to put it back is enough.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Format { source, .. } => source.is_damage(),
            Self::Missing { .. } | Self::Inconsistent { .. } => true,
            _ => false,
        }
    }

    /// The last entry before the damage, if something was on record after it.
    pub fn last_sound(&self) -> Option<u64> {
        match self {
            Self::Format { sound, .. } | Self::Missing { sound, .. } | Self::Inconsistent { sound, .. } => *sound,
            _ => None,
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Encode(Arc::new(error))
    }
}
