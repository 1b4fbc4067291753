//! A store in front of another that encrypts what it keeps.
//!
//! Each document is encrypted by itself (XChaCha20-Poly1305) with a data key of its log, and bound to its log and number,
//! so that none can stand in for another. The data key stands beside it, itself encrypted with the master key: that of
//! AWS KMS, or a passphrase. What is not encrypted is read as it is, so that encryption can begin in the middle of a log.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::{Files, LogKey, Store, StoreError};

/// In bytes; XChaCha20's, long enough to be drawn at random.
const NONCE: usize = 24;

/// A key that documents are encrypted with.
#[derive(Clone)]
pub struct DataKey([u8; 32]);

impl DataKey {
    /// A key of these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A random key.
    ///
    /// # Errors
    /// Where the system has no random numbers.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Never shows the key.
impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(…)")
    }
}

/// A data key, encrypted with a master key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WrappedKey {
    /// With a key of AWS KMS.
    Kms {
        /// The key's ARN.
        arn: String,
        /// The key as it was named: an id, an ARN or an alias.
        named: String,
        /// What KMS gave, in base64.
        blob: String,
    },
    /// With a passphrase: an `age` file, in base64.
    Passphrase(String),
}

/// Makes data keys, and decrypts them.
pub trait MasterKey: fmt::Debug + Send + Sync + 'static {
    /// Whether new documents may be encrypted with this data key: it is one of this master key.
    fn made(&self, key: &WrappedKey) -> bool;

    /// A new data key for a log.
    fn generate<'a>(&'a self, log: &'a LogKey) -> BoxFuture<'a, Result<(DataKey, WrappedKey), StoreError>>;
}

/// Decrypts data keys of every kind that can be met in a log.
pub trait Unwrap: fmt::Debug + Send + Sync + 'static {
    /// The data key.
    fn unwrap_key<'a>(&'a self, log: &'a LogKey, key: &'a WrappedKey) -> BoxFuture<'a, Result<DataKey, StoreError>>;
}

/// A document as it is kept.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    encrypted: Encrypted,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Encrypted {
    key: WrappedKey,
    nonce: String,
    data: String,
}

/// Whether a document is one that this store encrypted.
pub(in crate::state) fn is_encrypted(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Envelope>(bytes).is_ok()
}

/// Encrypts what another store keeps.
#[derive(Debug)]
pub struct EncryptedStore {
    kept: Arc<dyn Store>,
    /// What new documents are encrypted with; nothing where they are only where the log is already.
    master: Option<Arc<dyn MasterKey>>,
    unwrap: Arc<dyn Unwrap>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    keys: HashMap<WrappedKey, DataKey>,
    /// The newest key of each log, by what was read last.
    newest: HashMap<LogKey, WrappedKey>,
}

impl EncryptedStore {
    /// A store in front of `kept`.
    pub fn new(kept: Arc<dyn Store>, master: Option<Arc<dyn MasterKey>>, unwrap: Arc<dyn Unwrap>) -> Self {
        Self { kept, master, unwrap, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn unwrapped(&self, log: &LogKey, key: &WrappedKey) -> Result<DataKey, StoreError> {
        if let Some(known) = self.known().keys.get(key) {
            return Ok(known.clone());
        }
        let unwrapped = self.unwrap.unwrap_key(log, key).await?;
        self.known().keys.insert(key.clone(), unwrapped.clone());
        Ok(unwrapped)
    }

    /// What the next document of a log is encrypted with.
    async fn current(&self, log: &LogKey) -> Result<Option<(WrappedKey, DataKey)>, StoreError> {
        let newest = self.known().newest.get(log).cloned();
        match (&self.master, newest) {
            (None, None) => Ok(None),
            (None, Some(key)) => Ok(Some((key.clone(), self.unwrapped(log, &key).await?))),
            (Some(master), Some(key)) if master.made(&key) => Ok(Some((key.clone(), self.unwrapped(log, &key).await?))),
            (Some(master), _) => {
                let (data, key) = master.generate(log).await?;
                let mut known = self.known();
                known.keys.insert(key.clone(), data.clone());
                known.newest.insert(log.clone(), key.clone());
                Ok(Some((key, data)))
            }
        }
    }

    async fn encrypted(&self, log: &LogKey, what: &str, bytes: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        let Some((key, data)) = self.current(log).await? else { return Ok(bytes) };
        let refused = |reason: String| StoreError::Refused { location: self.location(log), reason };
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|error| refused(format!("no random numbers: {error}")))?;
        let about = about(log, what);
        let payload = Payload { msg: &bytes, aad: about.as_bytes() };
        let sealed = cipher(&data).encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| refused("it is too large to be encrypted".to_owned()))?;
        let encrypted = Encrypted { key, nonce: BASE64.encode(nonce), data: BASE64.encode(sealed) };
        serde_json::to_vec(&Envelope { encrypted }).map_err(|error| refused(error.to_string()))
    }

