//! Files of a log that are not what was written, or not there, whether or not a snapshot makes up for them.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::entry::{Batch, Entry, FormatError};
use super::error::Error;
use super::store::{Files, LogKey, Store};

/// Entries as they were read.
pub(super) type Batches = Vec<(u64, Result<Batch, Arc<FormatError>>)>;

/// Entries that can't be read.
#[derive(Debug)]
pub(super) struct Damage {
    /// Their numbers; one, unless they are missing.
    pub(super) serials: RangeInclusive<u64>,
    /// Why not; nothing where they are missing.
    why: Option<Arc<FormatError>>,
    /// Whether a later entry declares them void.
    pub(super) is_void: bool,
}

pub(super) fn decode(files: &Files) -> Batches {
    files.iter().map(|(serial, bytes)| (*serial, Batch::decode(*serial, bytes).map_err(Arc::new))).collect()
}

/// What is damaged among all entries of a log whose newest snapshot is number `snapshot`. Those that were cut off at its
/// end, and so count as never written, are not.
pub(super) fn find(batches: &Batches, snapshot: u64) -> Vec<Damage> {
    let (mut void, mut cut_off) = (BTreeSet::new(), BTreeSet::new());
    let mut readable = 0;
    for (serial, batch) in batches {
        let Ok(batch) = batch else { continue };
        for entry in &batch.entries {
            if let Entry::Open { cut, .. } = entry {
                void.extend(cut.iter().copied());
                cut_off.extend(cut.iter().copied().filter(|serial| *serial > readable));
            }
        }
        readable = *serial;
    }
    let mut expected = match batches.first() {
        // Builds of the first format pruned the log.
        Some((serial, Ok(batch))) if batch.version == 1 => *serial,
        _ => 1,
    };
    let mut found = Vec::new();
    let missing = |from: u64, to: u64| {
        let is_void = (from..=to).all(|serial| void.contains(&serial));
        Damage { serials: from..=to, why: None, is_void }
    };
    for (serial, batch) in batches {
        if *serial > expected {
            found.push(missing(expected, *serial - 1));
        }
        expected = *serial + 1;
        if let Err(why) = batch
            && (*serial < readable || *serial <= snapshot)
            && !cut_off.contains(serial)
        {
            let is_void = void.contains(serial);
            found.push(Damage { serials: *serial..=*serial, why: Some(Arc::clone(why)), is_void });
        }
    }
    if snapshot >= expected {
        found.push(missing(expected, snapshot));
    }
    found
}

impl Damage {
    /// It as an error.
    pub(super) fn error(&self, store: &dyn Store, log: &LogKey) -> Error {
        let serial = *self.serials.start();
        match &self.why {
            Some(source) => unreadable(store, log, serial, Arc::clone(source), None),
            None => missing(store, log, serial, None),
        }
    }
}

/// An entry that can't be read, as an error; `sound` is the one before it, if anything was on record then.
pub(super) fn unreadable(
    store: &dyn Store,
    log: &LogKey,
    serial: u64,
    source: impl Into<Arc<FormatError>>,
    sound: Option<u64>,
) -> Error {
    let (what, file) = (format!("entry {serial}"), store.entry_file(log, serial));
    Error::Format { what, file, source: source.into(), sound }
}

/// The same of one that is missing.
pub(super) fn missing(store: &dyn Store, log: &LogKey, serial: u64, sound: Option<u64>) -> Error {
    Error::Missing { serial, file: store.entry_file(log, serial), sound }
}
