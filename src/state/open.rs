//! Taking a log: at once where it is free, after a whole lease of silence where its holder died.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::future::BoxFuture;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};

use super::entry::{Entry, Restored};
use super::error::Error;
use super::holder::Holder;
use super::journal::{Journal, Status};
use super::load::{self, Loaded};
use super::restore;
use super::seal::Seal;
use super::store::{LogKey, Store, StoreError};
use super::writer::{Log, Writer};
use super::{BegunAction, State};
use crate::address::Address;

/// For how long after an entry of the holder nobody else may take the log, where nothing else is said.
pub const DEFAULT_LEASE: Duration = Duration::from_secs(60);

/// For so long the calls that a dead process had under way may still be carried out.
const CALLS_UNDER_WAY: Duration = Duration::from_secs(5);

/// Whoever gives up waits for so long until an entry that is on its way is written, and so can be taken back.
const ENTRY_UNDER_WAY: Duration = Duration::from_secs(2);

/// Somebody who holds the log.
#[derive(Debug)]
pub struct Waiting<'a> {
    /// Who.
    pub holder: &'a Holder,
    /// What it has under way, as the log says: address and what is done to it.
    pub under_way: Vec<(&'a Address, &'a BegunAction)>,
    /// For how long the log must stand still before it is taken over.
    pub patience: Duration,
}

/// Told whom a wait is for.
pub type OnWait = Box<dyn Fn(&Waiting<'_>) + Send + Sync>;

/// How a log is to be taken.
pub struct OpenOptions {
    /// Who takes it.
    pub holder: Holder,
    /// For how long after an entry of ours nobody else may take it.
    pub lease: Duration,
    /// Whether to wait for whoever holds it.
    pub wait: bool,
    /// Called once, when a wait begins.
    pub on_wait: Option<OnWait>,
    /// Once it is there, the log is not taken any more: opening fails with [`Error::GivenUp`] and leaves the log free.
    pub give_up: Option<BoxFuture<'static, ()>>,
}

impl OpenOptions {
    /// Waits, tells nobody, and takes the default lease.
    pub fn new(holder: Holder) -> Self {
        Self { holder, lease: DEFAULT_LEASE, wait: true, on_wait: None, give_up: None }
    }
}

impl fmt::Debug for OpenOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { holder, lease, wait, on_wait: _, give_up: _ } = self;
        f.debug_struct("OpenOptions").field("holder", holder).field("lease", lease).field("wait", wait).finish()
    }
}

pub(super) async fn open(store: Arc<dyn Store>, key: LogKey, options: OpenOptions) -> Result<(Journal, State), Error> {
    let lease = options.lease;
    let Opened { writer, warnings, given_up } = take_when_free(&Log::new(store, key), options, None).await?;
    let (journal, state) = start(writer, warnings, lease)?;
    if given_up {
        journal.close().await?;
        return Err(Error::GivenUp);
    }
    Ok((journal, state))
}

/// A record that takes the place of what a damaged log says.
pub(super) struct Replacing {
    /// The last entry there was when it was decided.
    pub(super) last: u64,
    pub(super) from: Restored,
    pub(super) state: State,
}

/// Takes a damaged log, replaces what is on record and lets go of it, all in one entry.
pub(super) async fn replace(
    store: Arc<dyn Store>,
    key: LogKey,
    options: OpenOptions,
    replacing: Replacing,
) -> Result<(), Error> {
    take_when_free(&Log::new(store, key), options, Some(&replacing)).await.map(drop)
}

/// A log that was taken.
struct Opened {
    writer: Writer,
    warnings: Vec<String>,
    given_up: bool,
}

