//! A key of AWS KMS as the master key of logs.

use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::DataKeySpec;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures::future::BoxFuture;

use super::{DataKey, LogKey, MasterKey, StoreError, WrappedKey};
use crate::aws::client::Aws;
use crate::aws::error::During;
use crate::cloud::{CloudError, ErrorKind};

/// The name under which the log stands in the encryption context: in CloudTrail, and for conditions in policies.
const CONTEXT: &str = "infra:log";

/// A key of AWS KMS, with the credentials of the default chain. It needs `kms:GenerateDataKey` and `kms:Decrypt`.
#[derive(Debug)]
pub struct KmsKey {
    aws: Aws,
    /// Its id, ARN or alias.
    key: String,
}

impl KmsKey {
    /// The key of that id, ARN or alias. Makes no call yet.
    pub async fn connect(key: &str) -> Self {
        // An ARN tells its region; a key or alias is in the region of the environment or profile.
        let region =
            key.strip_prefix("arn:").and_then(|rest| rest.split(':').nth(2)).filter(|region| !region.is_empty());
        let aws = match region {
            Some(region) => Aws::connect(region).await,
            None => Aws::connect_anywhere().await,
        };
        Self::new(aws, key)
    }

    /// The key of that id, ARN or alias, where `aws` is.
    pub fn new(aws: Aws, key: &str) -> Self {
        Self { aws, key: key.to_owned() }
    }

    /// Decrypts a data key of a log, given in base64.
    ///
    /// # Errors
    /// What KMS answers.
    pub async fn unwrap_key(&self, log: &LogKey, blob: &str) -> Result<DataKey, StoreError> {
        let bytes = BASE64.decode(blob).map_err(|error| self.refused(error.to_string()))?;
        let call = self.aws.kms().decrypt().key_id(&self.key).ciphertext_blob(Blob::new(bytes));
        let answer = call.encryption_context(CONTEXT, log.to_string()).send().await.during("kms:Decrypt");
        self.key_of(answer.map_err(|error| self.failed(error))?.plaintext())
    }

    fn key_of(&self, plaintext: Option<&Blob>) -> Result<DataKey, StoreError> {
        let bytes = plaintext.and_then(|blob| <[u8; 32]>::try_from(blob.as_ref()).ok());
        bytes.map(DataKey::new).ok_or_else(|| self.refused("KMS gave no key of 32 bytes".to_owned()))
    }

    fn refused(&self, reason: String) -> StoreError {
        StoreError::KmsKey { key: self.key.clone(), reason }
    }

    fn failed(&self, error: CloudError) -> StoreError {
        let reason = error.to_string();
        match error.kind {
            ErrorKind::Throttled | ErrorKind::Unavailable | ErrorKind::Lost => {
                StoreError::Unavailable { location: format!("the state's key, {} in KMS,", self.key), reason }
            }
            _ => self.refused(reason),
        }
    }
}

impl MasterKey for KmsKey {
    fn made(&self, key: &WrappedKey) -> bool {
        matches!(key, WrappedKey::Kms { named, .. } if *named == self.key)
    }

    fn generate<'a>(&'a self, log: &'a LogKey) -> BoxFuture<'a, Result<(DataKey, WrappedKey), StoreError>> {
        Box::pin(async move {
            let call = self.aws.kms().generate_data_key().key_id(&self.key).key_spec(DataKeySpec::Aes256);
            let answer = call.encryption_context(CONTEXT, log.to_string()).send().await.during("kms:GenerateDataKey");
            let answer = answer.map_err(|error| self.failed(error))?;
            let blob = answer.ciphertext_blob().map(|blob| BASE64.encode(blob));
            let blob = blob.ok_or_else(|| self.refused("KMS gave no encrypted key".to_owned()))?;
            let arn = answer.key_id().unwrap_or(&self.key).to_owned();
            Ok((self.key_of(answer.plaintext())?, WrappedKey::Kms { arn, named: self.key.clone(), blob }))
        })
    }
}
