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
        let changed = State::changed_since(&*store, &key(), serial).await.unwrap();
        changed.into_iter().map(|changed| changed.by.unwrap().command).collect::<Vec<_>>()
    };
    assert_eq!(since(0).await, ["first", "second", "third"]);
    assert_eq!(since(serials[0]).await, ["second", "third"]);
    assert_eq!(since(serials[0] - 1).await, ["first", "second", "third"], "in the middle of the first");
    assert_eq!(since(serials[3]).await, [""; 0]);
}
