//! Where logs are kept: the little that a store must do for the log to be its own lock.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;

mod encrypted;
mod keys;
#[cfg(feature = "aws")]
mod kms;
mod local;
mod memory;
mod passphrase;
#[cfg(feature = "aws")]
mod s3;

pub(super) use encrypted::is_encrypted;
pub use encrypted::{DataKey, EncryptedStore, MasterKey, Unwrap, WrappedKey};
pub use keys::Keys;
#[cfg(feature = "aws")]
pub use kms::KmsKey;
pub use local::LocalStore;
pub use memory::MemoryStore;
pub use passphrase::Passphrase;
#[cfg(feature = "aws")]
pub use s3::{S3Place, S3Store};

/// Which log: that of one stack in one environment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogKey {
    /// The stack's name.
    pub stack: Arc<str>,
    /// The environment's name.
    pub environment: Arc<str>,
}

impl LogKey {
    /// The log of `stack` in `environment`.
    pub fn new(stack: impl Into<Arc<str>>, environment: impl Into<Arc<str>>) -> Self {
        Self { stack: stack.into(), environment: environment.into() }
    }
}

impl fmt::Display for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.stack, self.environment)
    }
}

/// Entries with their numbers, in order.
pub type Files = Vec<(u64, Vec<u8>)>;

/// Keeps the logs of all stacks and environments.
///
/// What it must guarantee: [`append`](Store::append) is atomic and exclusive (of two that write the same number one
/// gets [`StoreError::Taken`]), durable before it returns, and never shows a part of an entry.
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Where the log is, for messages.
    fn location(&self, log: &LogKey) -> String;

    /// The file or object of an entry, for messages: all stores lay out a log in the same way.
    fn entry_file(&self, log: &LogKey, serial: u64) -> String {
        format!("{}/log/{serial:010}.json", self.location(log))
    }

    /// The file or object of a snapshot, for messages.
    fn snapshot_file(&self, log: &LogKey, serial: u64) -> String {
        format!("{}/snapshot/{serial:010}.json", self.location(log))
    }

    /// Writes entry number `serial` if no entry has that number yet.
    fn append<'a>(&'a self, log: &'a LogKey, serial: u64, entry: Vec<u8>) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The entries numbered `from` and up that are kept, in order.
    fn read<'a>(&'a self, log: &'a LogKey, from: u64) -> BoxFuture<'a, Result<Files, StoreError>>;

    /// Writes the snapshot of the log up to and with entry `serial`. One that is already there may stay: the same
    /// entries give the same snapshot.
    fn write_snapshot<'a>(
        &'a self,
        log: &'a LogKey,
        serial: u64,
        snapshot: Vec<u8>,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The numbers of the snapshots that are kept, in order.
    fn snapshots<'a>(&'a self, log: &'a LogKey) -> BoxFuture<'a, Result<Vec<u64>, StoreError>>;

    /// The snapshot of that number, if it is kept.
    fn read_snapshot<'a>(&'a self, log: &'a LogKey, serial: u64) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>>;

    /// Deletes snapshots that are no longer needed; one that is not there is no error.
    fn delete_snapshots<'a>(&'a self, log: &'a LogKey, serials: Vec<u64>) -> BoxFuture<'a, Result<(), StoreError>>;

    /// All logs, sorted.
    fn logs(&self) -> BoxFuture<'_, Result<Vec<LogKey>, StoreError>>;
}

/// Why a store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The number is taken.
    #[error("entry {0} is already written")]
    Taken(u64),
    /// It may work when tried again.
    #[error("{location} can't be reached: {reason}")]
    Unavailable {
        /// What was to be read or written.
        location: String,
        /// Why.
        reason: String,
    },
    /// It does not work.
    #[error("{location}: {source}")]
    Io {
        /// What was to be read or written.
        location: String,
        /// Why.
        source: std::io::Error,
    },
    /// It was refused, and would be again.
    #[error("{location}: {reason}")]
    Refused {
        /// What was to be read or written.
        location: String,
        /// Why.
        reason: String,
    },
    /// A document's own key, which stands beside it, is not what was written.
    #[error("{location}: its encrypted data key is damaged: {reason}")]
    Key {
        /// Whose.
        location: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The key of AWS KMS that a log is encrypted with can't be used.
    #[error("the state's key, {key} in KMS: {reason}")]
    KmsKey {
        /// Its id, ARN or alias.
        key: String,
        /// Why.
        reason: String,
    },
    /// A log is encrypted with a passphrase that was not given.
    #[error("the state of {log} is encrypted with {} passphrase", if *.given { "another" } else { "a" })]
    Passphrase {
        /// Which log.
        log: LogKey,
        /// Whether any was given.
        given: bool,
    },
    /// A stack or environment has a name that can't be kept.
    #[error("`{0}` can't be the name of a stack or environment: only letters, digits, `-`, `_` and `.` can")]
    Name(String),
}

/// A stack's or environment's name where it is the name of a folder: none that leads elsewhere, or that another system
/// folds.
///
/// # Errors
/// When it can't be one.
fn plain_name(name: &str) -> Result<&str, StoreError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if name.is_empty() || name.starts_with('.') || !name.bytes().all(plain) {
        return Err(StoreError::Name(name.to_owned()));
    }
    Ok(name)
}
