//! Logs in memory, for tests and benchmarks.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::future::{BoxFuture, ready};

use super::{Files, LogKey, Store, StoreError};

/// Keeps logs for as long as it lives.
#[derive(Debug, Default)]
pub struct MemoryStore {
    logs: Mutex<BTreeMap<LogKey, Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    entries: BTreeMap<u64, Vec<u8>>,
    snapshots: BTreeMap<u64, Vec<u8>>,
}

impl MemoryStore {
    /// A store without any log.
    pub fn new() -> Self {
        Self::default()
    }

    fn logs(&self) -> MutexGuard<'_, BTreeMap<LogKey, Kept>> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn location(&self, log: &LogKey) -> String {
        format!("memory:{log}")
    }

    fn append<'a>(&'a self, log: &'a LogKey, serial: u64, entry: Vec<u8>) -> BoxFuture<'a, Result<(), StoreError>> {
        let mut logs = self.logs();
        let entries = &mut logs.entry(log.clone()).or_default().entries;
        let free = !entries.contains_key(&serial);
        if free {
            entries.insert(serial, entry);
        }
        Box::pin(ready(if free { Ok(()) } else { Err(StoreError::Taken(serial)) }))
    }

    fn read<'a>(&'a self, log: &'a LogKey, from: u64) -> BoxFuture<'a, Result<Files, StoreError>> {
        let logs = self.logs();
        let entries = logs.get(log).into_iter().flat_map(|kept| kept.entries.range(from..));
        Box::pin(ready(Ok(entries.map(|(serial, entry)| (*serial, entry.clone())).collect())))
    }

    fn write_snapshot<'a>(
        &'a self,
        log: &'a LogKey,
        serial: u64,
        snapshot: Vec<u8>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.logs().entry(log.clone()).or_default().snapshots.insert(serial, snapshot);
        Box::pin(ready(Ok(())))
    }

    fn snapshots<'a>(&'a self, log: &'a LogKey) -> BoxFuture<'a, Result<Vec<u64>, StoreError>> {
        let logs = self.logs();
        Box::pin(ready(Ok(logs.get(log).into_iter().flat_map(|kept| kept.snapshots.keys().copied()).collect())))
    }

    fn read_snapshot<'a>(&'a self, log: &'a LogKey, serial: u64) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        let logs = self.logs();
        Box::pin(ready(Ok(logs.get(log).and_then(|kept| kept.snapshots.get(&serial).cloned()))))
    }

    fn delete_snapshots<'a>(&'a self, log: &'a LogKey, serials: Vec<u64>) -> BoxFuture<'a, Result<(), StoreError>> {
        if let Some(kept) = self.logs().get_mut(log) {
            serials.iter().for_each(|serial| drop(kept.snapshots.remove(serial)));
        }
        Box::pin(ready(Ok(())))
    }

    fn logs(&self) -> BoxFuture<'_, Result<Vec<LogKey>, StoreError>> {
        Box::pin(ready(Ok(self.logs().keys().cloned().collect())))
    }
}
