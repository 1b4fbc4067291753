//! The world that all processes share: the cloud, the store, and what an onlooker sees of both.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use infra::address::{Address, Id};
use infra::cloud::Op;
use infra::cloud::fake::FakeCloud;
use infra::state::MemoryStore;
use serde_json::Value as Json;

use crate::tally::Tally;

#[derive(Debug)]
pub(crate) struct Region {
    pub(crate) cloud: FakeCloud,
    pub(crate) store: Arc<MemoryStore>,
    seen: Mutex<Seen>,
    pub(crate) tally: Mutex<Tally>,
}

#[derive(Debug, Default)]
struct Seen {
    /// Which process wrote the log's last `open`; nobody once it was closed.
    holder: Option<usize>,
    /// Operations whose `begin` is in the log.
    begun: HashSet<String>,
    /// What was made.
    ids: HashSet<Id>,
    /// How often something was made for an address since the episode began.
    made: BTreeMap<Address, usize>,
    /// What must never happen, and did.
    violations: Vec<String>,
}

impl Region {
    pub(crate) fn new(cloud: FakeCloud) -> Self {
        let (store, seen, tally) = (Arc::default(), Mutex::default(), Mutex::default());
        Self { cloud, store, seen, tally }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn begin_episode(&self) {
        self.seen().made.clear();
    }

    pub(crate) fn made(&self) -> BTreeMap<Address, usize> {
        self.seen().made.clone()
    }

    pub(crate) fn violations(&self) -> Vec<String> {
        self.seen().violations.clone()
    }

    /// A process is about to send a call that may change something.
    pub(crate) fn changes(&self, process: usize, what: &str, op: &Op) {
        let mut seen = self.seen();
        if seen.holder != Some(process) {
            let holder = seen.holder;
            seen.violations
                .push(format!("process {process} sends {what} {} while {holder:?} holds the log", op.address));
        }
        if what != "settle" && !seen.begun.contains(op.id.as_str()) {
            seen.violations
                .push(format!("process {process} sends {what} {} before its begin is in the log", op.address));
        }
    }

    /// The cloud has made something, or found that it had made it before.
    pub(crate) fn has_made(&self, id: &Id, address: &Address) {
        let mut seen = self.seen();
        if seen.ids.insert(id.clone()) {
            *seen.made.entry(address.clone()).or_default() += 1;
        }
    }

    /// An entry of the log was written.
    pub(crate) fn written(&self, process: usize, bytes: &[u8]) {
        let batch: Json = serde_json::from_slice(bytes).unwrap_or_default();
        let mut seen = self.seen();
        for entry in batch["entries"].as_array().into_iter().flatten() {
            if entry.get("open").is_some() {
                if seen.holder.is_some() {
                    self.tally().takeovers += 1;
                }
                seen.holder = Some(process);
            } else if seen.holder != Some(process) {
                seen.violations.push(format!("process {process} writes though it lost the log: {entry}"));
            }
            if entry == "close" {
                seen.holder = None;
            }
            if let Some(op) = entry["begin"]["op"].as_str() {
                seen.begun.insert(op.to_owned());
            }
        }
    }
}
