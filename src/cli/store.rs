//! Where logs are kept, and what they are encrypted with.

use std::sync::Arc;

use super::args::StatePlace;
use super::cloud;
use super::error::CommandError;
use crate::stack::{self, Encryption};
use crate::state::store::{EncryptedStore, Keys, MasterKey, Passphrase};
use crate::state::{LocalStore, Store};

/// The variable that holds the passphrase that state is encrypted with.
pub(super) const PASSPHRASE: &str = "INFRA_STATE_PASSPHRASE";
/// The variable that holds an earlier passphrase, which opens what was encrypted with it.
pub(super) const OLD_PASSPHRASE: &str = "INFRA_STATE_OLD_PASSPHRASE";

/// The store at a place. What is encrypted there is decrypted with the key that it names, or the passphrase that the
/// environment gives.
pub(super) async fn store(place: &StatePlace) -> Result<Arc<dyn Store>, CommandError> {
    // What a saved plan says has been checked by nobody yet.
    if let Some(why) = stack::refused_place(&place.place) {
        return Err(CommandError::usage(why).hint(stack::PLACES));
    }
    let kept: Arc<dyn Store> = match place.place.starts_with("s3://") {
        true => cloud::s3_store(&place.place).await?,
        false => Arc::new(LocalStore::new(&place.place)),
    };
    let given = |name| std::env::var(name).ok().filter(|text| !text.is_empty()).map(Passphrase::new);
    let passphrase = given(PASSPHRASE);
    let master: Option<Arc<dyn MasterKey>> = match (&place.encryption, &passphrase) {
        (Some(Encryption::Kms(key)), _) => Some(cloud::kms_key(key).await?),
        (_, Some(passphrase)) => Some(Arc::new(passphrase.clone())),
        (Some(Encryption::Passphrase), None) => {
            let message = "the stack says that its state is encrypted with a passphrase, and there is none";
            return Err(CommandError::usage(message).hint(format!("give it in {PASSPHRASE}")));
        }
        (None, None) => None,
    };
    let keys = Keys { passphrases: passphrase.into_iter().chain(given(OLD_PASSPHRASE)).collect() };
    Ok(Arc::new(EncryptedStore::new(kept, master, Arc::new(keys))))
}
