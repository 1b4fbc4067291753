//! Logs of which nothing can be read without the key.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::BoxFuture;

use super::*;
use crate::state::store::{DataKey, EncryptedStore, Keys, MasterKey, Passphrase, Unwrap, WrappedKey};

/// A master key in memory, in place of KMS: it counts what it is asked.
#[derive(Debug, Default)]
struct Master {
    name: &'static str,
    generated: AtomicUsize,
    unwrapped: AtomicUsize,
}

impl Master {
    fn mask(&self, bytes: &[u8; 32]) -> [u8; 32] {
        bytes.map(|byte| byte ^ self.name.as_bytes()[0])
    }
}

impl MasterKey for Master {
    fn made(&self, key: &WrappedKey) -> bool {
        matches!(key, WrappedKey::Kms { named, .. } if named == self.name)
    }

    fn generate<'a>(&'a self, _: &'a LogKey) -> BoxFuture<'a, Result<(DataKey, WrappedKey), StoreError>> {
        self.generated.fetch_add(1, Ordering::SeqCst);
        let key = DataKey::random().unwrap();
        let blob = crate::state::seal::hex(&self.mask(key.bytes()));
        let wrapped = WrappedKey::Kms { arn: format!("arn:{}", self.name), named: self.name.to_owned(), blob };
        Box::pin(async { Ok((key, wrapped)) })
    }
}

impl Unwrap for Master {
    fn unwrap_key<'a>(&'a self, _: &'a LogKey, key: &'a WrappedKey) -> BoxFuture<'a, Result<DataKey, StoreError>> {
        self.unwrapped.fetch_add(1, Ordering::SeqCst);
        let WrappedKey::Kms { blob, .. } = key else { panic!("{key:?}") };
        let byte = |at: usize| u8::from_str_radix(&blob[at * 2..at * 2 + 2], 16).unwrap();
        let key = DataKey::new(self.mask(&std::array::from_fn(byte)));
        Box::pin(async { Ok(key) })
    }
}

fn encrypted(kept: &Arc<MemoryStore>, master: &Arc<Master>) -> Arc<EncryptedStore> {
    Arc::new(EncryptedStore::new(kept.clone(), Some(master.clone()), master.clone()))
}

async fn bytes(kept: &Arc<MemoryStore>) -> String {
    let mut all = String::new();
    for (_, bytes) in kept.read(&key(), 1).await.unwrap() {
        all.push_str(&String::from_utf8(bytes).unwrap());
    }
    for serial in kept.snapshots(&key()).await.unwrap() {
        all.push_str(&String::from_utf8(kept.read_snapshot(&key(), serial).await.unwrap().unwrap()).unwrap());
    }
    all
}

#[tokio::test(start_paused = true)]
async fn nothing_of_a_log_can_be_read_without_the_key() {
    let (kept, master) = (Arc::new(MemoryStore::new()), Arc::new(Master { name: "one", ..Master::default() }));
    let (journal, _) = open(&encrypted(&kept, &master), "apply").await;
    create(&journal, "KanariQueue", "kanari-id").await.unwrap();
    journal.close().await.unwrap();
    let text = bytes(&kept).await;
    assert!(!text.to_lowercase().contains("kanari") && !text.contains("Test::App::Queue"), "{text}");
    let state = load(&encrypted(&kept, &master)).await;
    assert!(state.resources.contains_key(&Address::from("KanariQueue")));
    assert_eq!(master.generated.load(Ordering::SeqCst), 1, "one key for the log");
    assert_eq!(master.unwrapped.load(Ordering::SeqCst), 1, "asked for once");
}

#[tokio::test(start_paused = true)]
async fn encryption_begins_in_the_middle_goes_on_by_itself_and_changes_keys() {
    let kept = Arc::new(MemoryStore::new());
    let (one, two) =
        (Arc::new(Master { name: "one", ..Master::default() }), Arc::new(Master { name: "one", ..Master::default() }));
    let (journal, _) = open(&kept, "apply").await;
    create(&journal, "Plain", "plain").await.unwrap();
    journal.close().await.unwrap();
    let (journal, _) = open(&encrypted(&kept, &one), "apply").await;
    create(&journal, "Secret", "kanari").await.unwrap();
    journal.close().await.unwrap();
    // Without a word of it the log stays encrypted.
    let unasked = Arc::new(EncryptedStore::new(kept.clone(), None, one.clone()));
    let (journal, state) = open(&unasked, "apply").await;
    assert_eq!(state.resources.len(), 2);
    create(&journal, "Third", "kanari-3").await.unwrap();
    journal.close().await.unwrap();
    assert!(!bytes(&kept).await.contains("kanari"));
    assert_eq!((one.generated.load(Ordering::SeqCst), two.generated.load(Ordering::SeqCst)), (1, 0));
    let other = Arc::new(Master { name: "other", ..Master::default() });
    let both = Arc::new(EncryptedStore::new(kept.clone(), Some(other.clone()), one.clone()));
    let (journal, _) = open(&both, "apply").await;
    journal.close().await.unwrap();
    assert_eq!(other.generated.load(Ordering::SeqCst), 1, "a new key under the new master key");
}

