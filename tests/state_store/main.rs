//! Logs in S3, as the local AWS keeps them.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

use std::sync::Arc;

use aws_sdk_s3::config::{Credentials, Region};
use futures::future::{BoxFuture, join_all};
use infra::aws::Aws;
use infra::state::store::{EncryptedStore, KmsKey, MasterKey, Unwrap, WrappedKey};
use infra::state::{LogKey, S3Place, S3Store, Store, StoreError};
use local_aws::{Action, Fault, LocalAws, Options, When};

const REGION: &str = "us-east-1";

fn key() -> LogKey {
    LogKey::new("shop", "dev")
}

async fn bucket(local: &LocalAws, name: &str) {
    let credentials = Credentials::new("test", "test", None, None, "local AWS");
    let config = aws_sdk_s3::Config::builder()
        .behavior_version_latest()
        .region(Region::new(REGION))
        .endpoint_url(local.endpoint())
        .credentials_provider(credentials)
        .force_path_style(true)
        .build();
    aws_sdk_s3::Client::from_conf(config).create_bucket().bucket(name).send().await.unwrap();
}

async fn store(local: &LocalAws, place: &str) -> Arc<S3Store> {
    let place = S3Place::parse(place).unwrap();
    Arc::new(S3Store::new(Aws::local(REGION, &local.endpoint()).await, place))
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_written_once_and_read_in_order() {
    let local = LocalAws::start(Options::default()).await.unwrap();
    bucket(&local, "state").await;
    let store = store(&local, "s3://state/teams/one").await;
    assert_eq!(store.location(&key()), "s3://state/teams/one/shop/dev");
    assert_eq!(store.read(&key(), 1).await.unwrap(), []);
    assert_eq!(store.logs().await.unwrap(), []);

    for serial in [1, 2, 3, 10, 11] {
        store.append(&key(), serial, format!("entry {serial}").into_bytes()).await.unwrap();
    }
    let taken = store.append(&key(), 2, b"another".to_vec()).await;
    assert!(matches!(taken, Err(StoreError::Taken(2))), "{taken:?}");
    let read = store.read(&key(), 3).await.unwrap();
    assert_eq!(read, [3, 10, 11].map(|serial| (serial, format!("entry {serial}").into_bytes())));

    store.write_snapshot(&key(), 3, b"so far".to_vec()).await.unwrap();
    store.write_snapshot(&key(), 3, b"so far".to_vec()).await.unwrap();
    assert_eq!(store.snapshots(&key()).await.unwrap(), [3]);
    assert_eq!(store.read_snapshot(&key(), 3).await.unwrap().as_deref(), Some(&b"so far"[..]));
    assert_eq!(store.read_snapshot(&key(), 4).await.unwrap(), None);

    store.delete_snapshots(&key(), vec![3, 7]).await.unwrap();
    assert!(store.snapshots(&key()).await.unwrap().is_empty());

    let other = LogKey::new("shop", "prod");
    store.append(&other, 1, b"x".to_vec()).await.unwrap();
    assert_eq!(store.logs().await.unwrap(), [key(), other]);
    local.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_eight_that_write_the_same_entry_one_does() {
    let local = LocalAws::start(Options::default()).await.unwrap();
    bucket(&local, "state").await;
    let store = store(&local, "s3://state").await;
    for serial in 1..=10 {
        let (log, writers) = (key(), 0..8_u8);
        let writes = join_all(writers.map(|writer| store.append(&log, serial, vec![writer]))).await;
        let won: Vec<_> = (0..8_u8).zip(&writes).filter(|(_, write)| write.is_ok()).map(|(writer, _)| writer).collect();
        assert_eq!(won.len(), 1, "{writes:?}");
        assert!(
            writes
                .iter()
                .flat_map(|write| write.as_ref().err())
                .all(|e| matches!(e, StoreError::Taken(s) if *s == serial))
        );
        assert_eq!(store.read(&key(), serial).await.unwrap(), [(serial, won)]);
    }
    local.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_missing_or_closed_is_named() {
    let local = LocalAws::start(Options::default()).await.unwrap();
    let missing = store(&local, "s3://nowhere/x").await.read(&key(), 1).await.unwrap_err().to_string();
    assert_eq!(missing, "s3://nowhere: there is no such bucket; infra makes none for its state");

    bucket(&local, "state").await;
    let store = store(&local, "s3://state").await;
    let error = Action::Error { code: "AccessDenied".into(), message: "not yours".into(), status: 403 };
    let fault =
        Fault { service: "s3".into(), operation: "PutObject".into(), when: When::Always, times: None, action: error };
    let _until_the_end = local.control().add_fault(fault);
    let denied = store.append(&key(), 1, b"x".to_vec()).await.unwrap_err();
    assert!(matches!(denied, StoreError::Refused { .. }), "{denied:?}");
    assert!(denied.to_string().contains("AccessDenied"), "{denied}");
    local.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_encrypted_with_a_key_of_kms() {
    let local = LocalAws::start(Options::default()).await.unwrap();
    bucket(&local, "state").await;
    let endpoint = local.endpoint();
    let made = Aws::local(REGION, &endpoint).await.kms().create_key().send().await.unwrap();
    let id = made.key_metadata().unwrap().key_id();
    let key_of = async || Arc::new(KmsKey::new(Aws::local(REGION, &endpoint).await, id));
    let kept = store(&local, "s3://state").await;
    let encrypted = EncryptedStore::new(kept.clone(), Some(key_of().await), Arc::new(Opens(key_of().await)));
    encrypted.append(&key(), 1, b"kanari".to_vec()).await.unwrap();
    encrypted.append(&key(), 2, b"kanari too".to_vec()).await.unwrap();
    let stored = kept.read(&key(), 1).await.unwrap();
    assert!(stored.iter().all(|(_, bytes)| !String::from_utf8_lossy(bytes).contains("kanari")));

    let again = EncryptedStore::new(kept.clone(), None, Arc::new(Opens(key_of().await)));
    let read = again.read(&key(), 1).await.unwrap();
    assert_eq!(read, [(1, b"kanari".to_vec()), (2, b"kanari too".to_vec())]);
    let (_, wrapped) = key_of().await.generate(&LogKey::new("shop", "prod")).await.unwrap();
    let elsewhere = Opens(key_of().await).unwrap_key(&key(), &wrapped).await;
    assert!(matches!(elsewhere, Err(StoreError::KmsKey { .. })), "a key of another log: {elsewhere:?}");
    local.stop().await;
}

/// Decrypts with one key of KMS, on the local AWS.
#[derive(Debug)]
struct Opens(Arc<KmsKey>);

impl Unwrap for Opens {
    fn unwrap_key<'a>(
        &'a self,
        log: &'a LogKey,
        key: &'a WrappedKey,
    ) -> BoxFuture<'a, Result<infra::state::store::DataKey, StoreError>> {
        Box::pin(async move {
            let WrappedKey::Kms { blob, .. } = key else { panic!("{key:?}") };
            self.0.unwrap_key(log, blob).await
        })
    }
}
