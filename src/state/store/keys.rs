//! Decrypting the data keys of a log, whatever master key they were made with.

use futures::future::BoxFuture;

use super::{DataKey, LogKey, Passphrase, StoreError, Unwrap, WrappedKey};

/// What data keys are decrypted with.
#[derive(Debug, Default)]
pub struct Keys {
    /// The passphrases, tried in turn. Keys of AWS KMS are asked for by what the log says.
    pub passphrases: Vec<Passphrase>,
}

impl Unwrap for Keys {
    fn unwrap_key<'a>(&'a self, log: &'a LogKey, key: &'a WrappedKey) -> BoxFuture<'a, Result<DataKey, StoreError>> {
        Box::pin(async move {
            match key {
                WrappedKey::Passphrase(wrapped) => {
                    let mut key = Err(StoreError::Passphrase { log: log.clone(), given: false });
                    for passphrase in &self.passphrases {
                        key = passphrase.unwrap_key(log, wrapped).await;
                        if !matches!(key, Err(StoreError::Passphrase { .. })) {
                            break;
                        }
                    }
                    key
                }
                #[cfg(feature = "aws")]
                WrappedKey::Kms { arn, blob, .. } => super::KmsKey::connect(arn).await.unwrap_key(log, blob).await,
                #[cfg(not(feature = "aws"))]
                WrappedKey::Kms { .. } => Err(StoreError::Refused {
                    location: format!("the state of {log}"),
                    reason: "it is encrypted with a key of AWS KMS, and this infra was built without AWS".to_owned(),
                }),
            }
        })
    }
}
