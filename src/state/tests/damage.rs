//! Files that are cut off, scrambled, missing, or from another time.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;

fn entry(directory: &Path, serial: u64) -> PathBuf {
    directory.join(format!("shop/dev/log/{serial:010}.json"))
}

/// A log of one resource: entries 1 (open) to 4 (done).
async fn one_resource() -> (tempfile::TempDir, Arc<LocalStore>) {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(LocalStore::new(directory.path()));
    let (journal, _) = open(&store, "apply").await;
    create(&journal, "Queue", "q-1").await.unwrap();
    drop(journal);
    (directory, store)
}

async fn failure(store: &LocalStore, directory: &Path) -> String {
    let error = State::load(store, &key()).await.unwrap_err().to_string();
    error.replace(directory.to_str().unwrap(), "DIR")
}

#[tokio::test]
async fn a_last_entry_cut_off_at_any_byte_counts_as_never_written() {
    let (directory, store) = one_resource().await;
    let path = entry(directory.path(), 4);
    let whole = fs::read(&path).unwrap();
    let unfinished = {
        fs::remove_file(&path).unwrap();
        load(&store).await
    };
    assert!(!unfinished.resources[&Address::from("Queue")].settled);
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let mut state = load(&store).await;
        let warning = state.warnings.pop().unwrap();
        assert!(warning.starts_with("the last entry (4) of ") && warning.ends_with("it is left out"), "{warning}");
        assert_eq!(state, unfinished, "cut off after {length} bytes");
    }
    fs::write(&path, &whole).unwrap();
    assert!(load(&store).await.warnings.is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_opens_after_a_damaged_entry_goes_on_behind_it_for_good() {
    let (directory, store) = one_resource().await;
    let path = entry(directory.path(), 4);
    fs::write(&path, b"{\"version\":1,").unwrap();
    let (journal, state) = open(&store, "apply").await;
    assert_eq!(state.warnings.len(), 1);
    create(&journal, "Other", "q-2").await.unwrap();
    assert!(path.exists(), "its number stays taken");
    let state = load(&store).await;
    assert_eq!((state.resources.len(), state.warnings.len()), (2, 0));
    journal.close().await.unwrap();
    assert_eq!(open(&store, "apply").await.1.resources, state.resources);
}

#[tokio::test(start_paused = true)]
async fn entries_cut_off_one_after_the_other_count_as_never_written() {
    let (directory, store) = one_resource().await;
    let unfinished = {
        fs::remove_file(entry(directory.path(), 4)).unwrap();
        load(&store).await
    };
    // The one that was to declare the first void was cut off as well.
    for serial in [4, 5] {
        fs::write(entry(directory.path(), serial), b"{\"version\":1,").unwrap();
    }
    let (journal, state) = open(&store, "apply").await;
    assert_eq!((state.warnings.len(), &state.resources), (2, &unfinished.resources));
    create(&journal, "Other", "q-2").await.unwrap();
    let state = load(&store).await;
    assert_eq!((state.resources.len(), state.warnings.len()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_damaged_first_entry_is_made_again_with_a_new_key() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(LocalStore::new(directory.path()));
    fs::create_dir_all(entry(directory.path(), 1).parent().unwrap()).unwrap();
    fs::write(entry(directory.path(), 1), b"").unwrap();
    let (journal, _) = open(&store, "apply").await;
    create(&journal, "Queue", "q-1").await.unwrap();
    assert_eq!(load(&store).await.resources.len(), 1);
}

#[tokio::test]
async fn damage_elsewhere_is_named_and_nothing_is_guessed() {
    let (directory, store) = one_resource().await;
    let third = fs::read(entry(directory.path(), 3)).unwrap();
    fs::write(entry(directory.path(), 3), b"{\"version\":1,\"ser").unwrap();
    insta::assert_snapshot!(
        failure(&store, directory.path()).await,
        @"entry 3 of DIR/shop/dev is damaged: EOF while parsing a string at line 1 column 17"
    );
    fs::write(entry(directory.path(), 3), fs::read(entry(directory.path(), 2)).unwrap()).unwrap();
    insta::assert_snapshot!(
        failure(&store, directory.path()).await,
        @"entry 3 of DIR/shop/dev is damaged: it says that its number is 2"
    );
    fs::remove_file(entry(directory.path(), 3)).unwrap();
    insta::assert_snapshot!(failure(&store, directory.path()).await, @"entry 3 of DIR/shop/dev is missing");
    let mut altered = String::from_utf8(third.clone()).unwrap();
    altered = altered.replace("q-1", "q-2");
    fs::write(entry(directory.path(), 3), altered).unwrap();
    insta::assert_snapshot!(
        failure(&store, directory.path()).await,
        @"entry 3 of DIR/shop/dev is damaged: its checksum does not fit its content"
    );
    fs::write(entry(directory.path(), 3), third).unwrap();
    fs::write(
        entry(directory.path(), 2),
        r#"{"version":1,"serial":2,"session":"x","at":"2026-01-01T00:00:00Z","entries":["renew"]}"#,
    )
    .unwrap();
    insta::assert_snapshot!(
        failure(&store, directory.path()).await,
        @"entry 3 of DIR/shop/dev contradicts those before it: operation q-1 was not begun"
    );
}

#[tokio::test]
async fn a_newer_format_is_refused_even_at_the_end() {
    let (directory, store) = one_resource().await;
    fs::write(entry(directory.path(), 5), br#"{"version":3,"serial":5,"checksum":"00"}"#).unwrap();
    insta::assert_snapshot!(
        failure(&store, directory.path()).await,
        @"entry 5 of DIR/shop/dev is in format 3, which a newer infra wrote; this one knows formats up to 2: upgrade infra"
    );
    Journal::open(store, key(), by("apply")).await.unwrap_err();
    assert!(!entry(directory.path(), 6).exists(), "nothing is written behind it");
}

#[tokio::test]
async fn secrets_never_reach_the_disk() {
    const CANARY: &str = "kanari-7f3a9";
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(LocalStore::new(directory.path()));
    let (journal, _) = open(&store, "apply").await;
    let properties = map(&[
        ("Password", secret(CANARY)),
        ("Nested", Value::List(vec![map(&[("Key", secret(CANARY))])])),
        ("Whole", Value::Secret(Box::new(map(&[(CANARY, Value::from(CANARY))])))),
    ]);
    let (queue, id) = (Address::from("Queue"), Id::new("q-1"));
    journal.begin([(op("op-1"), begun("Queue", BegunAction::Create, properties.clone()))]).await.unwrap();
    journal.made(&op("op-1"), &id).await.unwrap();
    journal.done(&op("op-1"), &queue, &properties).await.unwrap();
    let outputs = properties.clone();
    let updated = Updated { properties: properties.clone(), outputs, dependencies: Vec::new(), prevent_destroy: false };
    journal.updated(&queue, &updated).await.unwrap();
    journal.outputs(&[("password".to_owned(), secret(CANARY))].into()).await.unwrap();
    journal.close().await.unwrap();

    let mut files = 0;
    let mut folders = vec![directory.path().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let text = String::from_utf8(fs::read(&path).unwrap()).unwrap();
            assert!(!text.contains(CANARY), "{}: {text}", path.display());
        }
    }
    assert_eq!(files, 8, "seven entries and a snapshot");
    let state = load(&store).await;
    let record = &state.resources[&queue];
    let seal = state.seal.as_ref().unwrap();
    assert!(seal.matches(&record.properties, &properties), "though they can be compared");
    assert!(!format!("{state:?}").contains(CANARY));
}
