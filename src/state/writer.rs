//! The one task that writes a log: it gathers what is recorded at the same time, renews the lease, and keeps snapshots.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::State;
use super::check;
use super::entry::{Batch, Entry, STATE_VERSION};
use super::error::Error;
use super::journal::{Request, Status};
use super::replay::Replay;
use super::seal::Seal;
use super::snapshot;
use super::store::{LogKey, Store, StoreError};

/// A snapshot is written when so many batches came since the last one, and as many bytes as it had: so that writing
/// snapshots costs no more than writing the log, however large the state grows.
const SNAPSHOT_EVERY: u64 = 64;
/// Two, so that one that is damaged does no harm.
const SNAPSHOTS_KEPT: usize = 2;
/// In bytes; what is recorded beyond it goes into the next batch.
const LARGEST_BATCH: usize = 8 << 20;
/// [`Entry::Renew`] as JSON.
const RENEW: &[u8] = b"\"renew\"";
/// Renewed when a third of the lease has passed, so that two renewals may fail before it ends.
const RENEWALS_IN_A_LEASE: u32 = 3;

/// A log in a store, as one opening of it writes it.
#[derive(Clone, Debug)]
pub(super) struct Log {
    pub(super) store: Arc<dyn Store>,
    pub(super) key: LogKey,
    session: String,
}

impl Log {
    pub(super) fn new(store: Arc<dyn Store>, key: LogKey) -> Self {
        Self { store, key, session: ulid::Ulid::new().to_string() }
    }

    pub(super) fn location(&self) -> String {
        self.store.location(&self.key)
    }

    /// Appends a batch of entries, given as JSON, and returns its size; tries again for as long as `patience` while
    /// the store can't be reached.
    pub(super) async fn append(&self, serial: u64, entries: &[Vec<u8>], patience: Duration) -> Result<u64, Error> {
        let batch = self.encode(serial, entries)?;
        self.append_bytes(serial, &batch, patience).await?;
        Ok(batch.len() as u64)
    }

