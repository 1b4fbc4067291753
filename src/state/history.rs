//! The runs that changed what is on record.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;

use super::State;
use super::entry::{Action, Batch, Entry, Restored};
use super::error::Error;
use super::holder::Holder;
use super::store::{LogKey, Store};
use crate::address::OpId;

/// A run that changed what is on record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// Who; absent where the entry that says so can't be read.
    pub by: Option<Holder>,
    /// When it last did, by its own clock.
    pub at: Timestamp,
    /// The last entry of it that did: what was on record after the run is what was on record after that entry.
    pub serial: u64,
    /// What it did.
    pub changes: Changes,
    /// Whether it let go of the log; a run that was killed did not.
    pub ended: bool,
}

/// What a run did, in numbers of resources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Made.
    pub created: usize,
    /// Changed in place.
    pub updated: usize,
    /// Deleted, or found gone.
    pub deleted: usize,
    /// Begun, and refused by the cloud.
    pub failed: usize,
    /// Given another address.
    pub moved: usize,
    /// Taken off the record.
    pub forgotten: usize,
    /// Where the whole record came from, if it was replaced.
    pub restored: Option<Restored>,
}

/// Says who changed it: `ann@laptop (infra apply, 2026-01-01T00:00:00Z)`.
impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.by {
            Some(Holder { user, host, command, .. }) => write!(f, "{user}@{host} (infra {command}, {:.0})", self.at),
            None => write!(f, "an earlier run ({:.0})", self.at),
        }
    }
}

impl State {
    /// The runs that changed what is on record after entry `since`, in the order in which they last did.
    ///
    /// # Errors
    /// Where the store can't be read. What can't be read of the log tells nothing.
    pub async fn history(store: &dyn Store, log: &LogKey, since: u64) -> Result<Vec<Run>, Error> {
        let mut runs: BTreeMap<String, Run> = BTreeMap::new();
        let mut updates = BTreeSet::new();
        for (serial, bytes) in store.read(log, 1).await? {
            // Whoever works with the log says what is wrong with it.
            let Ok(batch) = Batch::decode(serial, &bytes) else { continue };
            let run = runs.entry(batch.session).or_default();
            for entry in &batch.entries {
                run.add(entry, &mut updates);
                if entry.changes_state() {
                    (run.serial, run.at) = (serial, batch.at);
                }
            }
        }
        let mut runs: Vec<_> = runs.into_values().filter(|run| run.serial > since).collect();
        runs.sort_by_key(|run| run.serial);
        Ok(runs)
    }
}

impl Run {
    fn add(&mut self, entry: &Entry, updates: &mut BTreeSet<OpId>) {
        let changes = &mut self.changes;
        match entry {
            Entry::Open { holder, .. } => self.by = Some(holder.clone()),
            Entry::Begin { op, action: Action::Update, .. } => drop(updates.insert(op.clone())),
            Entry::Made { .. } => changes.created += 1,
            Entry::Done { op, .. } => changes.updated += usize::from(updates.remove(op)),
            Entry::Failed { .. } => changes.failed += 1,
            Entry::Gone { .. } => changes.deleted += 1,
            Entry::Moved { moves } => changes.moved += moves.len(),
            Entry::Forgot { .. } => changes.forgotten += 1,
            Entry::Restored { from, .. } => changes.restored = Some(*from),
            Entry::Close | Entry::MovedTo { .. } => self.ended = true,
            Entry::Renew | Entry::Begin { .. } | Entry::Updated { .. } | Entry::Outputs { .. } => {}
        }
    }
}