#[tokio::test(start_paused = true)]
async fn an_entry_cannot_stand_in_for_another_nor_be_altered() {
    let (kept, master) = (Arc::new(MemoryStore::new()), Arc::new(Master { name: "one", ..Master::default() }));
    let (journal, _) = open(&encrypted(&kept, &master), "apply").await;
    create(&journal, "Queue", "q-1").await.unwrap();
    journal.close().await.unwrap();
    for serial in kept.snapshots(&key()).await.unwrap() {
        kept.delete_snapshots(&key(), vec![serial]).await.unwrap();
    }
    let files = kept.read(&key(), 1).await.unwrap();
    let failure = async |at: usize, bytes: Vec<u8>| {
        let altered = Arc::new(MemoryStore::new());
        for (index, (serial, whole)) in files.iter().enumerate() {
            altered.append(&key(), *serial, if index == at { bytes.clone() } else { whole.clone() }).await.unwrap();
        }
        State::load(&*encrypted(&altered, &master), &key()).await.unwrap_err().to_string()
    };
    let damaged =
        "entry 3 (memory:shop/dev/log/0000000003.json) is damaged: what is encrypted in it is not what was written";
    assert_eq!(failure(2, files[1].1.clone()).await, damaged, "another entry of the log");
    let mut flipped = files[2].1.clone();
    let at = flipped.len() - 20;
    flipped[at] = if flipped[at] == b'A' { b'B' } else { b'A' };
    assert_eq!(failure(2, flipped).await, damaged, "one bit");
}

#[tokio::test]
async fn a_passphrase_opens_what_it_closed_and_another_does_not() {
    let kept = Arc::new(MemoryStore::new());
    let with = |text: &str| {
        let passphrase = Passphrase::new(text.to_owned());
        let keys = Keys { passphrases: vec![passphrase.clone()] };
        Arc::new(EncryptedStore::new(kept.clone(), Some(Arc::new(passphrase)), Arc::new(keys)))
    };
    let (journal, _) = open(&with("correct horse"), "apply").await;
    create(&journal, "KanariQueue", "kanari-id").await.unwrap();
    journal.close().await.unwrap();
    assert!(!bytes(&kept).await.to_lowercase().contains("kanari"));
    assert_eq!(load(&with("correct horse")).await.resources.len(), 1);
    let refused = async |store: Arc<EncryptedStore>| State::load(&*store, &key()).await.unwrap_err().to_string();
    insta::assert_snapshot!(refused(with("battery staple")).await, @"the state of shop/dev is encrypted with another passphrase");
    let without = Arc::new(EncryptedStore::new(kept.clone(), None, Arc::new(Keys::default())));
    insta::assert_snapshot!(refused(without).await, @"the state of shop/dev is encrypted with a passphrase");
    assert!(!format!("{:?}", with("correct horse")).contains("horse"));
}

#[tokio::test]
async fn an_entry_whose_own_key_is_damaged_is_named_as_any_other() {
    let kept = Arc::new(MemoryStore::new());
    let passphrase = Passphrase::new("correct horse".to_owned());
    let with = |kept: &Arc<MemoryStore>| {
        let keys = Keys { passphrases: vec![passphrase.clone()] };
        Arc::new(EncryptedStore::new(kept.clone(), Some(Arc::new(passphrase.clone())), Arc::new(keys)))
    };
    let (journal, _) = open(&with(&kept), "apply").await;
    create(&journal, "Queue", "q-1").await.unwrap();
    drop(journal);
    let files = kept.read(&key(), 1).await.unwrap();
    // Of `age-encryption.org/v1` and the stanza after it, in base64.
    for (whole, broken) in [("YWdlLWVuY3J5cHRpb24", "AAAALWVuY3J5cHRpb24"), ("YWdlLWVu", "YWdlLWVu="), ("Ci0+", "Ci0/")]
    {
        let altered = Arc::new(MemoryStore::new());
        for (serial, bytes) in &files {
            let mut text = String::from_utf8(bytes.clone()).unwrap();
            if *serial == 3 {
                assert!(text.contains(whole), "{text}");
                text = text.replacen(whole, broken, 1);
            }
            altered.append(&key(), *serial, text.into_bytes()).await.unwrap();
        }
        let error = State::load(&*with(&altered), &key()).await.unwrap_err();
        assert!(error.is_damage(), "{error}");
        assert!(error.to_string().starts_with("entry 3 (memory:shop/dev/log/0000000003.json) is damaged"), "{error}");
    }
}
