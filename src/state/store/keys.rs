//! Decrypting the data keys of a log, whatever master key they were made with.

use futures::future::BoxFuture;

use super::{DataKey, LogKey, Passphrase, StoreError, Unwrap, WrappedKey};

/// What data keys are decrypted with.
#[derive(Debug, Default)]
pub struct Keys {
    /// The passphrase, where one is given. Keys of AWS KMS are asked for by what the log says.
    pub passphrase: Option<Passphrase>,
}

impl Unwrap for Keys {
    fn unwrap_key<'a>(&'a self, log: &'a LogKey, key: &'a WrappedKey) -> BoxFuture<'a, Result<DataKey, StoreError>> {
        Box::pin(async move {
            let refused = |reason: String| StoreError::Refused { location: format!("the state of {log}"), reason };
            match (key, &self.passphrase) {
                (WrappedKey::Passphrase(wrapped), Some(passphrase)) => {
                    passphrase.unwrap_key(wrapped).await.map_err(refused)
                }
                (WrappedKey::Passphrase(_), None) => {
                    Err(refused("it is encrypted with a passphrase: give it in INFRA_STATE_PASSPHRASE".to_owned()))
                }
                #[cfg(feature = "aws")]
                (WrappedKey::Kms { arn, blob, .. }, _) => super::KmsKey::connect(arn).await.unwrap_key(log, blob).await,
                #[cfg(not(feature = "aws"))]
                (WrappedKey::Kms { .. }, _) => Err(refused(
                    "it is encrypted with a key of AWS KMS, and this infra was built without AWS".to_owned(),
                )),
            }
        })
    }
}
