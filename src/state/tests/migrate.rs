//! Moving a log, whole or cut off at any write.

use super::stubborn::Stubborn;
use super::*;

async fn filled() -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::new());
    for run in 0..3 {
        let (journal, _) = open(&store, "apply").await;
        for index in 0..30 {
            let name = format!("q-{run}-{index}");
            create(&journal, &name, &name).await.unwrap();
        }
        journal.close().await.unwrap();
    }
    store
}

fn migration(from: Arc<dyn Store>, to: Arc<dyn Store>) -> Migration {
    Migration { log: key(), from, to, place: "s3://new".into() }
}

#[tokio::test(start_paused = true)]
async fn a_log_moves_with_its_history_and_the_old_one_says_where() {
    let (from, to) = (filled().await, Arc::new(MemoryStore::new()));
    let before = load(&from).await;
    let runs = State::history(&*from, &key(), 0).await.unwrap();
    let copied = migration(from.clone(), to.clone()).run(by("state migrate")).await.unwrap();
    assert_eq!(load(&to).await, before);
    assert_eq!(State::history(&*to, &key(), 0).await.unwrap(), runs);
    assert_eq!(entries(&to).await, copied);
    for error in [
        State::load(&*from, &key()).await.unwrap_err(),
        Journal::open(from.clone(), key(), by("apply")).await.unwrap_err(),
    ] {
        assert!(error.to_string().starts_with("the state in memory:shop/dev was moved to s3://new by "), "{error}");
    }
    let (journal, state) = open(&to, "apply").await;
    assert_eq!(state, before, "and nobody need wait");
    create(&journal, "Next", "next").await.unwrap();
    journal.close().await.unwrap();
    migration(from, to.clone()).run(by("state migrate")).await.unwrap();
    assert!(load(&to).await.resources.contains_key(&Address::from("Next")), "moving again changes nothing");
}

#[tokio::test(start_paused = true)]
async fn another_log_is_not_written_over() {
    let (from, to) = (filled().await, filled().await);
    let (mine, theirs) = (load(&from).await, load(&to).await);
    let error = migration(from.clone(), to.clone()).run(by("state migrate")).await.unwrap_err();
    assert!(matches!(error, Error::Occupied { .. }), "{error}");
    assert_eq!((load(&from).await, load(&to).await), (mine, theirs), "both go on as before");
}

#[tokio::test(start_paused = true)]
async fn cut_off_anywhere_exactly_one_of_the_two_can_be_worked_with() {
    let total = entries(&filled().await).await;
    let mut moved = 0;
    for writes in (0..total + 4).step_by(7).chain(total - 2..total + 4) {
        let (from, to) = (filled().await, Arc::new(MemoryStore::new()));
        let before = load(&from).await;
        let cut = Stubborn::before(&to);
        cut.freeze_after(writes);
        let work = migration(from.clone(), cut);
        let _ = tokio::time::timeout(Duration::from_secs(1), work.run(by("state migrate"))).await;
        let usable = [
            State::load(&*from, &key()).await.is_ok(),
            to.read(&key(), 1).await.unwrap().first().is_some_and(|(first, _)| *first == 1),
        ];
        assert!(!(usable[0] && usable[1]), "after {writes} writes both can be worked with");
        moved += usize::from(usable[1]);
        // The next run waits until the lease of the one that was cut off has ended.
        migration(from, to.clone()).run(by("state migrate")).await.unwrap();
        assert_eq!(load(&to).await.resources, before.resources, "after {writes} writes");
    }
    assert!(moved > 0, "some were cut off after the end");
}
