//! Moving a log to another store, so that at no moment both can be worked with.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt;

use super::check;
use super::damage;
use super::entry::{Batch, Entry};
use super::error::Error;
use super::journal::Journal;
use super::load::load_until;
use super::open::OpenOptions;
use super::place;
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
    /// That place, as [`place::absolute`] gives it.
    pub place: String,
}

impl Migration {
    /// Copies the log, history and all, and ends it where it is. From then on [`finish`](Self::finish) is to be called.
    /// One that has ended so already, by a move that was cut off, is left as it is.
    ///
    /// # Errors
    /// [`Error::Occupied`] where another log is there already, [`Error::Past`] where this one was before,
    /// [`Error::GivenUp`] where `options` say so: then the log is free and goes on where it is. Else what reading and
    /// writing a log can fail with.
    pub async fn end(&self, mut options: OpenOptions) -> Result<(), Error> {
        let give_up = options.give_up.take().unwrap_or_else(|| Box::pin(std::future::pending())).shared();
        options.give_up = Some(Box::pin(give_up.clone()));
        let begin = async {
            let ended = self.ended_at().await?.is_some();
            if !ended {
                // Without it the copy could never be read: to be known before the log ends here.
                let first = self.first_of(&*self.from).await?.ok_or_else(|| self.pruned())?;
                self.free(&first).await?;
            }
            Ok(ended)
        };
        if until(give_up.clone(), begin).await? {
            return Ok(());
        }
        let (journal, _) = Journal::open(Arc::clone(&self.from), self.log.clone(), options).await?;
        // Nearly all of it is copied before the end, so that what is left to do then is little.
        if let Err(error) = until(give_up, self.copy(u64::MAX)).await {
            journal.close().await?;
            return Err(error);
        }
        journal.moved_to(&self.place).await
    }

    /// Makes the copy of a log that ended usable, and tells how many entries it has. May be cut off and called again.
    ///
    /// The copy can't be read before its first entry is there, and that one is written last, after the entry that ends
    /// the log here.
    ///
    /// # Errors
    /// What reading and writing a log can fail with.
    pub async fn finish(&self) -> Result<usize, Error> {
        let Self { log, from, to, place: _ } = self;
        let last = self.ended_at().await?.ok_or(Error::Closed)?;
        let (copied, first) = self.copy(last).await?;
        let snapshots = from.snapshots(log).await?;
        self.write(1, &first).await?;
        for serial in snapshots {
            if let Some(snapshot) = from.read_snapshot(log, serial).await? {
                to.write_snapshot(log, serial, snapshot).await?;
            }
        }
        Ok(copied + 1)
    }

    /// Fails where a log stands in the new place that can be read; `first` is the first entry of the one that is moved.
    async fn free(&self, first: &[u8]) -> Result<(), Error> {
        let Self { log, to, .. } = self;
        let Some(there) = self.first_of(&**to).await? else { return Ok(()) };
        let same = there == first;
        // What can't be read there is no less in the way.
        let ended = load_until(&**to, log, None).await.ok().and_then(|loaded| loaded.replay.moved_to);
        Err(match ended.filter(|_| same) {
            Some(moved) => Error::Past { location: to.location(log), place: moved.place },
            None => self.occupied(),
        })
    }

    /// Why a log without its first entry can't be moved; older builds deleted those that a snapshot covers.
    fn pruned(&self) -> Error {
        damage::missing(&*self.from, &self.log, 1, None)
    }

    /// The first entry of the log in a store, which no two logs have in common.
    async fn first_of(&self, store: &dyn Store) -> Result<Option<Vec<u8>>, Error> {
        Ok(take_first(&mut store.read(&self.log, 1).await?.into_iter()))
    }

    /// The number of the entry that ended the log here, in favour of the same place.
    async fn ended_at(&self) -> Result<Option<u64>, Error> {
        let loaded = load_until(&*self.from, &self.log, None).await?;
        match loaded.replay.moved_to {
            Some(moved) if self.is_to(&moved.place).await? => Ok(Some(loaded.replay.last)),
            Some(moved) => Err(Error::Moved {
                location: self.from.location(&self.log),
                place: moved.place,
                by: moved.by.map(Box::new),
            }),
            None => Ok(None),
        }
    }

    /// Whether the log ended in favour of the place that this is to. Older builds wrote a folder as seen from where they
    /// ran: that is this one only if the copy stands there.
    async fn is_to(&self, moved: &str) -> Result<bool, Error> {
        let same = place::same(moved, &self.place);
        Ok(same && (place::is_absolute(moved) || !self.to.read(&self.log, 2).await?.is_empty()))
    }

    /// Copies all entries but the first that are not there yet; in place of entry `last`, which ends the log here, the
    /// copy is closed. Tells how many there are, and the first.
    async fn copy(&self, last: u64) -> Result<(usize, Vec<u8>), Error> {
        let there: BTreeMap<u64, Vec<u8>> = self.to.read(&self.log, 2).await?.into_iter().collect();
        let mut copied = 0;
        // First, so that the entries that it covers are there.
        let snapshot = self.from.snapshots(&self.log).await?.last().copied().unwrap_or(0);
        let files = self.from.read(&self.log, 1).await?;
        if let Some(damage) = damage::find(&damage::decode(&files), snapshot).iter().find(|damage| !damage.is_void) {
            return Err(damage.error(&*self.from, &self.log));
        }
        let mut files = files.into_iter();
        let first = take_first(&mut files).ok_or_else(|| self.pruned())?;
        for (serial, mut bytes) in files {
            if serial == last {
                let unreadable = |source| damage::unreadable(&*self.from, &self.log, serial, source, None);
                bytes = closed(serial, &bytes).map_err(unreadable)?;
            }
            match there.get(&serial) {
                Some(same) if *same == bytes => {}
                Some(_) => return Err(self.occupied()),
                None => self.write(serial, &bytes).await?,
            }
            copied += 1;
        }
        Ok((copied, first))
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

/// Takes the first entry of a log from its files.
fn take_first(files: &mut impl Iterator<Item = (u64, Vec<u8>)>) -> Option<Vec<u8>> {
    files.next().filter(|(serial, _)| *serial == 1).map(|(_, bytes)| bytes)
}

/// The result of `work`, unless it is given up first.
async fn until<T>(give_up: impl Future<Output = ()>, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::select! {
        biased;
        () = give_up => Err(Error::GivenUp),
        result = work => result,
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