async fn take_when_free(log: &Log, options: OpenOptions, replacing: Option<&Replacing>) -> Result<Opened, Error> {
    let OpenOptions { holder, lease: own_lease, wait, on_wait, give_up } = options;
    let mut give_up = give_up.unwrap_or_else(|| Box::pin(std::future::pending()));
    let mut told = false;
    // The number that was free when last looked at, and since when: by this process's own clock, so that no two
    // machines' clocks are compared.
    let mut still: Option<(u64, Instant)> = None;
    loop {
        let loaded = tokio::select! {
            biased;
            () = &mut give_up => return Err(Error::GivenUp),
            loaded = look(log, replacing) => loaded?,
        };
        if let Some(lease) = &loaded.replay.lease {
            let dead = lease.holder.is_dead();
            let patience = if dead { lease.duration.min(CALLS_UNDER_WAY) } else { lease.duration };
            if !wait && !dead {
                return Err(Error::Held { location: log.location(), holder: Box::new(lease.holder.clone()) });
            }
            if !told && let Some(on_wait) = &on_wait {
                let begun = loaded.replay.state.begun.values();
                let under_way = begun.map(|begun| (&begun.address, &begun.action)).collect();
                on_wait(&Waiting { holder: &lease.holder, under_way, patience });
            }
            told = true;
            let since = match still {
                Some((next, since)) if next == loaded.next => since,
                _ => Instant::now(),
            };
            still = Some((loaded.next, since));
            if since.elapsed() < patience {
                tokio::select! {
                    () = &mut give_up => return Err(Error::GivenUp),
                    watched = watch_log(log, loaded.next, since + patience) => watched?,
                }
                continue;
            }
        }
        let mut taking = pin!(take(log, &holder, own_lease, &loaded, replacing));
        let (taken, given_up) = tokio::select! {
            taken = &mut taking => (taken, false),
            () = &mut give_up => (timeout(ENTRY_UNDER_WAY, taking).await.unwrap_or(Err(Error::GivenUp)), true),
        };
        match taken {
            Ok(writer) => return Ok(Opened { writer, warnings: loaded.warnings.clone(), given_up }),
            Err(_) if given_up => return Err(Error::GivenUp),
            Err(Error::Store(error)) if matches!(*error, StoreError::Taken(_)) => {}
            Err(error) => return Err(error),
        }
    }
}

async fn look(log: &Log, replacing: Option<&Replacing>) -> Result<Loaded, Error> {
    let Some(replacing) = replacing else { return load::load(&*log.store, &log.key).await };
    let loaded = restore::load_past(&*log.store, &log.key).await?;
    if loaded.next != replacing.last + 1 {
        return Err(Error::Changed);
    }
    Ok(loaded)
}

/// Returns when an entry numbered `next` is written, or at `until`.
async fn watch_log(log: &Log, next: u64, until: Instant) -> Result<(), Error> {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        sleep(left.min(Duration::from_secs(1))).await;
        if !log.store.read(&log.key, next).await?.is_empty() {
            return Ok(());
        }
    }
}

/// Appends the entry that takes the log.
async fn take(
    log: &Log,
    holder: &Holder,
    lease: Duration,
    loaded: &Loaded,
    replacing: Option<&Replacing>,
) -> Result<Writer, Error> {
    let mut replay = loaded.replay.clone();
    let seal = if replay.seal().is_err() { Some(Seal::generate()?) } else { None };
    let mut entries = vec![Entry::Open {
        holder: holder.clone(),
        lease_ms: lease.as_millis().try_into().unwrap_or(u64::MAX),
        seal,
        cut: loaded.cut.clone(),
    }];
    if let Some(Replacing { from, state, .. }) = replacing {
        let mut state = state.clone();
        state.begun.extend(loaded.replay.state.begun.clone());
        entries.extend([Entry::Restored { from: *from, state: Box::new(state.into()) }, Entry::Close]);
    }
    let sent = (Instant::now(), SystemTime::now());
    let mut documents = Vec::with_capacity(entries.len());
    for entry in entries {
        documents.push(serde_json::to_vec(&entry)?);
        replay.apply(loaded.next, entry)?;
    }
    log.append(loaded.next, &documents, lease).await?;
    Ok(Writer::new(log.clone(), replay, lease, sent, loaded.snapshots.clone()))
}

fn start(writer: Writer, warnings: Vec<String>, lease: Duration) -> Result<(Journal, State), Error> {
    let mut state = writer.state().clone();
    state.warnings = warnings;
    let seal = writer.seal()?;
    let (requests, receiver) = mpsc::unbounded_channel();
    let (instant, time) = writer.sent();
    let (status, watched) = watch::channel(Status::Held(instant, time));
    tokio::spawn(writer.run(receiver, status));
    Ok((Journal::new(requests, watched, seal, lease), state))
}
