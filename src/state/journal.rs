//! The journal: every change of what is on record, durable before anyone goes on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::unconstrained;
use tokio::time::Instant;

use super::entry::{Action, Entry, Move, Restored};
use super::error::Error;
use super::open::OpenOptions;
use super::seal::{Seal, Sealed};
use super::store::{LogKey, Store};
use super::{Begun, BegunAction, Deposed, State};
use crate::address::{Address, Id, OpId};
use crate::cloud::fence::Fence;
use crate::value::Value;

/// A log that this process holds.
///
/// Each method returns once its entry is durable. Entries that are recorded at the same time share one write. Once
/// another process took the log over, or the store fails, every call fails: nothing may be sent to the cloud any more.
///
/// Cheap to clone. When the last clone is dropped without [`close`](Journal::close) the log stays held until its lease
/// ends, just as after a crash.
#[derive(Clone, Debug)]
pub struct Journal {
    requests: mpsc::UnboundedSender<Request>,
    status: watch::Receiver<Status>,
    seal: Seal,
    lease: Duration,
}

/// Entries to be recorded together.
#[derive(Debug)]
pub(super) struct Request {
    /// Each with its JSON.
    pub(super) entries: Vec<(Vec<u8>, Entry)>,
    pub(super) reply: oneshot::Sender<Result<(), Error>>,
}

/// How sure it is that the log is held.
#[derive(Clone, Debug)]
pub(super) enum Status {
    /// The last entry was sent at that time, by both clocks; for a lease from then on nobody else takes the log.
    Held(Instant, SystemTime),
    /// It is not held any more.
    Ended(Error),
}

/// What changes on the record of a resource without an operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Updated {
    /// The properties last applied: what the stack says, no more.
    pub properties: Value,
    /// The outputs last read.
    pub outputs: Value,
    /// What it refers to.
    pub dependencies: Vec<Address>,
    /// Whether the stack forbids its deletion.
    pub prevent_destroy: bool,
}

/// How long ago an entry was sent. The monotonic clock stands still while a machine sleeps; the wall clock may be set.
/// The longer one counts: at worst it costs an entry.
fn age(instant: Instant, time: SystemTime, lease: Duration) -> Duration {
    let by_wall = SystemTime::now().duration_since(time).unwrap_or(lease);
    instant.elapsed().max(by_wall)
}

impl Journal {
    /// Takes the log, waiting for whoever holds it if asked to, and tells what is on record.
    ///
    /// # Errors
    /// [`Error::Held`] where somebody holds it and `options` say not to wait; else what reading and writing the log
    /// can fail with.
    pub async fn open(store: Arc<dyn Store>, log: LogKey, options: OpenOptions) -> Result<(Self, State), Error> {
        super::open::open(store, log, options).await
    }

    pub(super) fn new(
        requests: mpsc::UnboundedSender<Request>,
        status: watch::Receiver<Status>,
        seal: Seal,
        lease: Duration,
    ) -> Self {
        Self { requests, status, seal, lease }
    }

    /// What turns secrets into digests.
    pub fn seal(&self) -> &Seal {
        &self.seal
    }

    /// Records that operations are about to make their first calls, in one write. Their properties are sealed here.
    pub async fn begin(&self, operations: impl IntoIterator<Item = (OpId, Begun)>) -> Result<(), Error> {
        let mut entries = Vec::new();
        for (op, begun) in operations {
            let Begun { address, type_name, action, properties, generated, dependencies, prevent_destroy } = begun;
            let (action, properties) = match action {
                BegunAction::Create => (Action::Create, Some(self.sealed(&properties)?)),
                BegunAction::Update => (Action::Update, Some(self.sealed(&properties)?)),
                BegunAction::Delete(id) => (Action::Delete(id), None),
            };
            entries.push(Entry::Begin {
                op,
                address,
                type_name,
                action,
                properties,
                generated,
                dependencies,
                prevent_destroy,
            });
        }
        self.record(entries).await
    }

    /// Records that what the create operation `op` makes exists. What stood at its address becomes deposed.
    pub async fn made(&self, op: &OpId, id: &Id) -> Result<(), Error> {
        self.record(vec![Entry::Made { op: op.clone(), id: id.clone() }]).await
    }

    /// Records that the resource at `address`, which `op` made or changed, is usable.
    pub async fn done(&self, op: &OpId, address: &Address, outputs: &Value) -> Result<(), Error> {
        let outputs = self.sealed(outputs)?;
        self.record(vec![Entry::Done { op: op.clone(), address: address.clone(), outputs }]).await
    }

    /// Records that `op` ended without doing what it was to do: the cloud refused it, so nothing is left to be found.
    pub async fn failed(&self, op: &OpId) -> Result<(), Error> {
        self.record(vec![Entry::Failed { op: op.clone() }]).await
    }

    /// Records what changed of a resource without an operation.
    pub async fn updated(&self, address: &Address, updated: &Updated) -> Result<(), Error> {
        let entry = Entry::Updated {
            address: address.clone(),
            properties: self.sealed(&updated.properties)?,
            outputs: self.sealed(&updated.outputs)?,
            dependencies: updated.dependencies.clone(),
            prevent_destroy: updated.prevent_destroy,
        };
        self.record(vec![entry]).await
    }

