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
    #[error("{what} of {location} {source}")]
    Format {
        /// Where the log is.
        location: String,
        /// Which document: `entry 12`, `snapshot 64`.
        what: String,
        /// Why not.
        source: Arc<FormatError>,
    },
    /// An entry is missing.
    #[error("entry {serial} of {location} is missing")]
    Missing {
        /// Where the log is.
        location: String,
        /// Its number.
        serial: u64,
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
    /// An entry contradicts those before it.
    #[error("entry {serial} of {location} contradicts those before it: {source}")]
    Inconsistent {
        /// Where the log is.
        location: String,
        /// Its number.
        serial: u64,
        /// How.
        source: Inconsistent,
    },
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
