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
    migration_to("s3://new", from, to)
}

async fn run(migration: Migration) -> Result<usize, Error> {
    migration.end(by("state migrate")).await?;
    migration.finish().await
}

fn migration_to(place: &str, from: Arc<dyn Store>, to: Arc<dyn Store>) -> Migration {
    Migration { log: key(), from, to, place: place.to_owned() }
}

#[tokio::test(start_paused = true)]
async fn a_log_moves_with_its_history_and_the_old_one_says_where() {
    let (from, to) = (filled().await, Arc::new(MemoryStore::new()));
    let before = load(&from).await;
    let runs = State::history(&*from, &key(), 0).await.unwrap().runs;
    let copied = run(migration(from.clone(), to.clone())).await.unwrap();
    assert_eq!(load(&to).await, before);
    assert_eq!(State::history(&*to, &key(), 0).await.unwrap().runs, runs);
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
    run(migration(from, to.clone())).await.unwrap();
    assert!(load(&to).await.resources.contains_key(&Address::from("Next")), "moving again changes nothing");
}

#[tokio::test(start_paused = true)]
async fn another_log_is_not_written_over() {
    let (from, to) = (filled().await, filled().await);
    let (mine, theirs) = (load(&from).await, load(&to).await);
    let error = run(migration(from.clone(), to.clone())).await.unwrap_err();
    assert!(matches!(error, Error::Occupied { .. }), "{error}");
    assert_eq!((load(&from).await, load(&to).await), (mine, theirs), "both go on as before");
}

#[tokio::test(start_paused = true)]
async fn a_log_that_comes_back_is_told_that_its_own_past_is_in_the_way() {
    let (first, second) = (filled().await, Arc::new(MemoryStore::new()));
    run(migration(first.clone(), second.clone())).await.unwrap();
    let (journal, _) = open(&second, "apply").await;
    create(&journal, "Next", "next").await.unwrap();
    journal.close().await.unwrap();
    let before = load(&second).await;
    let back = run(migration_to("s3://first", second.clone(), first)).await.unwrap_err();
    assert_eq!(
        back.to_string(),
        "memory:shop/dev holds this log's own past, which ended there when it was moved to s3://new"
    );
    assert_eq!(load(&second).await, before, "it goes on where it is");
    let emptied = Arc::new(MemoryStore::new());
    run(migration_to("s3://first", second, emptied.clone())).await.unwrap();
    assert_eq!(load(&emptied).await, before);
}

#[tokio::test(start_paused = true)]
async fn cut_off_anywhere_never_both_can_be_worked_with_and_each_says_how_it_stands() {
    let total = entries(&filled().await).await;
    let (mut moved, mut neither) = (0, 0);
    for writes in (0..total + 4).step_by(7).chain(total - 2..total + 4) {
        let (from, to) = (filled().await, Arc::new(MemoryStore::new()));
        let before = load(&from).await;
        let cut = Stubborn::before(&to);
        cut.freeze_after(writes);
        let work = migration(from.clone(), cut);
        let _ = tokio::time::timeout(Duration::from_secs(1), run(work)).await;
        let (old, new) = (State::load(&*from, &key()).await, State::load(&*to, &key()).await);
        match (old, new) {
            (Ok(_), Err(Error::CutOff { .. })) => {}
            (Ok(_), Ok(empty)) => assert_eq!((writes, empty), (0, State::default()), "both can be worked with"),
            (Err(Error::Moved { .. }), Err(Error::CutOff { .. })) => neither += 1,
            (Err(Error::Moved { .. }), Ok(_)) => moved += 1,
            other => panic!("after {writes} writes: {other:?}"),
        }
        // The next run waits until the lease of the one that was cut off has ended.
        run(migration(from, to.clone())).await.unwrap();
        assert_eq!(load(&to).await.resources, before.resources, "after {writes} writes");
    }
    assert!(moved > 0 && neither > 0, "some were cut off after the end, and some right before it");
}

#[tokio::test(start_paused = true)]
async fn a_move_that_an_older_build_wrote_as_seen_from_where_it_ran_is_finished() {
    let (from, to) = (filled().await, Arc::new(MemoryStore::new()));
    let before = load(&from).await;
    let cut = Stubborn::before(&to);
    cut.freeze_after(entries(&from).await);
    let work = migration_to("kept", from.clone(), cut);
    let _ = tokio::time::timeout(Duration::from_secs(1), run(work)).await;
    assert!(matches!(State::load(&*from, &key()).await, Err(Error::Moved { place, .. }) if place == "kept"));

    let kept = place::absolute("kept").unwrap();
    let elsewhere = run(migration_to(&kept, from.clone(), Arc::new(MemoryStore::new()))).await;
    assert!(matches!(elsewhere, Err(Error::Moved { .. })), "the copy stands in a folder of that name elsewhere");
    let other = run(migration_to(&place::absolute("other").unwrap(), from.clone(), to.clone())).await;
    assert!(matches!(other, Err(Error::Moved { .. })));
    run(migration_to(&kept, from, to.clone())).await.unwrap();
    assert_eq!(load(&to).await.resources, before.resources);
}

#[tokio::test(start_paused = true)]
async fn a_move_that_is_given_up_leaves_the_log_free_and_goes_on_later() {
    let (from, to) = (filled().await, Arc::new(MemoryStore::new()));
    let before = load(&from).await;
    let slow = Stubborn::before(&to);
    slow.freeze_after(20);
    let give_up = tokio::time::sleep(Duration::from_secs(1));
    let options = OpenOptions { give_up: Some(Box::pin(give_up)), ..by("state migrate") };
    let error = migration(from.clone(), slow).end(options).await.unwrap_err();
    assert!(matches!(error, Error::GivenUp), "{error}");
    assert_eq!(entries(&to).await, 20, "it was stopped in the middle");
    let unwilling = OpenOptions { wait: false, ..by("apply") };
    let (journal, state) = Journal::open(from.clone(), key(), unwilling).await.unwrap();
    assert_eq!(state.resources, before.resources, "and nobody need wait");
    journal.close().await.unwrap();
    run(migration(from, to.clone())).await.unwrap();
    assert_eq!(load(&to).await.resources, before.resources);
}

#[tokio::test(start_paused = true)]
async fn a_log_whose_beginning_an_older_build_deleted_stays_where_it_is() {
    let (whole, pruned) = (filled().await, Arc::new(MemoryStore::new()));
    for (serial, entry) in whole.read(&key(), 2).await.unwrap() {
        pruned.append(&key(), serial, entry).await.unwrap();
    }
    for serial in whole.snapshots(&key()).await.unwrap() {
        let snapshot = whole.read_snapshot(&key(), serial).await.unwrap().unwrap();
        pruned.write_snapshot(&key(), serial, snapshot).await.unwrap();
    }
    let error = run(migration(pruned.clone(), Arc::new(MemoryStore::new()))).await.unwrap_err();
    assert!(matches!(error, Error::Missing { serial: 1, .. }), "{error}");
    assert_eq!(load(&pruned).await, load(&whole).await, "it can still be worked with");
}
