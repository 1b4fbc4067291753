//! A passphrase as the master key of logs, through `age`: whoever has the passphrase can decrypt a data key with the
//! `age` tool alone.

use std::fmt;
use std::io::{Read as _, Write as _};

use age::secrecy::SecretString;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures::future::BoxFuture;
use tokio::task::spawn_blocking;

use super::{DataKey, LogKey, MasterKey, StoreError, WrappedKey};

/// A passphrase. To turn it into a key takes about a second, on purpose: once for each data key and run.
#[derive(Clone)]
pub struct Passphrase(SecretString);

impl Passphrase {
    /// The passphrase `text`.
    pub fn new(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// Decrypts a data key, given as an `age` file in base64.
    ///
    /// # Errors
    /// What is wrong with it ([`StoreError::Key`]), or with the passphrase ([`StoreError::Passphrase`]).
    pub async fn unwrap_key(&self, log: &LogKey, wrapped: &str) -> Result<DataKey, StoreError> {
        let (passphrase, wrapped) = (self.0.clone(), wrapped.to_owned());
        let location = format!("the state of {log}");
        match spawn_blocking(move || decrypt(passphrase, &wrapped)).await {
            Ok(Ok(key)) => Ok(key),
            Ok(Err(Broken::Passphrase)) => Err(StoreError::Passphrase { log: log.clone(), given: true }),
            Ok(Err(Broken::Work(reason))) => Err(StoreError::Refused { location, reason }),
            Ok(Err(Broken::Key(reason))) => Err(StoreError::Key { location, reason }),
            Err(stopped) => Err(StoreError::Refused { location, reason: stopped.to_string() }),
        }
    }
}

/// Never shows the passphrase.
impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

impl MasterKey for Passphrase {
    fn made(&self, key: &WrappedKey) -> bool {
        matches!(key, WrappedKey::Passphrase(_))
    }

    fn generate<'a>(&'a self, log: &'a LogKey) -> BoxFuture<'a, Result<(DataKey, WrappedKey), StoreError>> {
        let passphrase = self.0.clone();
        Box::pin(async move {
            let made =
                spawn_blocking(move || generate(passphrase)).await.unwrap_or_else(|stopped| Err(stopped.to_string()));
            made.map_err(|reason| StoreError::Refused { location: log.to_string(), reason })
        })
    }
}

fn generate(passphrase: SecretString) -> Result<(DataKey, WrappedKey), String> {
    let key = DataKey::random().map_err(|error| format!("no random numbers: {error}"))?;
    let mut wrapped = Vec::new();
    let mut writer = age::Encryptor::with_user_passphrase(passphrase)
        .wrap_output(&mut wrapped)
        .map_err(|error| error.to_string())?;
    writer.write_all(key.bytes()).and_then(|()| writer.finish().map(drop)).map_err(|error| error.to_string())?;
    Ok((key, WrappedKey::Passphrase(BASE64.encode(wrapped))))
}

/// What a data key can't be decrypted for.
enum Broken {
    /// It takes another passphrase.
    Passphrase,
    /// It would take more work than is reasonable.
    Work(String),
    /// The encrypted key itself.
    Key(String),
}

fn decrypt(passphrase: SecretString, wrapped: &str) -> Result<DataKey, Broken> {
    let bytes = BASE64.decode(wrapped).map_err(|error| Broken::Key(error.to_string()))?;
    let decryptor = age::Decryptor::new(&bytes[..]).map_err(|error| Broken::Key(error.to_string()))?;
    let identity = age::scrypt::Identity::new(passphrase);
    let mut reader =
        decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity)).map_err(|error| match error {
            age::DecryptError::DecryptionFailed | age::DecryptError::KeyDecryptionFailed => Broken::Passphrase,
            work @ age::DecryptError::ExcessiveWork { .. } => Broken::Work(work.to_string()),
            damage => Broken::Key(damage.to_string()),
        })?;
    let mut key = [0; 32];
    reader.read_exact(&mut key).map_err(|error| Broken::Key(error.to_string()))?;
    Ok(DataKey::new(key))
}
