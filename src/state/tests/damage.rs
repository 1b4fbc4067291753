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
        @"entry 3 (DIR/shop/dev/log/0000000003.json) is damaged: EOF while parsing a string at line 1 column 17"
    );
    fs::write(entry(directory.path(), 3), fs::read(entry(directory.path(), 2)).unwrap()).unwrap();
    insta::assert_snapshot!(
        failure(&store, directory.path()).await,
        @"entry 3 (DIR/shop/dev/log/0000000003.json) is damaged: it says that its number is 2"
    );
    fs::remove_file(entry(directory.path(), 3)).unwrap();
    insta::assert_snapshot!(failure(&store, directory.path()).await, @"entry 3 (DIR/shop/dev/log/0000000003.json) is missing");
    let mut altered = String::from_utf8(third.clone()).unwrap();
    altered = altered.replace("q-1", "q-2");
    fs::write(entry(directory.path(), 3), altered).unwrap();
    insta::assert_snapshot!(
        failure(&store, directory.path()).await,
        @"entry 3 (DIR/shop/dev/log/0000000003.json) is damaged: its checksum does not fit its content"
    );
    fs::write(entry(directory.path(), 3), third).unwrap();
    fs::write(
        entry(directory.path(), 2),
        r#"{"version":1,"serial":2,"session":"x","at":"2026-01-01T00:00:00Z","entries":["renew"]}"#,
    )
    .unwrap();
    insta::assert_snapshot!(
        failure(&store, directory.path()).await,
        @"entry 3 (DIR/shop/dev/log/0000000003.json) contradicts those before it: operation q-1 was not begun"
    );
}

