//! Reading a log: its newest snapshot, and the entries since.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::State;
use super::damage;
use super::entry::{Batch, Entry, FormatError};
use super::error::Error;
use super::replay::{Moved, Replay};
use super::snapshot;
use super::store::{LogKey, Store};

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
    pub(super) warnings: Vec<String>,
}

impl State {
    /// What is on record, without taking the log.
    ///
    /// # Errors
    /// Where the log can't be read, or goes on in another place.
    pub async fn load(store: &dyn Store, log: &LogKey) -> Result<Self, Error> {
        let Loaded { replay, warnings, .. } = load(store, log).await?;
        Ok(Self { warnings, ..replay.state })
    }

    /// What was on record after entry `serial`.
    ///
    /// # Errors
    /// Where there is no such entry, or what led up to it can't be read.
    pub async fn at(store: &dyn Store, log: &LogKey, serial: u64) -> Result<Self, Error> {
        let Loaded { replay, .. } = load_until(store, log, Some(serial)).await?;
        if replay.last != serial {
            return Err(Error::NoEntry { location: store.location(log), serial, last: replay.last });
        }
        Ok(replay.state)
    }
}

/// Reads a log that goes on here.
pub(super) async fn load(store: &dyn Store, log: &LogKey) -> Result<Loaded, Error> {
    let loaded = load_until(store, log, None).await?;
    match &loaded.replay.moved_to {
        Some(Moved { place, by }) => {
            Err(Error::Moved { location: store.location(log), place: place.clone(), by: by.clone().map(Box::new) })
        }
        None => Ok(loaded),
    }
}

/// Reads a log, up to an entry or all of it.
pub(super) async fn load_until(store: &dyn Store, log: &LogKey, until: Option<u64>) -> Result<Loaded, Error> {
    let within = |serial: u64| until.is_none_or(|until| serial <= until);
    let mut loaded = Loaded::default();
    newest_snapshot(store, log, &mut loaded, within).await?;
    let files = store.read(log, loaded.replay.last + 1).await?;
    let mut batches = Vec::with_capacity(files.len());
    let mut cut = BTreeSet::new();
    for (serial, bytes) in &files {
        let batch = Batch::decode(*serial, bytes);
        if let (Ok(batch), true) = (&batch, within(*serial)) {
            for entry in &batch.entries {
                if let Entry::Open { cut: entries, .. } = entry {
                    cut.extend(entries.iter().copied());
                }
            }
        }
        batches.push((*serial, batch));
    }
    loaded.next = files.last().map_or(loaded.replay.last, |(serial, _)| *serial) + 1;
    // What came after an entry that was cut off was to declare it void: where that was cut off too, both are.
    let readable = batches
        .iter()
        .rev()
        .find(|(_, batch)| !batch.as_ref().is_err_and(FormatError::is_damage))
        .map(|(serial, _)| *serial);
    batches.retain(|(serial, _)| within(*serial));
    // A log that was moved there has its first entry last. No entry but those that a snapshot covers was ever deleted.
    if loaded.replay.last == 0 && loaded.snapshots.is_empty() && batches.first().is_some_and(|(serial, _)| *serial == 2)
    {
        return Err(Error::CutOff { location: store.location(log) });
    }
    let mut expected = loaded.replay.last + 1;
    for (serial, batch) in batches {
        // A missing one may have been declared void as well.
        while expected < serial && cut.contains(&expected) {
            expected += 1;
        }
        let sound = Some(expected - 1).filter(|_| loaded.replay.state.serial > 0);
        if serial != expected {
            return Err(damage::missing(store, log, expected, sound));
        }
        expected += 1;
        match batch {
            _ if cut.contains(&serial) => loaded.replay.last = serial,
            Ok(batch) => {
                for entry in batch.entries {
                    loaded.replay.apply(serial, entry).map_err(|source| Error::Inconsistent {
                        serial,
                        file: store.entry_file(log, serial),
                        source,
                        sound,
                    })?;
                }
            }
            Err(error) if error.is_damage() && readable.is_none_or(|readable| serial > readable) => {
                loaded.cut.push(serial);
                let location = store.location(log);
                loaded.warnings.push(format!("the last entry ({serial}) of {location} {error}; it is left out"));
            }
            Err(source) => return Err(damage::unreadable(store, log, serial, source, sound)),
        }
    }
    Ok(loaded)
}

/// Reads the newest snapshot that can be read; an older one covers less, and the entries since make up for it.
async fn newest_snapshot(
    store: &dyn Store,
    log: &LogKey,
    loaded: &mut Loaded,
    within: impl Fn(u64) -> bool,
) -> Result<(), Error> {
    loaded.snapshots = store.snapshots(log).await?;
    for &serial in loaded.snapshots.iter().rev().filter(|serial| within(**serial)) {
        let Some(bytes) = store.read_snapshot(log, serial).await? else { continue };
        match snapshot::read(serial, &bytes) {
            Ok(replay) => {
                loaded.replay = replay;
                return Ok(());
            }
            Err(error) if error.is_damage() => {
                let location = store.location(log);
                loaded.warnings.push(format!("snapshot {serial} of {location} {error}; an older one is read instead"));
            }
            Err(source) => {
                let (what, file) = (format!("snapshot {serial}"), store.snapshot_file(log, serial));
                return Err(Error::Format { what, file, source: Arc::new(source), sound: None });
            }
        }
    }
    Ok(())
}