    /// Records that the incarnation `id` of a resource is no more: deleted by `op`, or found gone.
    pub async fn gone(&self, op: Option<&OpId>, address: &Address, id: &Id) -> Result<(), Error> {
        self.record(vec![Entry::Gone { op: op.cloned(), address: address.clone(), id: id.clone() }]).await
    }

    /// Records that an earlier incarnation of a resource is its present one again, as it was last applied and not yet
    /// settled. What stood at its address becomes deposed.
    pub async fn taken_back(&self, address: &Address, old: &Deposed) -> Result<(), Error> {
        let Deposed { id, type_name, op, properties, dependencies } = old.clone();
        let begin = Entry::Begin {
            op: op.clone(),
            address: address.clone(),
            type_name,
            action: Action::Create,
            properties: Some(Sealed::from_sealed(properties)),
            generated: Vec::new(),
            dependencies,
            prevent_destroy: false,
        };
        let gone = Entry::Gone { op: None, address: address.clone(), id: id.clone() };
        self.record(vec![begin, gone, Entry::Made { op, id }]).await
    }

    /// Records new addresses, (from, to), all at once, so that two can be swapped.
    pub async fn moved(&self, moves: impl IntoIterator<Item = (Address, Address)>) -> Result<(), Error> {
        let moves: Vec<_> = moves.into_iter().map(|(from, to)| Move { from, to }).collect();
        if moves.is_empty() {
            return Ok(());
        }
        self.record(vec![Entry::Moved { moves }]).await
    }

    /// Records that the resource at `address`, with its earlier incarnations, is no longer managed.
    pub async fn forgot(&self, address: &Address) -> Result<(), Error> {
        self.record(vec![Entry::Forgot { address: address.clone() }]).await
    }

    /// Records the stack's outputs.
    pub async fn outputs(&self, outputs: &BTreeMap<String, Value>) -> Result<(), Error> {
        let outputs = outputs
            .iter()
            .map(|(name, value)| Ok((name.clone(), self.sealed(value)?)))
            .collect::<Result<_, Error>>()?;
        self.record(vec![Entry::Outputs { outputs }]).await
    }

    /// Records that all that is on record is now what `state` says, and closes the log. What `now` says was begun and
    /// not ended stays to be looked for.
    pub async fn restored(&self, from: Restored, mut state: State, now: &State) -> Result<(), Error> {
        state.begun.extend(now.begun.iter().map(|(op, begun)| (op.clone(), begun.clone())));
        self.record(vec![Entry::Restored { from, state: Box::new(state.into()) }, Entry::Close]).await
    }

    /// Ends the log, which goes on in `place`. Every later call fails with [`Error::Closed`].
    pub(super) async fn moved_to(&self, place: &str) -> Result<(), Error> {
        self.record(vec![Entry::MovedTo { place: place.to_owned() }]).await
    }

    /// Lets go of the log: the next one need not wait. Every later call fails with [`Error::Closed`].
    pub async fn close(&self) -> Result<(), Error> {
        self.record(vec![Entry::Close]).await
    }

    /// Returns once it is sure that nobody takes the log for at least half a lease, writing an entry if it must. To be
    /// awaited right before a call that changes anything, where time may have passed since its operation began.
    pub async fn hold(&self) -> Result<(), Error> {
        // Looked at again after each entry: this process may have stood still since it was written.
        while !self.is_fresh()? {
            self.record(vec![Entry::Renew]).await?;
        }
        Ok(())
    }

    /// Whether half a lease is left.
    fn is_fresh(&self) -> Result<bool, Error> {
        match &*self.status.borrow() {
            Status::Ended(error) => Err(error.clone()),
            Status::Held(instant, time) => Ok(age(*instant, *time, self.lease) <= self.lease / 2),
        }
    }

    /// What calls are sent behind: closed from when three quarters of the lease have passed without an entry, so that a
    /// process that was frozen sends nothing once another may have taken the log.
    pub fn fence(&self) -> Fence {
        let (status, lease) = (self.status.clone(), self.lease);
        Fence::new(move || match &*status.borrow() {
            Status::Ended(_) => false,
            Status::Held(instant, time) => age(*instant, *time, lease) <= lease * 3 / 4,
        })
    }

    /// Waits until the log is no longer held, and tells why.
    pub async fn ended(&self) -> Error {
        let mut status = self.status.clone();
        let ended = status.wait_for(|status| matches!(status, Status::Ended(_))).await;
        match ended.as_deref() {
            Ok(Status::Ended(error)) => error.clone(),
            _ => Error::Closed,
        }
    }

    fn sealed(&self, value: &Value) -> Result<Sealed, Error> {
        Ok(Sealed::new(&self.seal, value)?)
    }

    async fn record(&self, entries: Vec<Entry>) -> Result<(), Error> {
        if entries.is_empty() {
            return Ok(());
        }
        let entries = entries
            .into_iter()
            .map(|entry| Ok((serde_json::to_vec(&entry)?, entry)))
            .collect::<Result<_, serde_json::Error>>()?;
        let (reply, answer) = oneshot::channel();
        if self.requests.send(Request { entries, reply }).is_err() {
            return Err(self.ended().await);
        }
        // An engine awaits thousands of these in one task. Tokio gives a task a budget of 128 answers each time it
        // runs, after which it lets all others look in vain: work that grows with the square of their number.
        match unconstrained(answer).await {
            Ok(result) => result,
            Err(_) => Err(self.ended().await),
        }
    }
}