#[tokio::test]
async fn a_newer_format_is_refused_even_at_the_end() {
    let (directory, store) = one_resource().await;
    fs::write(entry(directory.path(), 5), br#"{"version":4,"serial":5,"checksum":"00"}"#).unwrap();
    insta::assert_snapshot!(
        failure(&store, directory.path()).await,
        @"entry 5 (DIR/shop/dev/log/0000000005.json) is in format 4, which a newer infra wrote; this one knows formats up to 3: upgrade infra"
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

/// Two runs: entries 1 to 4 with one resource, 5 to 9 with another and something begun, which nobody let go of.
async fn two_runs() -> (tempfile::TempDir, Arc<LocalStore>) {
    let (directory, store) = one_resource().await;
    let (journal, _) = open(&store, "apply").await;
    create(&journal, "Other", "q-2").await.unwrap();
    journal.begin([(op("cut"), begun("Third", BegunAction::Create, Value::map()))]).await.unwrap();
    drop(journal);
    assert_eq!(entries(&store).await, 9);
    (directory, store)
}

#[tokio::test(start_paused = true)]
async fn what_was_on_record_before_damage_in_the_middle_can_be_looked_at() {
    let (directory, store) = two_runs().await;
    let before = State::at(&*store, &key(), 4).await.unwrap();
    fs::write(entry(directory.path(), 6), b"{\"version\":1,\"ser").unwrap();
    let error = State::load(&*store, &key()).await.unwrap_err();
    assert!(error.is_damage());
    assert_eq!(error.last_sound(), Some(5));
    assert_eq!(State::at(&*store, &key(), 4).await.unwrap(), before);
    for serial in 6..=9 {
        let error = State::at(&*store, &key(), serial).await.unwrap_err().to_string();
        assert!(error.contains("0000000006.json) is damaged"), "{serial}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_restore_goes_back_behind_damage_in_the_middle_and_nothing_else_does() {
    for damage in [Some(&b"{\"version\":1,\"ser"[..]), None] {
        let (directory, store) = two_runs().await;
        let before = State::at(&*store, &key(), 4).await.unwrap();
        let path = entry(directory.path(), 6);
        let whole = fs::read(&path).unwrap();
        match damage {
            Some(bytes) => fs::write(&path, bytes).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        Journal::open(store.clone(), key(), by("apply")).await.unwrap_err();
        assert!(!entry(directory.path(), 10).exists(), "nothing is written behind it");

        let found = Damaged::look(&*store, &key()).await.unwrap();
        assert_eq!((found.sound, found.last, &found.state.resources), (5, 9, &before.resources));
        let restored = Restored::Serial(4);
        found.replace(store.clone(), key(), by("state restore"), restored, before.clone()).await.unwrap();
        let state = load(&store).await;
        assert_eq!((&state.resources, &state.outputs), (&before.resources, &before.outputs));
        assert!(state.begun.contains_key(&op("cut")), "what may have been made is still looked for");
        // What is void stays so, whatever becomes of its file: everything since was done without it.
        fs::write(&path, whole).unwrap();
        let (journal, again) = open(&store, "apply").await;
        assert_eq!(again.resources, before.resources);
        create(&journal, "Next", "q-3").await.unwrap();
        assert_eq!(load(&store).await.resources.len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_restore_behind_damage_waits_for_who_may_hold_the_log_and_not_over_what_came_since() {
    let (directory, store) = two_runs().await;
    let before = State::at(&*store, &key(), 4).await.unwrap();
    fs::write(entry(directory.path(), 7), b"").unwrap();
    let replace = async |found: Damaged, options: OpenOptions| {
        found.replace(store.clone(), key(), options, Restored::Serial(4), before.clone()).await
    };
    let found = async || Damaged::look(&*store, &key()).await.unwrap();
    let held = replace(found().await, OpenOptions { wait: false, ..by("state restore") }).await;
    assert!(matches!(held, Err(Error::Held { .. })), "{held:?}");
    let looked = found().await;
    let since = tokio::time::Instant::now();
    replace(found().await, by("state restore")).await.unwrap();
    assert!(since.elapsed() >= LEASE, "whoever took the log in the entry that can't be read may be at work");
    let late = replace(looked, by("state restore")).await;
    assert!(matches!(late, Err(Error::Changed)), "{late:?}");
}

#[tokio::test]
async fn damage_with_nothing_on_record_before_it_has_nothing_to_go_back_to() {
    let (directory, store) = one_resource().await;
    fs::write(entry(directory.path(), 1), b"{").unwrap();
    let error = Damaged::look(&*store, &key()).await.unwrap_err();
    assert!(error.is_damage() && error.last_sound().is_none(), "{error}");
}

/// Two runs that each let go of the log with a snapshot: entries 1 to 5, and 6 to 10.
async fn two_whole_runs() -> (tempfile::TempDir, Arc<LocalStore>) {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(LocalStore::new(directory.path()));
    for (name, id) in [("Queue", "q-1"), ("Other", "q-2")] {
        let (journal, _) = open(&store, "apply").await;
        create(&journal, name, id).await.unwrap();
        journal.close().await.unwrap();
    }
    assert_eq!(entries(&store).await, 10);
    (directory, store)
}

#[tokio::test]
async fn history_tells_of_damage_that_a_snapshot_makes_up_for() {
    // Which file, and which of the two runs may have written it.
    let (first, second) = ([true, false], [false, true]);
    for (serial, damaged) in [(1, first), (3, first), (5, first), (8, second), (10, second)] {
        for truncated in [true, false] {
            let (directory, store) = two_whole_runs().await;
            let whole = State::history(&*store, &key(), 0).await.unwrap();
            assert_eq!((whole.runs.len(), whole.warnings.len()), (2, 0));
            let path = entry(directory.path(), serial);
            match truncated {
                true => fs::write(&path, b"{\"version\":3,").unwrap(),
                false => fs::remove_file(&path).unwrap(),
            }
            assert_eq!(load(&store).await.resources.len(), 2, "the snapshot makes up for it");
            let History { runs, warnings } = State::history(&*store, &key(), 0).await.unwrap();
            assert_eq!(runs.iter().map(|run| run.damaged).collect::<Vec<_>>(), damaged, "{serial}");
            let [warning] = &warnings[..] else { panic!("{warnings:?}") };
            let file = format!("{serial:010}.json) is {}", if truncated { "damaged: EOF" } else { "missing" });
            assert!(warning.contains(&file) && warning.ends_with("can't be told"), "{warning}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn history_does_not_miss_what_was_cut_off_at_the_end() {
    let (directory, store) = one_resource().await;
    fs::write(entry(directory.path(), 4), b"{").unwrap();
    assert_eq!(State::history(&*store, &key(), 0).await.unwrap().warnings, [""; 0]);
    let (journal, _) = open(&store, "apply").await;
    create(&journal, "Other", "q-2").await.unwrap();
    journal.close().await.unwrap();
    let History { runs, warnings } = State::history(&*store, &key(), 0).await.unwrap();
    assert_eq!((runs.iter().filter(|run| run.damaged).count(), warnings.len()), (0, 0));
}

#[tokio::test]
async fn a_log_with_a_damaged_or_missing_file_is_not_moved() {
    for serial in [1, 3, 10] {
        for truncated in [true, false] {
            let (directory, store) = two_whole_runs().await;
            match truncated {
                true => fs::write(entry(directory.path(), serial), b"{\"version\":3,").unwrap(),
                false => fs::remove_file(entry(directory.path(), serial)).unwrap(),
            }
            let to = Arc::new(MemoryStore::new());
            let migration = Migration { log: key(), from: store.clone(), to: to.clone(), place: "s3://new".into() };
            let error = migration.end(by("state migrate")).await.unwrap_err();
            assert!(error.is_damage() && error.to_string().contains(&format!("{serial:010}.json")), "{error}");
            assert_eq!((entries(&to).await, load(&store).await.resources.len()), (0, 2), "it goes on where it was");
        }
    }
}
