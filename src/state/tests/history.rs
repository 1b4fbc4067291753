use super::*;

#[tokio::test(start_paused = true)]
async fn it_is_told_who_changed_what_is_on_record_and_not_who_only_looked() {
    let store = Arc::new(MemoryStore::new());
    let mut serials = Vec::new();
    for command in ["first", "second", "idle", "third"] {
        let (journal, _) = open(&store, command).await;
        if command != "idle" {
            for value in ["a", "b"] {
                let outputs = BTreeMap::from([("x".to_owned(), Value::from(value))]);
                journal.outputs(&outputs).await.unwrap();
            }
        }
        journal.close().await.unwrap();
        serials.push(load(&store).await.serial);
    }
    let since = async |serial| {
        let changed = State::history(&*store, &key(), serial).await.unwrap().runs;
        changed.into_iter().map(|changed| changed.by.unwrap().command).collect::<Vec<_>>()
    };
    assert_eq!(since(0).await, ["first", "second", "third"]);
    assert_eq!(since(serials[0]).await, ["second", "third"]);
    assert_eq!(since(serials[0] - 1).await, ["first", "second", "third"], "in the middle of the first");
    assert_eq!(since(serials[3]).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_run_is_told_by_what_it_did() {
    let store = Arc::new(MemoryStore::new());
    let (journal, _) = open(&store, "apply").await;
    create(&journal, "Queue", "q-1").await.unwrap();
    create(&journal, "Other", "q-2").await.unwrap();
    let update = begun("Queue", BegunAction::Update, map(&[("Name", "Queue".into()), ("Delay", Value::Int(1))]));
    journal.begin([(op("update"), update)]).await.unwrap();
    journal.done(&op("update"), &"Queue".into(), &Value::map()).await.unwrap();
    let delete = begun("Other", BegunAction::Delete(Id::new("q-2")), Value::map());
    journal.begin([(op("delete"), delete)]).await.unwrap();
    journal.gone(Some(&op("delete")), &"Other".into(), &Id::new("q-2")).await.unwrap();
    let third = begun("Third", BegunAction::Create, Value::map());
    journal.begin([(op("refused"), third)]).await.unwrap();
    journal.failed(&op("refused")).await.unwrap();
    drop(journal);
    let [run] = &State::history(&*store, &key(), 0).await.unwrap().runs[..] else { panic!("one run") };
    let changes = Changes { created: 2, updated: 1, deleted: 1, failed: 1, ..Changes::default() };
    assert_eq!((run.changes, run.ended, run.serial), (changes, false, load(&store).await.serial));
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_back_is_neither_made_nor_gone() {
    let store = Arc::new(MemoryStore::new());
    let (journal, _) = open(&store, "apply").await;
    create(&journal, "Queue", "q-1").await.unwrap();
    create(&journal, "Queue", "q-2").await.unwrap();
    journal.close().await.unwrap();
    let before = load(&store).await;
    let (journal, _) = open(&store, "apply").await;
    let address = Address::from("Queue");
    journal.taken_back(&address, &before.deposed[&address][0]).await.unwrap();
    journal.close().await.unwrap();
    let after = load(&store).await;
    assert_eq!((&after.resources[&address].id, &after.deposed[&address][0].id), (&Id::new("q-1"), &Id::new("q-2")));
    let run = State::history(&*store, &key(), 0).await.unwrap().runs.pop().unwrap();
    assert_eq!(run.changes, Changes { updated: 1, ..Changes::default() });
}

#[tokio::test(start_paused = true)]
async fn what_was_on_record_comes_back_with_what_is_unfinished_now() {
    let store = Arc::new(MemoryStore::new());
    let (journal, _) = open(&store, "apply").await;
    create(&journal, "Queue", "q-1").await.unwrap();
    journal.close().await.unwrap();
    let then = load(&store).await;
    let (journal, _) = open(&store, "apply").await;
    create(&journal, "Other", "q-2").await.unwrap();
    journal.begin([(op("cut"), begun("Third", BegunAction::Create, Value::map()))]).await.unwrap();
    drop(journal);

    let (journal, now) = open(&store, "state restore").await;
    let wanted = State::at(&*store, &key(), then.serial).await.unwrap();
    assert_eq!(wanted, then);
    let added_and_gone = differences(&now, &wanted);
    assert_eq!(added_and_gone, [(&Address::from("Other"), Difference::Removed)]);
    journal.restored(Restored::Serial(then.serial), wanted, &now).await.unwrap();
    let restored = load(&store).await;
    assert_eq!(restored.resources, then.resources);
    assert!(restored.begun.contains_key(&op("cut")), "what may have been made is still looked for");
    let run = State::history(&*store, &key(), 0).await.unwrap().runs.pop().unwrap();
    assert_eq!(run.changes.restored, Some(Restored::Serial(then.serial)));
    let pulled = Pulled { log: key(), state: restored };
    assert_eq!(Pulled::decode(&pulled.encode().unwrap()).unwrap(), pulled);
}

#[tokio::test(start_paused = true)]
async fn going_back_and_forth_over_the_middle_of_a_run_leaves_nothing_begun_that_is_made() {
    let store = Arc::new(MemoryStore::new());
    let (journal, _) = open(&store, "apply").await;
    journal.begin([(op("one"), begun("Queue", BegunAction::Create, Value::map()))]).await.unwrap();
    let middle = load(&store).await;
    journal.made(&op("one"), &Id::new("q-1")).await.unwrap();
    journal.done(&op("one"), &"Queue".into(), &Value::map()).await.unwrap();
    journal.close().await.unwrap();
    let end = load(&store).await;
    for serial in [middle.serial, end.serial] {
        let (journal, now) = open(&store, "state restore").await;
        let wanted = State::at(&*store, &key(), serial).await.unwrap();
        journal.restored(Restored::Serial(serial), wanted, &now).await.unwrap();
    }
    let restored = load(&store).await;
    assert_eq!((&restored.resources, &restored.begun), (&end.resources, &end.begun));
}

#[tokio::test(start_paused = true)]
async fn a_pulled_record_that_contradicts_itself_is_refused() {
    let store = Arc::new(MemoryStore::new());
    let (journal, _) = open(&store, "apply").await;
    create(&journal, "Queue", "q-1").await.unwrap();
    create(&journal, "Other", "q-2").await.unwrap();
    let text = String::from_utf8(Pulled { log: key(), state: load(&store).await }.encode().unwrap()).unwrap();
    let refused = |from: &str, to: &str| {
        assert!(text.contains(from), "{text}");
        Pulled::decode(text.replace(from, to).as_bytes()).unwrap_err().to_string()
    };
    insta::assert_snapshot!(refused("\"id\": \"q-2\"", "\"id\": \"q-1\""), @"is inconsistent: Other and Queue are the same Test::App::Queue q-1");
    insta::assert_snapshot!(refused("\"dependencies\": []", "\"dependencies\": [\"Gone\"]"), @"is inconsistent: Other depends on Gone, which is not in it");
    insta::assert_snapshot!(refused("\"version\": 3", "\"version\": 4"), @"is in format 4, which a newer infra wrote; this one knows formats up to 3: upgrade infra");
    insta::assert_snapshot!(refused("\"resources\"", "\"resource\""), @"is no record that `infra state pull` wrote: unknown field `resource`, expected one of `seal`, `resources`, `deposed`, `begun`, `outputs` at line 8 column 14");
}
