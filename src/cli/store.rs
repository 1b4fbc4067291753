//! Where logs are kept, and what they are encrypted with.

use std::sync::Arc;

use super::args::StatePlace;
use super::cloud;
use super::error::CommandError;
use crate::stack::Encryption;
use crate::state::store::{EncryptedStore, Keys, MasterKey, Passphrase};
use crate::state::{LocalStore, Store};

/// What holds the passphrase that state is encrypted with.
const PASSPHRASE: &str = "INFRA_STATE_PASSPHRASE";

/// The store at a place. What is encrypted there is decrypted with the key that it names, or the passphrase that the
/// environment gives.
pub(super) async fn store(place: &StatePlace) -> Result<Arc<dyn Store>, CommandError> {
    let kept: Arc<dyn Store> = match place.place.split_once("://") {
        Some(("s3", _)) => cloud::s3_store(&place.place).await?,
        Some((scheme, _)) => {
            let error = CommandError::usage(format!("state can't be kept in {scheme}://"));
            return Err(error.hint("state is kept in s3://BUCKET/PREFIX, or in a folder"));
        }
        None => Arc::new(LocalStore::new(&place.place)),
    };
    let passphrase = std::env::var(PASSPHRASE).ok().filter(|text| !text.is_empty()).map(Passphrase::new);
    let master: Option<Arc<dyn MasterKey>> = match (&place.encryption, &passphrase) {
        (Some(Encryption::Kms(key)), _) => Some(cloud::kms_key(key).await?),
        (_, Some(passphrase)) => Some(Arc::new(passphrase.clone())),
        (Some(Encryption::Passphrase), None) => {
            let message = "the stack says that its state is encrypted with a passphrase, and there is none";
            return Err(CommandError::usage(message).hint(format!("give it in {PASSPHRASE}")));
        }
        (None, None) => None,
    };
    Ok(Arc::new(EncryptedStore::new(kept, master, Arc::new(Keys { passphrase }))))
}
