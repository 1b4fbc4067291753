//! A store whose appends can be held up, refused, or carried out with their answers lost.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::BoxFuture;
use tokio::sync::watch;

use super::*;

/// What becomes of the next appends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    Fine,
    /// They wait until this changes.
    Frozen,
    /// They fail as if the store could not be reached; so many of them.
    Unreachable(usize),
    /// They are carried out, but it looks as if the store could not be reached; so many of them.
    LosesAnswers(usize),
}

/// Stands before another store, which others may use directly.
#[derive(Debug)]
pub(super) struct Stubborn<S> {
    store: Arc<S>,
    mood: watch::Sender<Mood>,
    appends: AtomicUsize,
    /// After so many appends the rest waits for ever.
    limit: AtomicUsize,
    /// So many of the next reads fail as if the store could not be reached.
    unreadable: AtomicUsize,
    /// Held while the mood is looked at and changed.
    turn: Mutex<()>,
}

impl<S: Store> Stubborn<S> {
    pub(super) fn before(store: &Arc<S>) -> Arc<Self> {
        let (mood, _) = watch::channel(Mood::Fine);
        let (appends, unreadable) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let limit = AtomicUsize::new(usize::MAX);
        Arc::new(Self { store: Arc::clone(store), mood, appends, limit, unreadable, turn: Mutex::new(()) })
    }

    pub(super) fn set(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }

    pub(super) fn fail_reads(&self, times: usize) {
        self.unreadable.store(times, Ordering::SeqCst);
    }

    /// Lets so many appends through, and holds up all that come after.
    pub(super) fn freeze_after(&self, appends: usize) {
        self.limit.store(appends, Ordering::SeqCst);
    }

    pub(super) fn appends(&self) -> usize {
        self.appends.load(Ordering::SeqCst)
    }

    fn next_mood(&self) -> Mood {
        let _turn = self.turn.lock().unwrap();
        let mood = *self.mood.borrow();
        match mood {
            Mood::Unreachable(1) | Mood::LosesAnswers(1) => self.set(Mood::Fine),
            Mood::Unreachable(times) => self.set(Mood::Unreachable(times - 1)),
            Mood::LosesAnswers(times) => self.set(Mood::LosesAnswers(times - 1)),
            Mood::Fine | Mood::Frozen => {}
        }
        mood
    }
}

impl<S: Store> Store for Stubborn<S> {
    fn location(&self, log: &LogKey) -> String {
        self.store.location(log)
    }

    fn append<'a>(&'a self, log: &'a LogKey, serial: u64, entry: Vec<u8>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            if self.appends.fetch_add(1, Ordering::SeqCst) >= self.limit.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            let unreachable =
                || StoreError::Unavailable { location: self.location(log), reason: "the line is cut".into() };
            match self.next_mood() {
                Mood::Unreachable(_) => return Err(unreachable()),
                Mood::LosesAnswers(_) => {
                    self.store.append(log, serial, entry).await?;
                    return Err(unreachable());
                }
                Mood::Frozen => {
                    self.mood.subscribe().wait_for(|mood| *mood != Mood::Frozen).await.unwrap();
                }
                Mood::Fine => {}
            }
            self.store.append(log, serial, entry).await
        })
    }

    fn read<'a>(&'a self, log: &'a LogKey, from: u64) -> BoxFuture<'a, Result<Files, StoreError>> {
        let fewer = |times: usize| times.checked_sub(1);
        if self.unreadable.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fewer).is_ok() {
            let reason = "the line is cut".into();
            return Box::pin(async { Err(StoreError::Unavailable { location: self.location(log), reason }) });
        }
        self.store.read(log, from)
    }

    fn write_snapshot<'a>(
        &'a self,
        log: &'a LogKey,
        serial: u64,
        snapshot: Vec<u8>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.store.write_snapshot(log, serial, snapshot)
    }

    fn snapshots<'a>(&'a self, log: &'a LogKey) -> BoxFuture<'a, Result<Vec<u64>, StoreError>> {
        self.store.snapshots(log)
    }

    fn read_snapshot<'a>(&'a self, log: &'a LogKey, serial: u64) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        self.store.read_snapshot(log, serial)
    }

    fn delete_snapshots<'a>(&'a self, log: &'a LogKey, serials: Vec<u64>) -> BoxFuture<'a, Result<(), StoreError>> {
        self.store.delete_snapshots(log, serials)
    }

    fn logs(&self) -> BoxFuture<'_, Result<Vec<LogKey>, StoreError>> {
        self.store.logs()
    }
}
