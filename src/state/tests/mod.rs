//! The journal's promises, each broken on purpose where it can be.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::value::Value;

mod at_work;
mod damage;
mod encryption;
mod history;
mod migrate;
mod protocol;
mod replay;
mod snapshots;
mod stubborn;

const LEASE: Duration = Duration::from_secs(60);

fn key() -> LogKey {
    LogKey::new("shop", "dev")
}

fn by(command: &str) -> OpenOptions {
    OpenOptions { lease: LEASE, ..OpenOptions::new(Holder { process: None, ..Holder::current(command) }) }
}

async fn open(store: &Arc<impl Store>, command: &str) -> (Journal, State) {
    Journal::open(store.clone(), key(), by(command)).await.unwrap()
}

async fn load(store: &Arc<impl Store>) -> State {
    State::load(&**store, &key()).await.unwrap()
}

async fn entries(store: &Arc<impl Store>) -> usize {
    store.read(&key(), 1).await.unwrap().len()
}

fn op(name: &str) -> OpId {
    OpId::from(name)
}

fn map(entries: &[(&str, Value)]) -> Value {
    entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

fn secret(text: &str) -> Value {
    Value::Secret(Box::new(Value::from(text)))
}

fn begun(address: &str, action: BegunAction, properties: Value) -> Begun {
    Begun {
        address: Address::from(address),
        type_name: "Test::App::Queue".into(),
        action,
        properties,
        generated: Vec::new(),
        dependencies: Vec::new(),
        prevent_destroy: false,
    }
}

async fn create(journal: &Journal, name: &str, id: &str) -> Result<(), Error> {
    let properties = map(&[("Name", Value::from(name))]);
    journal.begin([(op(id), begun(name, BegunAction::Create, properties))]).await?;
    journal.made(&op(id), &Id::new(id)).await?;
    journal.done(&op(id), &Address::from(name), &map(&[("Arn", Value::from(id))])).await
}
