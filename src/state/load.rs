//! Reading a log: its newest snapshot, and the entries since.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::State;
use super::entry::{Batch, Entry, FormatError};
use super::error::Error;
use super::replay::Replay;
use super::snapshot::Snapshot;
use super::store::{LogKey, Store};

/// How often reading starts again when entries are pruned under it.
const ATTEMPTS: usize = 5;

/// A log as it was read.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    pub(super) replay: Replay,
    /// The number that the next entry takes.
    pub(super) next: u64,
    /// Entries that can't be read and that whoever takes the log declares void.
    pub(super) cut: Vec<u64>,
    /// The snapshots that are kept, in order.
    pub(super) snapshots: Vec<u64>,
    /// Entries up to this one are pruned.
    pub(super) pruned: u64,
    pub(super) warnings: Vec<String>,
}

impl State {
    /// What is on record, without taking the log.
    pub async fn load(store: &dyn Store, log: &LogKey) -> Result<Self, Error> {
        let Loaded { replay, warnings, .. } = load(store, log).await?;
        Ok(Self { warnings, ..replay.state })
    }
}

pub(super) async fn load(store: &dyn Store, log: &LogKey) -> Result<Loaded, Error> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        match load_once(store, log).await {
            // Whoever holds the log may have written a newer snapshot and pruned what it covers since we looked.
            Err(Error::Missing { .. }) if attempts < ATTEMPTS => {}
            result => return result,
        }
    }
}

async fn load_once(store: &dyn Store, log: &LogKey) -> Result<Loaded, Error> {
    let mut loaded = Loaded::default();
    newest_snapshot(store, log, &mut loaded).await?;
    let files = store.read(log, loaded.replay.last + 1).await?;
    let location = store.location(log);
    let mut batches = Vec::with_capacity(files.len());
    let mut cut = BTreeSet::new();
    for (serial, bytes) in &files {
        let batch = Batch::decode(*serial, bytes);
        if let Ok(batch) = &batch {
            for entry in &batch.entries {
                if let Entry::Open { cut: entries, .. } = entry {
                    cut.extend(entries.iter().copied());
                }
            }
        }
        batches.push((*serial, batch));
    }
    let last = files.last().map_or(loaded.replay.last, |(serial, _)| *serial);
    loaded.next = last + 1;
    // What came after an entry that was cut off was to declare it void: where that was cut off too, both are.
    let readable = batches.iter().rev().find(|(_, batch)| !is_damaged(batch)).map(|(serial, _)| *serial);
    for (expected, (serial, batch)) in (loaded.replay.last + 1..).zip(batches) {
        if serial != expected {
            return Err(Error::Missing { location, serial: expected });
        }
        match batch {
            Ok(batch) => {
                for entry in batch.entries {
                    loaded.replay.apply(serial, entry).map_err(|source| Error::Inconsistent {
                        location: location.clone(),
                        serial,
                        source,
                    })?;
                }
            }
            Err(_) if cut.contains(&serial) => {}
            Err(error @ (FormatError::Damaged(_) | FormatError::Misplaced(_)))
                if readable.is_none_or(|readable| serial > readable) =>
            {
                loaded.cut.push(serial);
                loaded.warnings.push(format!("the last entry ({serial}) of {location} {error}; it is left out"));
            }
            Err(source) => {
                let what = format!("entry {serial}");
                return Err(Error::Format { location, what, source: Arc::new(source) });
            }
        }
    }
    Ok(loaded)
}

/// Whether an entry can't be read, other than because a newer build wrote it.
fn is_damaged(batch: &Result<Batch, FormatError>) -> bool {
    matches!(batch, Err(FormatError::Damaged(_) | FormatError::Misplaced(_)))
}

/// Reads the newest snapshot that can be read; an older one covers less, and the entries since make up for it.
async fn newest_snapshot(store: &dyn Store, log: &LogKey, loaded: &mut Loaded) -> Result<(), Error> {
    loaded.snapshots = store.snapshots(log).await?;
    for &serial in loaded.snapshots.iter().rev() {
        let Some(bytes) = store.read_snapshot(log, serial).await? else { continue };
        match Snapshot::decode(serial, &bytes) {
            Ok((replay, pruned)) => {
                loaded.replay = replay;
                loaded.pruned = pruned;
                return Ok(());
            }
            Err(source @ FormatError::Newer { .. }) => {
                let location = store.location(log);
                return Err(Error::Format { location, what: format!("snapshot {serial}"), source: Arc::new(source) });
            }
            Err(error) => {
                let location = store.location(log);
                loaded.warnings.push(format!("snapshot {serial} of {location} {error}; an older one is read instead"));
            }
        }
    }
    Ok(())
}