    /// What was encrypted. A document that is not, or that was damaged since, is given as it is: whoever reads it says so.
    async fn decrypted(&self, log: &LogKey, what: &str, bytes: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        let Ok(Envelope { encrypted }) = serde_json::from_slice(&bytes) else { return Ok(bytes) };
        let data = match self.unwrapped(log, &encrypted.key).await {
            Err(StoreError::Key { .. }) => return Ok(bytes),
            data => data?,
        };
        self.known().newest.insert(log.clone(), encrypted.key);
        let (nonce, sealed) = (BASE64.decode(encrypted.nonce), BASE64.decode(encrypted.data));
        let (Ok(nonce), Ok(sealed)) = (nonce.map(<[u8; NONCE]>::try_from), sealed) else { return Ok(bytes) };
        let Ok(nonce) = nonce else { return Ok(bytes) };
        let about = about(log, what);
        let payload = Payload { msg: &sealed, aad: about.as_bytes() };
        Ok(cipher(&data).decrypt(&XNonce::from(nonce), payload).unwrap_or(bytes))
    }
}

fn cipher(key: &DataKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.bytes().into())
}

/// What an encrypted document is bound to: nothing else decrypts it.
fn about(log: &LogKey, what: &str) -> String {
    format!("infra {log} {what}")
}

fn entry(serial: u64) -> String {
    format!("entry {serial}")
}

fn snapshot(serial: u64) -> String {
    format!("snapshot {serial}")
}

impl Store for EncryptedStore {
    fn location(&self, log: &LogKey) -> String {
        self.kept.location(log)
    }

    fn append<'a>(&'a self, log: &'a LogKey, serial: u64, bytes: Vec<u8>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let bytes = self.encrypted(log, &entry(serial), bytes).await?;
            self.kept.append(log, serial, bytes).await
        })
    }

    fn read<'a>(&'a self, log: &'a LogKey, from: u64) -> BoxFuture<'a, Result<Files, StoreError>> {
        Box::pin(async move {
            let mut files = self.kept.read(log, from).await?;
            for (serial, bytes) in &mut files {
                *bytes = self.decrypted(log, &entry(*serial), std::mem::take(bytes)).await?;
            }
            Ok(files)
        })
    }

    fn write_snapshot<'a>(
        &'a self,
        log: &'a LogKey,
        serial: u64,
        bytes: Vec<u8>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let bytes = self.encrypted(log, &snapshot(serial), bytes).await?;
            self.kept.write_snapshot(log, serial, bytes).await
        })
    }

    fn snapshots<'a>(&'a self, log: &'a LogKey) -> BoxFuture<'a, Result<Vec<u64>, StoreError>> {
        self.kept.snapshots(log)
    }

    fn read_snapshot<'a>(&'a self, log: &'a LogKey, serial: u64) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        Box::pin(async move {
            match self.kept.read_snapshot(log, serial).await? {
                Some(bytes) => Ok(Some(self.decrypted(log, &snapshot(serial), bytes).await?)),
                None => Ok(None),
            }
        })
    }

    fn delete_snapshots<'a>(&'a self, log: &'a LogKey, serials: Vec<u64>) -> BoxFuture<'a, Result<(), StoreError>> {
        self.kept.delete_snapshots(log, serials)
    }

    fn logs(&self) -> BoxFuture<'_, Result<Vec<LogKey>, StoreError>> {
        self.kept.logs()
    }
}
