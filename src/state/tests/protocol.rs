//! Who may write the log, and when another may take it.

use std::sync::Mutex;

use futures::future::join_all;
use tokio::time::{Instant, sleep, timeout};

use super::stubborn::{Mood, Stubborn};
use super::*;

fn lost_to(error: Error) -> String {
    match error {
        Error::LostLog { by: Some(holder), .. } => holder.command,
        other => panic!("{other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_recorded_is_there_for_the_next_run() {
    let store = Arc::new(MemoryStore::new());
    let (journal, state) = open(&store, "apply").await;
    assert_eq!((state.serial, state.resources.len()), (0, 0));
    create(&journal, "Queue", "q-1").await.unwrap();
    journal.outputs(&[("url".to_owned(), Value::from("http://q"))].into()).await.unwrap();
    let seen = load(&store).await;
    journal.close().await.unwrap();
    assert!(matches!(create(&journal, "Late", "q-2").await, Err(Error::Closed)));

    let begin = Instant::now();
    let (_, state) = open(&store, "plan").await;
    assert_eq!(begin.elapsed(), Duration::ZERO, "a closed log is free at once");
    assert_eq!(state, seen);
    let record = &state.resources[&Address::from("Queue")];
    assert_eq!((record.id.as_str(), record.settled), ("q-1", true));
    assert_eq!(state.outputs["url"], Value::from("http://q"));
}

#[tokio::test(start_paused = true)]
async fn opening_renewing_and_closing_change_no_serial() {
    let store = Arc::new(MemoryStore::new());
    let (journal, _) = open(&store, "apply").await;
    create(&journal, "Queue", "q-1").await.unwrap();
    let serial = load(&store).await.serial;
    sleep(LEASE * 3).await;
    journal.close().await.unwrap();
    let (journal, state) = open(&store, "apply").await;
    journal.close().await.unwrap();
    assert_eq!((serial, state.serial, load(&store).await.serial), (4, 4, 4));
}

#[tokio::test(start_paused = true)]
async fn whoever_gives_up_leaves_the_log_free() {
    let store = Arc::new(MemoryStore::new());
    let after = |time| OpenOptions { give_up: Some(Box::pin(sleep(time))), ..by("destroy") };
    let second = Duration::from_secs(1);
    let (journal, _) = open(&store, "apply").await;
    let begin = Instant::now();
    let error = Journal::open(store.clone(), key(), after(second)).await.unwrap_err();
    assert!(matches!(error, Error::GivenUp), "{error}");
    assert_eq!(begin.elapsed(), second, "while another holds it");
    journal.close().await.unwrap();

    let slow = Stubborn::before(&store);
    slow.set(Mood::Frozen);
    let thaw = async {
        sleep(second * 2).await;
        slow.set(Mood::Fine);
    };
    let (opened, ()) = tokio::join!(Journal::open(slow.clone(), key(), after(second)), thaw);
    assert!(matches!(opened, Err(Error::GivenUp)), "while the entry is on its way");
    let begin = Instant::now();
    let (journal, _) = open(&store, "apply").await;
    assert_eq!(begin.elapsed(), Duration::ZERO, "nothing is held");
    journal.close().await.unwrap();

    slow.set(Mood::Frozen);
    let begin = Instant::now();
    let opened = timeout(LEASE, Journal::open(slow.clone(), key(), after(second))).await.unwrap();
    assert!(matches!(opened, Err(Error::GivenUp)), "a store that never answers holds nobody up");
    assert!(begin.elapsed() < second * 5);
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_lives_is_never_taken_over() {
    let store = Arc::new(MemoryStore::new());
    let (journal, _) = open(&store, "apply").await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&told);
    let cut = begun("Queue", BegunAction::Create, Value::map());
    journal.begin([(op("under way"), cut)]).await.unwrap();
    let on_wait = move |waiting: &Waiting<'_>| {
        let doing: Vec<_> = waiting.under_way.iter().map(|(address, _)| address.to_string()).collect();
        seen.lock().unwrap().push((waiting.holder.command.clone(), doing, waiting.patience));
    };
    let waiting = OpenOptions { on_wait: Some(Box::new(on_wait)), ..by("destroy") };
    let mut second = Box::pin(Journal::open(store.clone(), key(), waiting));
    timeout(LEASE * 100, &mut second).await.unwrap_err();
    assert_eq!(*told.lock().unwrap(), [("apply".to_owned(), vec!["Queue".to_owned()], LEASE)], "told once");
    journal.hold().await.unwrap();

    journal.close().await.unwrap();
    let begin = Instant::now();
    second.await.unwrap();
    assert!(begin.elapsed() <= Duration::from_secs(2), "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn who_does_not_wait_is_told_who_holds_the_log() {
    let store = Arc::new(MemoryStore::new());
    let (journal, _) = open(&store, "apply").await;
    let no_wait = || OpenOptions { wait: false, ..by("destroy") };
    let refused = Journal::open(store.clone(), key(), no_wait()).await.unwrap_err();
    let Error::Held { holder, .. } = &refused else { panic!("{refused}") };
    assert_eq!((holder.command.as_str(), holder.pid), ("apply", std::process::id()));
    let text = refused.to_string();
    assert!(text.starts_with("the state in memory:shop/dev is held by ") && text.contains("infra apply"), "{text}");
    journal.close().await.unwrap();
    Journal::open(store.clone(), key(), no_wait()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn of_many_that_open_at_once_one_holds_the_log() {
    let store = Arc::new(MemoryStore::new());
    let openers = (0..20).map(|index| {
        let options = OpenOptions { wait: false, ..by(&format!("run-{index}")) };
        Journal::open(store.clone(), key(), options)
    });
    let opened = join_all(openers).await;
    assert_eq!(opened.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(opened.iter().filter_map(|result| result.as_ref().err()).all(|error| matches!(error, Error::Held { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_dead_holder_is_taken_over_after_a_lease_of_silence_and_no_sooner() {
    let store = Arc::new(MemoryStore::new());
    let (journal, _) = open(&store, "apply").await;
    create(&journal, "Queue", "q-1").await.unwrap();
    let operation = (op("op-2"), begun("Other", BegunAction::Create, Value::map()));
    journal.begin([operation]).await.unwrap();
    drop(journal);
    let begin = Instant::now();
    let (_, state) = open(&store, "apply").await;
    assert!(begin.elapsed() >= LEASE && begin.elapsed() < LEASE + Duration::from_secs(2), "{:?}", begin.elapsed());
    assert_eq!(state.begun[&op("op-2")].address, Address::from("Other"));
}

#[tokio::test(start_paused = true)]
async fn a_holder_on_this_machine_that_is_surely_dead_is_not_waited_for() {
    let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    let mut holder = Holder::current("apply");
    holder.pid = child.id();
    holder.process = super::super::process::of(child.id());
    let store = Arc::new(MemoryStore::new());
    let options = OpenOptions { holder, ..by("apply") };
    drop(Journal::open(store.clone(), key(), options).await.unwrap());
    let no_wait = || OpenOptions { wait: false, ..by("apply") };
    Journal::open(store.clone(), key(), no_wait()).await.unwrap_err();
    child.kill().unwrap();
    child.wait().unwrap();
    if Holder::current("apply").process.is_some() {
        let begin = Instant::now();
        Journal::open(store.clone(), key(), no_wait()).await.unwrap();
        assert_eq!(begin.elapsed().as_secs(), 5, "its calls may still be under way");
    }
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_was_frozen_finds_its_number_taken_and_stops() {
    let store = Arc::new(MemoryStore::new());
    let stubborn = Stubborn::before(&store);
    let (frozen, _) = open(&stubborn, "frozen").await;
    create(&frozen, "Queue", "q-1").await.unwrap();
    stubborn.set(Mood::Frozen);
    let (second, state) = open(&store, "second").await;
    assert!(state.resources.contains_key(&Address::from("Queue")));
    create(&second, "Other", "q-2").await.unwrap();

    let call = frozen.clone();
    let late = tokio::spawn(async move { create(&call, "Late", "q-3").await });
    sleep(Duration::from_secs(1)).await;
    stubborn.set(Mood::Fine);
    assert_eq!(lost_to(late.await.unwrap().unwrap_err()), "second");
    assert_eq!(lost_to(frozen.hold().await.unwrap_err()), "second");
    assert_eq!(lost_to(frozen.ended().await), "second");
    assert_eq!(lost_to(frozen.close().await.unwrap_err()), "second");
    let state = load(&store).await;
    assert_eq!(state.resources.len(), 2);
    assert!(state.begun.is_empty(), "nothing of the frozen one came through");
    create(&second, "Another", "q-4").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_holder_whose_renewals_do_not_come_through_may_not_call_any_more() {
    let store = Arc::new(MemoryStore::new());
    let stubborn = Stubborn::before(&store);
    let (journal, _) = open(&stubborn, "apply").await;
    journal.hold().await.unwrap();
    stubborn.set(Mood::Frozen);
    sleep(LEASE / 3).await;
    timeout(Duration::ZERO, journal.hold()).await.unwrap().unwrap();
    sleep(LEASE / 3).await;
    timeout(LEASE * 10, journal.hold()).await.unwrap_err();
    stubborn.set(Mood::Fine);
    journal.hold().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_is_heard_of_too_late_holds_nothing() {
    let store = Arc::new(MemoryStore::new());
    let stubborn = Stubborn::before(&store);
    let (frozen, _) = open(&stubborn, "frozen").await;
    stubborn.set(Mood::Frozen);
    sleep(LEASE * 2 / 3).await;
    let mut hold = Box::pin(frozen.hold());
    timeout(Duration::ZERO, &mut hold).await.unwrap_err();
    stubborn.set(Mood::Fine);
    sleep(Duration::from_secs(1)).await;
    stubborn.set(Mood::Frozen);
    open(&store, "second").await;
    timeout(Duration::from_secs(1), &mut hold).await.unwrap_err();
    stubborn.set(Mood::Fine);
    assert_eq!(lost_to(hold.await.unwrap_err()), "second");
}

#[tokio::test(start_paused = true)]
async fn an_append_whose_answer_was_lost_is_known_as_our_own() {
    let store = Arc::new(MemoryStore::new());
    let stubborn = Stubborn::before(&store);
    stubborn.set(Mood::LosesAnswers(1));
    let (journal, _) = open(&stubborn, "apply").await;
    stubborn.set(Mood::LosesAnswers(3));
    create(&journal, "Queue", "q-1").await.unwrap();
    stubborn.set(Mood::Unreachable(4));
    create(&journal, "Other", "q-2").await.unwrap();
    assert_eq!(entries(&store).await, 7, "each entry once");
    assert_eq!(load(&store).await.resources.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_append_that_can_t_be_told_as_our_own_yet_is_asked_about_again() {
    let store = Arc::new(MemoryStore::new());
    let stubborn = Stubborn::before(&store);
    let (journal, _) = open(&stubborn, "apply").await;
    stubborn.set(Mood::LosesAnswers(1));
    stubborn.fail_reads(3);
    create(&journal, "Queue", "q-1").await.unwrap();
    create(&journal, "Other", "q-2").await.unwrap();
    assert_eq!(load(&store).await.resources.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_stays_unreachable_ends_the_journal() {
    let store = Arc::new(MemoryStore::new());
    let stubborn = Stubborn::before(&store);
    let (journal, _) = open(&stubborn, "apply").await;
    stubborn.set(Mood::Unreachable(usize::MAX));
    let begin = Instant::now();
    let error = create(&journal, "Queue", "q-1").await.unwrap_err();
    assert_eq!(error.to_string(), "memory:shop/dev can't be reached: the line is cut");
    assert!(begin.elapsed() <= LEASE, "given up while the lease still stands");
    stubborn.set(Mood::Fine);
    assert!(matches!(journal.hold().await, Err(Error::Store(_))), "once lost, always lost");
}

#[tokio::test(start_paused = true)]
async fn what_is_recorded_at_the_same_time_shares_a_write() {
    let store = Arc::new(MemoryStore::new());
    let stubborn = Stubborn::before(&store);
    let (journal, _) = open(&stubborn, "apply").await;
    let names: Vec<_> = (0..1000).map(|index| format!("q-{index}")).collect();
    join_all(names.iter().map(|name| create(&journal, name, name))).await.into_iter().for_each(Result::unwrap);
    assert_eq!(stubborn.appends(), 4, "the opening, all begins, all mades, all dones");
    assert_eq!(load(&store).await.resources.len(), 1000);

    let operations =
        names.iter().map(|name| (op(&format!("d-{name}")), begun(name, BegunAction::Update, Value::map())));
    journal.begin(operations).await.unwrap();
    assert_eq!(stubborn.appends(), 5, "operations that begin together");
}

#[tokio::test(start_paused = true)]
async fn what_does_not_follow_is_refused_and_harms_nothing_else() {
    let store = Arc::new(MemoryStore::new());
    let (journal, _) = open(&store, "apply").await;
    let (never, id, address) = (op("never"), Id::new("q"), Address::from("Queue"));
    let outputs = map(&[("Arn", Value::Unknown)]);
    let (good, unbegun, unknown) = tokio::join!(
        create(&journal, "Queue", "q-1"),
        journal.made(&never, &id),
        journal.done(&never, &address, &outputs),
    );
    good.unwrap();
    assert_eq!(unbegun.unwrap_err().to_string(), "this can't be recorded: operation never was not begun");
    assert_eq!(unknown.unwrap_err().to_string(), "`Arn` is not known yet, so it can't be recorded");
    assert_eq!(load(&store).await.resources.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_fence_closes_before_the_lease_ends_and_opens_with_the_next_entry() {
    let store = Arc::new(MemoryStore::new());
    let stubborn = Stubborn::before(&store);
    let (journal, _) = open(&stubborn, "apply").await;
    let fence = journal.fence();
    let is_open = || fence.clone().around(async { crate::cloud::fence::is_open() });
    assert!(is_open().await);
    stubborn.set(Mood::Frozen);
    tokio::time::sleep(LEASE / 2).await;
    assert!(is_open().await);
    tokio::time::sleep(LEASE / 3).await;
    assert!(!is_open().await, "nobody has taken the log, but somebody might soon");
    stubborn.set(Mood::Fine);
    journal.hold().await.unwrap();
    assert!(is_open().await);
    journal.close().await.unwrap();
    assert!(!is_open().await);
}
