//! Moving a log to another store, so that at every moment exactly one of the two can be worked with.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::check;
use super::entry::{Batch, Entry};
use super::error::Error;
use super::journal::Journal;
use super::load::load_until;
use super::open::OpenOptions;
use super::store::{LogKey, Store, StoreError};
use super::writer::Log;

/// A log that is to be moved.
#[derive(Debug)]
pub struct Migration {
    /// Which one.
    pub log: LogKey,
    /// Where it is.
    pub from: Arc<dyn Store>,
    /// Where it shall be.
    pub to: Arc<dyn Store>,
    /// That place, as a user writes it.
    pub place: String,
}

impl Migration {
    /// Moves the log, history and all, and tells how many entries it has. One that was cut off is finished.
    ///
    /// The copy can't be read before its first entry is there, and that one is written last, after the entry that ends
    /// the log here.
    ///
    /// # Errors
    /// [`Error::Occupied`] where another log is there already; else what reading and writing a log can fail with.
    pub async fn run(&self, options: OpenOptions) -> Result<usize, Error> {
        let Self { log, from, to, place } = self;
        let last = match self.ended_at().await? {
            Some(last) => last,
            None => {
                if to.read(log, 1).await?.first().is_some_and(|(serial, _)| *serial == 1) {
                    return Err(self.occupied());
                }
                let (journal, _) = Journal::open(Arc::clone(from), log.clone(), options).await?;
                // Nearly all of it is copied before the end, so that what is left to do then is little.
                if let Err(error) = self.copy(u64::MAX).await {
                    journal.close().await?;
                    return Err(error);
                }
                journal.moved_to(place).await?;
                self.ended_at().await?.ok_or(Error::Closed)?
            }
        };
        let copied = self.copy(last).await?;
        let snapshots = from.snapshots(log).await?;
        let first = from.read(log, 1).await?.into_iter().next().filter(|(serial, _)| *serial == 1);
        let Some((_, first)) = first else {
            return Err(Error::Missing { location: from.location(log), serial: 1 });
        };
        self.write(1, &first).await?;
        for serial in snapshots {
            if let Some(snapshot) = from.read_snapshot(log, serial).await? {
                to.write_snapshot(log, serial, snapshot).await?;
            }
        }
        Ok(copied + 1)
    }

    /// The number of the entry that ended the log here, in favour of the same place.
    async fn ended_at(&self) -> Result<Option<u64>, Error> {
        let loaded = load_until(&*self.from, &self.log, None).await?;
        match loaded.replay.moved_to {
            Some(moved) if moved.place == self.place => Ok(Some(loaded.replay.last)),
            Some(moved) => Err(Error::Moved {
                location: self.from.location(&self.log),
                place: moved.place,
                by: moved.by.map(Box::new),
            }),
            None => Ok(None),
        }
    }

    /// Copies all entries but the first that are not there yet; in place of entry `last`, which ends the log here, the
    /// copy is closed.
    async fn copy(&self, last: u64) -> Result<usize, Error> {
        let there: BTreeMap<u64, Vec<u8>> = self.to.read(&self.log, 2).await?.into_iter().collect();
        let mut copied = 0;
        for (serial, mut bytes) in self.from.read(&self.log, 2).await? {
            if serial == last {
                bytes = closed(serial, &bytes).map_err(|source| Error::Format {
                    location: self.from.location(&self.log),
                    what: format!("entry {serial}"),
                    source: Arc::new(source),
                })?;
            }
            match there.get(&serial) {
                Some(same) if *same == bytes => {}
                Some(_) => return Err(self.occupied()),
                None => self.write(serial, &bytes).await?,
            }
            copied += 1;
        }
        Ok(copied)
    }

    async fn write(&self, serial: u64, bytes: &[u8]) -> Result<(), Error> {
        match Log::new(Arc::clone(&self.to), self.log.clone()).append_bytes(serial, bytes, PATIENCE).await {
            Err(Error::Store(error)) if matches!(*error, StoreError::Taken(_)) => Err(self.occupied()),
            result => result,
        }
    }

    fn occupied(&self) -> Error {
        Error::Occupied { location: self.to.location(&self.log) }
    }
}

/// For so long a store that can't be reached is tried again.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// The entry that ended the log, as one that only closes it.
fn closed(serial: u64, bytes: &[u8]) -> Result<Vec<u8>, super::entry::FormatError> {
    let mut batch = Batch::decode(serial, bytes)?;
    for entry in &mut batch.entries {
        if matches!(entry, Entry::MovedTo { .. }) {
            *entry = Entry::Close;
        }
    }
    let json = serde_json::to_vec(&batch).map_err(super::entry::FormatError::Damaged)?;
    Ok(check::checked(json))
}