    /// Appends a document as it is, unless it is there already.
    pub(super) async fn append_bytes(&self, serial: u64, batch: &[u8], patience: Duration) -> Result<(), Error> {
        let deadline = Instant::now() + patience;
        let mut pause = Duration::from_millis(100);
        loop {
            let mut tried = self.store.append(&self.key, serial, batch.to_vec()).await;
            if matches!(tried, Err(StoreError::Taken(_))) {
                // An earlier try may have been carried out though its answer was lost: then the entry is ours.
                match self.is_written(serial, batch).await {
                    Ok(true) => tried = Ok(()),
                    Ok(false) => {}
                    Err(error) => tried = Err(error),
                }
            }
            match tried {
                Ok(()) => return Ok(()),
                Err(StoreError::Unavailable { .. }) if Instant::now() + pause < deadline => {
                    sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(5));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn encode(&self, serial: u64, entries: &[Vec<u8>]) -> Result<Vec<u8>, Error> {
        let (session, at) = (self.session.clone(), jiff::Timestamp::now());
        let head = Batch { version: STATE_VERSION, serial, session, at, entries: Vec::new() };
        let mut bytes = serde_json::to_vec(&head)?;
        // The entries are JSON already: they take the place of the empty list that the head ends with, `[]}`.
        bytes.truncate(bytes.len() - 2);
        bytes.extend_from_slice(&entries.join(&b','));
        bytes.extend_from_slice(b"]}");
        Ok(check::checked(bytes))
    }

    async fn is_written(&self, serial: u64, batch: &[u8]) -> Result<bool, StoreError> {
        let entries = self.store.read(&self.key, serial).await?;
        Ok(entries.first().is_some_and(|(first, bytes)| *first == serial && bytes == batch))
    }

    /// Who took the log with entry `serial`.
    async fn taken_by(&self, serial: u64) -> Error {
        let entries = self.store.read(&self.key, serial).await.unwrap_or_default();
        let batch = entries.first().and_then(|(serial, bytes)| Batch::decode(*serial, bytes).ok());
        let by = batch.into_iter().flat_map(|batch| batch.entries).find_map(|entry| match entry {
            Entry::Open { holder, .. } => Some(Box::new(holder)),
            _ => None,
        });
        Error::LostLog { location: self.location(), by }
    }
}

/// What the writing task knows.
#[derive(Debug)]
pub(super) struct Writer {
    log: Log,
    replay: Replay,
    lease: Duration,
    /// When the last batch was sent, by both clocks.
    sent: (Instant, SystemTime),
    snapshots: Vec<u64>,
    batches_since: u64,
    bytes_since: u64,
    snapshot_size: u64,
}

impl Writer {
    pub(super) fn new(
        log: Log,
        replay: Replay,
        lease: Duration,
        sent: (Instant, SystemTime),
        snapshots: Vec<u64>,
    ) -> Self {
        let batches_since = replay.last - snapshots.last().copied().unwrap_or(0).min(replay.last);
        Self { log, replay, lease, sent, snapshots, batches_since, bytes_since: 0, snapshot_size: 0 }
    }

    pub(super) fn state(&self) -> &State {
        &self.replay.state
    }

    pub(super) fn seal(&self) -> Result<Seal, Error> {
        Ok(self.replay.seal()?.clone())
    }

    pub(super) fn sent(&self) -> (Instant, SystemTime) {
        self.sent
    }

    /// Writes what is recorded until the log is closed or lost, or nobody is left to record anything.
    pub(super) async fn run(mut self, mut requests: mpsc::UnboundedReceiver<Request>, status: watch::Sender<Status>) {
        loop {
            let renewal = self.sent.0 + self.lease / RENEWALS_IN_A_LEASE;
            let first = tokio::select! {
                biased;
                request = requests.recv() => match request {
                    Some(request) => Some(request),
                    None => return,
                },
                () = sleep_until(renewal) => None,
            };
            // Lets those that are about to record something do so, and share the write.
            tokio::task::yield_now().await;
            let batch = self.gather(first, &mut requests);
            if batch.entries.is_empty() {
                continue;
            }
            match self.write(&batch).await {
                Ok(()) => {
                    status.send_replace(Status::Held(self.sent.0, self.sent.1));
                    if batch.closes {
                        if self.replay.moved_to.is_none() {
                            self.keep_snapshot(true).await;
                        }
                        status.send_replace(Status::Ended(Error::Closed));
                        requests.close();
                        batch.answer(&Ok(()));
                        return;
                    }
                    batch.answer(&Ok(()));
                    self.keep_snapshot(false).await;
                }
                Err(error) => {
                    status.send_replace(Status::Ended(error.clone()));
                    requests.close();
                    batch.answer(&Err(error));
                    return;
                }
            }
        }
    }

    /// Folds in what is waiting to be recorded; a renewal where nothing is.
    fn gather(&mut self, first: Option<Request>, requests: &mut mpsc::UnboundedReceiver<Request>) -> Gathered {
        let mut batch = Gathered { serial: self.replay.last + 1, ..Gathered::default() };
        let mut request = first.or_else(|| requests.try_recv().ok());
        if request.is_none() {
            batch.entries.push(RENEW.to_vec());
            self.replay.last = batch.serial;
        }
        while let Some(Request { entries, reply }) = request.take() {
            let mut refused = None;
            for (json, entry) in entries {
                batch.closes |= matches!(entry, Entry::Close | Entry::MovedTo { .. });
                match self.replay.apply(batch.serial, entry) {
                    Ok(()) => {
                        batch.size += json.len();
                        batch.entries.push(json);
                    }
                    Err(error) => refused = Some(error),
                }
            }
            match refused {
                Some(error) => drop(reply.send(Err(error.into()))),
                None => batch.waiting.push(reply),
            }
            if !batch.closes && batch.size < LARGEST_BATCH {
                request = requests.try_recv().ok();
            }
        }
        batch
    }

    async fn write(&mut self, batch: &Gathered) -> Result<(), Error> {
        let sent = (Instant::now(), SystemTime::now());
        match self.log.append(batch.serial, &batch.entries, self.lease).await {
            Ok(size) => {
                self.sent = sent;
                self.batches_since += 1;
                self.bytes_since += size;
                Ok(())
            }
            Err(Error::Store(error)) if matches!(*error, StoreError::Taken(_)) => {
                Err(self.log.taken_by(batch.serial).await)
            }
            Err(error) => Err(error),
        }
    }

    /// Writes a snapshot if one is due, and deletes those that it makes superfluous.
    ///
    /// A snapshot only saves reading. What can't be written or deleted is left for the next time.
    async fn keep_snapshot(&mut self, closing: bool) {
        let covered = self.snapshots.last().copied().unwrap_or(0);
        let changed = self.replay.state.serial > covered;
        let grown = self.batches_since >= SNAPSHOT_EVERY && self.bytes_since >= self.snapshot_size;
        if !(grown || closing && changed) {
            return;
        }
        let serial = self.replay.last;
        let Ok(bytes) = snapshot::encode(&self.replay) else { return };
        let size = bytes.len() as u64;
        if self.log.store.write_snapshot(&self.log.key, serial, bytes).await.is_err() {
            return;
        }
        (self.batches_since, self.bytes_since, self.snapshot_size) = (0, 0, size);
        self.snapshots.push(serial);
        let superfluous = self.snapshots.len().saturating_sub(SNAPSHOTS_KEPT);
        let snapshots = self.snapshots.drain(..superfluous).collect();
        let _ = self.log.store.delete_snapshots(&self.log.key, snapshots).await;
    }
}

/// Entries that are written together.
#[derive(Debug, Default)]
struct Gathered {
    serial: u64,
    /// Each as JSON.
    entries: Vec<Vec<u8>>,
    size: usize,
    closes: bool,
    waiting: Vec<oneshot::Sender<Result<(), Error>>>,
}

impl Gathered {
    fn answer(self, result: &Result<(), Error>) {
        for reply in self.waiting {
            // Who no longer waits for the answer does not need it.
            let _ = reply.send(result.clone());
        }
    }
}
