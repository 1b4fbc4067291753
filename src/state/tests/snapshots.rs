//! Snapshots and what is kept behind them.

use super::stubborn::{Mood, Stubborn};
use super::*;

async fn fill(journal: &Journal, from: usize, count: usize) {
    for index in from..from + count {
        let name = format!("q-{index}");
        create(journal, &name, &name).await.unwrap();
    }
}

async fn serials(store: &Arc<MemoryStore>) -> Vec<u64> {
    store.read(&key(), 1).await.unwrap().into_iter().map(|(serial, _)| serial).collect()
}

#[tokio::test(start_paused = true)]
async fn reading_from_a_snapshot_gives_what_reading_all_entries_gives() {
    let store = Arc::new(MemoryStore::new());
    let (journal, _) = open(&store, "apply").await;
    fill(&journal, 0, 30).await;
    let queue = Address::from("q-3");
    let replacement = Begun {
        generated: vec!["Name".into()],
        dependencies: vec!["q-1".into()],
        prevent_destroy: true,
        ..begun("q-3", BegunAction::Create, map(&[("Name", "new".into()), ("Key", secret("x"))]))
    };
    journal.begin([(op("replace"), replacement.clone())]).await.unwrap();
    journal.made(&op("replace"), &Id::new("new")).await.unwrap();
    let delete = begun("q-3", BegunAction::Delete(Id::new("q-3")), Value::map());
    journal.begin([(op("delete"), delete), (op("again"), replacement)]).await.unwrap();
    journal.outputs(&[("url".to_owned(), secret("u"))].into()).await.unwrap();
    let before = load(&store).await;
    assert!(before.deposed.contains_key(&queue) && before.begun.len() == 2);
    journal.close().await.unwrap();

    let snapshots = store.snapshots(&key()).await.unwrap();
    assert_eq!(snapshots.len(), 2, "one on the way, one at the end");
    assert_eq!(load(&store).await, before);
    store.delete_snapshots(&key(), snapshots).await.unwrap();
    assert_eq!(load(&store).await, before);
}

#[tokio::test(start_paused = true)]
async fn a_damaged_snapshot_is_replaced_by_the_one_before() {
    let store = Arc::new(MemoryStore::new());
    let (journal, _) = open(&store, "apply").await;
    fill(&journal, 0, 30).await;
    journal.close().await.unwrap();
    let whole = load(&store).await;
    let last = *store.snapshots(&key()).await.unwrap().last().unwrap();
    store.write_snapshot(&key(), last, b"{\"version\":1".to_vec()).await.unwrap();
    let mut state = load(&store).await;
    assert!(state.warnings.pop().unwrap().contains("an older one is read instead"));
    assert_eq!(state, whole);
    store.write_snapshot(&key(), last, b"{\"version\":9}".to_vec()).await.unwrap();
    let error = State::load(&*store, &key()).await.unwrap_err().to_string();
    assert!(error.contains("a newer infra wrote"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_changes_nothing_writes_no_snapshot() {
    let store = Arc::new(MemoryStore::new());
    let (journal, _) = open(&store, "apply").await;
    fill(&journal, 0, 1).await;
    journal.close().await.unwrap();
    let snapshots = store.snapshots(&key()).await.unwrap();
    for _ in 0..10 {
        open(&store, "apply").await.0.close().await.unwrap();
    }
    assert_eq!(store.snapshots(&key()).await.unwrap(), snapshots);
}

#[tokio::test(start_paused = true)]
async fn every_entry_and_two_snapshots_are_kept() {
    let store = Arc::new(MemoryStore::new());
    let (journal, _) = open(&store, "apply").await;
    for index in 0..4000 {
        journal.outputs(&[("index".to_owned(), Value::Int(index))].into()).await.unwrap();
    }
    journal.close().await.unwrap();
    assert_eq!(serials(&store).await, (1..=4002).collect::<Vec<_>>());
    assert_eq!(store.snapshots(&key()).await.unwrap().len(), 2);
    assert_eq!(load(&store).await.outputs["index"], Value::Int(3999));
    let at = async |serial| State::at(&*store, &key(), serial).await;
    assert_eq!(at(1001).await.unwrap().outputs["index"], Value::Int(999));
    insta::assert_snapshot!(
        at(5000).await.unwrap_err(),
        @"there is no entry 5000 in memory:shop/dev: the last one is 4002"
    );
}

#[tokio::test(start_paused = true)]
async fn a_holder_frozen_for_ages_cannot_write_over_what_came_since() {
    let store = Arc::new(MemoryStore::new());
    let stubborn = Stubborn::before(&store);
    let (frozen, _) = open(&stubborn, "frozen").await;
    stubborn.set(Mood::Frozen);
    let (second, _) = open(&store, "second").await;
    fill(&second, 0, 1500).await;
    second.close().await.unwrap();
    let before = serials(&store).await;
    stubborn.set(Mood::Fine);
    let lost = create(&frozen, "Late", "late").await.unwrap_err();
    assert!(matches!(lost, Error::LostLog { .. }), "{lost}");
    assert_eq!(serials(&store).await, before);
}

/// Written by the build that wrote version 1.
const VERSION_1: [(u64, &str); 2] = [
    (
        1,
        r#"{"version":1,"serial":1,"session":"a","at":"2026-01-01T00:00:00Z","entries":[{"open":{"holder":{"user":"ann","host":"laptop","pid":1,"command":"apply","since":"2026-01-01T00:00:00Z"},"lease_ms":60000,"seal":"SEAL"}}]}"#,
    ),
    (
        2,
        r#"{"version":1,"serial":2,"session":"a","at":"2026-01-01T00:00:00Z","entries":[{"outputs":{"outputs":{"url":"http://a"}}},"close"]}"#,
    ),
];

#[tokio::test(start_paused = true)]
async fn logs_and_snapshots_of_version_1_are_read_and_gone_on_with() {
    let store = Arc::new(MemoryStore::new());
    let seal = "ab".repeat(32);
    for (serial, text) in VERSION_1 {
        store.append(&key(), serial, text.replace("SEAL", &seal).into_bytes()).await.unwrap();
    }
    let (journal, state) = open(&store, "apply").await;
    assert_eq!(state.outputs["url"], Value::from("http://a"));
    journal.close().await.unwrap();

    let snapshot = format!(
        r#"{{"version":1,"serial":9,"changed":8,"pruned":7,"opens":[1],"lease":null,"seal":"{seal}","resources":{{}},"deposed":{{"Queue":[{{"type":"Queue","id":"q-0","op":"0A","dependencies":[]}}]}},"begun":{{}},"outputs":{{"url":"http://b"}}}}"#
    );
    let store = Arc::new(MemoryStore::new());
    store.append(&key(), 1, VERSION_1[0].1.replace("SEAL", &seal).into_bytes()).await.unwrap();
    store.write_snapshot(&key(), 9, snapshot.into_bytes()).await.unwrap();
    let state = load(&store).await;
    assert_eq!((state.serial, &state.outputs["url"], state.warnings.len()), (8, &Value::from("http://b"), 0));
    assert_eq!(state.deposed[&"Queue".into()][0].properties, Value::Null, "before version 3 they were not kept");
    let (journal, _) = open(&store, "apply").await;
    create(&journal, "Queue", "q-1").await.unwrap();
    journal.close().await.unwrap();
    assert_eq!(load(&store).await.resources.len(), 1);
    let gone = State::at(&*store, &key(), 5).await.unwrap_err().to_string();
    assert!(gone.contains("there is no entry 5"), "what was pruned is not there: {gone}");
}
