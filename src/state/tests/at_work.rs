use super::*;

async fn at_work(store: &Arc<impl Store>) -> Option<String> {
    State::load_at_work(&**store, &key()).await.unwrap().1.map(|holder| holder.command)
}

#[tokio::test(start_paused = true)]
async fn who_holds_the_log_is_at_work_until_it_lets_go() {
    let store = Arc::new(MemoryStore::new());
    assert_eq!(at_work(&store).await, None);
    let (journal, _) = open(&store, "apply").await;
    create(&journal, "Queue", "q-1").await.unwrap();
    assert_eq!(at_work(&store).await.as_deref(), Some("apply"));
    journal.close().await.unwrap();
    assert_eq!(at_work(&store).await, None);
}

#[tokio::test(start_paused = true)]
async fn who_was_silent_for_longer_than_its_lease_seems_dead() {
    let store = Arc::new(MemoryStore::new());
    let (journal, _) = open(&store, "apply").await;
    drop(journal);
    assert_eq!(at_work(&store).await.as_deref(), Some("apply"));
    let (serial, bytes) = store.read(&key(), 1).await.unwrap().pop().unwrap();
    let bytes = crate::state::check::verified(&bytes).unwrap();
    let mut entry: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    entry["at"] = "2020-01-01T00:00:00Z".into();
    entry["serial"] = (serial + 1).into();
    entry["entries"] = serde_json::json!(["renew"]);
    let renewed = crate::state::check::checked(serde_json::to_vec(&entry).unwrap());
    store.append(&key(), serial + 1, renewed).await.unwrap();
    assert_eq!(at_work(&store).await, None);
}

#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn who_died_on_this_machine_is_not_at_work() {
    let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    let process = crate::state::process::of(child.id());
    let holder = Holder { pid: child.id(), process, ..Holder::current("apply") };
    let store = Arc::new(MemoryStore::new());
    let options = OpenOptions { lease: LEASE, ..OpenOptions::new(holder) };
    let (_journal, _) = Journal::open(store.clone(), key(), options).await.unwrap();
    assert_eq!(at_work(&store).await.as_deref(), Some("apply"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(at_work(&store).await, None);
}
