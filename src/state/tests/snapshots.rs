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
    store.prune(&key(), Vec::new(), snapshots).await.unwrap();
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
async fn the_last_thousand_entries_are_kept_and_all_that_opened_the_log() {
    let store = Arc::new(MemoryStore::new());
    let (journal, _) = open(&store, "apply").await;
    fill(&journal, 0, 100).await;
    journal.close().await.unwrap();
    let reopened = serials(&store).await.len() as u64 + 1;
    let (journal, _) = open(&store, "apply").await;
    for index in 0..4000 {
        journal.outputs(&[("index".to_owned(), Value::Int(index))].into()).await.unwrap();
    }
    journal.close().await.unwrap();
    let kept = serials(&store).await;
    let last = *kept.last().unwrap();
    let recent = kept.iter().filter(|serial| **serial > last - 1000).count();
    assert_eq!(recent, 1000);
    assert!(kept.len() < 2000, "{} entries are kept", kept.len());
    assert_eq!(kept[..2], [1, reopened], "the fences");
    assert_eq!(store.snapshots(&key()).await.unwrap().len(), 2);
    let state = load(&store).await;
    assert_eq!((state.resources.len(), &state.outputs["index"]), (100, &Value::Int(3999)));
}

#[tokio::test(start_paused = true)]
async fn a_holder_frozen_for_ages_cannot_write_over_pruned_entries() {
    let store = Arc::new(MemoryStore::new());
    let stubborn = Stubborn::before(&store);
    let (frozen, _) = open(&stubborn, "frozen").await;
    stubborn.set(Mood::Frozen);
    let (second, _) = open(&store, "second").await;
    fill(&second, 0, 1500).await;
    second.close().await.unwrap();
    let before = serials(&store).await;
    assert!(!before.contains(&3), "what the second one wrote first is pruned");
    stubborn.set(Mood::Fine);
    let lost = create(&frozen, "Late", "late").await.unwrap_err();
    assert!(matches!(lost, Error::LostLog { .. }), "{lost}");
    assert_eq!(serials(&store).await, before);
}
