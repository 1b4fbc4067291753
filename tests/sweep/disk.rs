//! The store as a process reaches it.

use std::io;
use std::sync::Arc;

use futures::future::BoxFuture;
use infra::state::{Files, LogKey, Store, StoreError};
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::faults::{Effect, Step, Timing};
use crate::process::Process;

#[derive(Clone, Debug)]
pub(crate) struct Disk(pub(crate) Arc<Process>);

/// What becomes of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    Whole,
    Half,
    Not,
}

/// How a step on the store ends.
enum Fate {
    /// With its own result.
    Answered,
    Failed(StoreError),
    /// With the process.
    Dead,
}

fn unavailable() -> StoreError {
    StoreError::Unavailable { location: "sweep".to_owned(), reason: "unreachable on purpose".to_owned() }
}

fn broken(kind: io::ErrorKind) -> StoreError {
    StoreError::Io { location: "sweep".to_owned(), source: kind.into() }
}

impl Disk {
    /// What is to happen in a step; returns once it may begin.
    async fn begin(&self, step: Step) -> (Written, Fate) {
        let process = &self.0;
        process.awake().await;
        let effect = process.strike(step);
        if process.has_full_disk() && step != Step::Load {
            return (Written::Not, Fate::Failed(broken(io::ErrorKind::StorageFull)));
        }
        if !process.reaches_store() {
            return (Written::Not, Fate::Failed(unavailable()));
        }
        match effect {
            Some(Effect::Crash(Timing::Before)) => {
                process.die();
                std::future::pending().await
            }
            Some(Effect::Crash(Timing::Torn)) => (Written::Half, Fate::Dead),
            Some(Effect::Crash(_)) => (Written::Whole, Fate::Dead),
            Some(Effect::Lose { done: true }) => (Written::Whole, Fate::Failed(unavailable())),
            Some(Effect::Lose { done: false } | Effect::Throttle) => (Written::Not, Fate::Failed(unavailable())),
            Some(Effect::Refuse(_)) => {
                let (location, reason) = ("sweep".to_owned(), "refused on purpose".to_owned());
                (Written::Not, Fate::Failed(StoreError::Refused { location, reason }))
            }
            Some(Effect::Break { done: true, .. }) => (Written::Whole, Fate::Failed(broken(io::ErrorKind::Other))),
            Some(Effect::Break { done: false, .. }) => (Written::Not, Fate::Failed(broken(io::ErrorKind::StorageFull))),
            Some(Effect::Half) => (Written::Half, Fate::Failed(broken(io::ErrorKind::StorageFull))),
            Some(Effect::Freeze { before, seconds }) => {
                process.freeze(seconds);
                if before {
                    process.awake().await;
                }
                (Written::Whole, Fate::Answered)
            }
            _ => (Written::Whole, Fate::Answered),
        }
    }

    /// Carries a step out, whatever becomes of the process in the meantime.
    async fn step<T: Send + 'static>(
        &self,
        step: Step,
        work: impl FnOnce(Arc<Process>, Written) -> BoxFuture<'static, Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let (written, fate) = self.begin(step).await;
        let process = Arc::clone(&self.0);
        let (there, back) = (process.latency(), process.latency());
        let work = work(Arc::clone(&process), written);
        let (answer, heard) = oneshot::channel();
        tokio::spawn(async move {
            sleep(there).await;
            let result = work.await;
            if matches!(fate, Fate::Dead) {
                process.die();
            }
            sleep(back).await;
            let result = match fate {
                Fate::Answered => result,
                Fate::Failed(error) => result.and(Err(error)),
                Fate::Dead => return,
            };
            // Whoever has died does not hear it.
            let _ = answer.send(result);
        });
        let Ok(result) = heard.await else { std::future::pending().await };
        self.0.awake().await;
        result
    }
}

fn cut(mut bytes: Vec<u8>, written: Written) -> Vec<u8> {
    if written == Written::Half {
        bytes.truncate(bytes.len() / 2);
    }
    bytes
}

impl Store for Disk {
    fn location(&self, log: &LogKey) -> String {
        self.0.region.store.location(log)
    }

    fn append<'a>(&'a self, log: &'a LogKey, serial: u64, entry: Vec<u8>) -> BoxFuture<'a, Result<(), StoreError>> {
        let log = log.clone();
        Box::pin(self.step(Step::Append, move |process, written| {
            Box::pin(async move {
                if written == Written::Not {
                    return Ok(());
                }
                let entry = cut(entry, written);
                process.region.store.append(&log, serial, entry.clone()).await?;
                process.region.written(process.number, &entry);
                Ok(())
            })
        }))
    }

    fn read<'a>(&'a self, log: &'a LogKey, from: u64) -> BoxFuture<'a, Result<Files, StoreError>> {
        let log = log.clone();
        let work = move |process: Arc<Process>, _| -> BoxFuture<'static, _> {
            Box::pin(async move { process.region.store.read(&log, from).await })
        };
        Box::pin(self.step(Step::Load, work))
    }

    fn write_snapshot<'a>(
        &'a self,
        log: &'a LogKey,
        serial: u64,
        snapshot: Vec<u8>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let log = log.clone();
        Box::pin(self.step(Step::Snapshot, move |process, written| {
            Box::pin(async move {
                if written == Written::Not {
                    return Ok(());
                }
                process.region.store.write_snapshot(&log, serial, cut(snapshot, written)).await
            })
        }))
    }

    fn snapshots<'a>(&'a self, log: &'a LogKey) -> BoxFuture<'a, Result<Vec<u64>, StoreError>> {
        let log = log.clone();
        let work = move |process: Arc<Process>, _| -> BoxFuture<'static, _> {
            Box::pin(async move { process.region.store.snapshots(&log).await })
        };
        Box::pin(self.step(Step::Load, work))
    }

    fn read_snapshot<'a>(&'a self, log: &'a LogKey, serial: u64) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        let log = log.clone();
        let work = move |process: Arc<Process>, _| -> BoxFuture<'static, _> {
            Box::pin(async move { process.region.store.read_snapshot(&log, serial).await })
        };
        Box::pin(self.step(Step::Load, work))
    }

    fn delete_snapshots<'a>(&'a self, log: &'a LogKey, serials: Vec<u64>) -> BoxFuture<'a, Result<(), StoreError>> {
        let log = log.clone();
        Box::pin(self.step(Step::Snapshot, move |process, written| {
            Box::pin(async move {
                if written == Written::Not {
                    return Ok(());
                }
                process.region.store.delete_snapshots(&log, serials).await
            })
        }))
    }

    fn logs(&self) -> BoxFuture<'_, Result<Vec<LogKey>, StoreError>> {
        let work = move |process: Arc<Process>, _| -> BoxFuture<'static, _> {
            Box::pin(async move { process.region.store.logs().await })
        };
        Box::pin(self.step(Step::Load, work))
    }
}
