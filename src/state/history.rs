//! The runs that changed what is on record.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;

use super::State;
use super::damage::{self, Batches, Damage};
use super::entry::{Action, Batch, Entry, Restored};
use super::error::Error;
use super::holder::Holder;
use super::store::{LogKey, Store};
use crate::address::{Id, OpId};

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
    /// Whether entries of it can't be read: then it did more than `changes` says, or something else.
    pub damaged: bool,
}

/// The runs that changed what is on record, as far as the log tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// In the order in which they last did.
    pub runs: Vec<Run>,
    /// Which files can't be read, for the user to know.
    pub warnings: Vec<String>,
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
    /// The runs that changed what is on record after entry `since`.
    ///
    /// # Errors
    /// Where the store can't be read. What can't be read of the log is told.
    pub async fn history(store: &dyn Store, log: &LogKey, since: u64) -> Result<History, Error> {
        // First, so that the entries that it covers are there.
        let snapshot = store.snapshots(log).await?.last().copied().unwrap_or(0);
        let batches = damage::decode(&store.read(log, 1).await?);
        let mut runs: BTreeMap<&str, Run> = BTreeMap::new();
        let mut updates = BTreeSet::new();
        for (serial, batch) in &batches {
            let Ok(batch) = batch else { continue };
            let run = runs.entry(&batch.session).or_default();
            for entry in &batch.entries {
                match is_taken_back(entry, batch) {
                    true => run.changes.updated += usize::from(matches!(entry, Entry::Made { .. })),
                    false => run.add(entry, &mut updates),
                }
                if entry.changes_state() {
                    (run.serial, run.at) = (*serial, batch.at);
                }
            }
        }
        let mut warnings = Vec::new();
        for damage in damage::find(&batches, snapshot) {
            for batch in writers(&batches, &damage) {
                let run = runs.entry(&batch.session).or_default();
                run.damaged = true;
                if run.serial == 0 {
                    (run.serial, run.at) = (batch.serial, batch.at);
                }
            }
            if !damage.is_void && *damage.serials.end() > since {
                let error = damage.error(store, log);
                let more = damage.serials.end() - damage.serials.start();
                let more = if more > 0 { format!(", and {more} more after it") } else { String::new() };
                warnings.push(format!("{error}{more}: what was recorded there can't be told"));
            }
        }
        let mut runs: Vec<_> = runs.into_values().filter(|run| run.serial > since).collect();
        runs.sort_by_key(|run| run.serial);
        Ok(History { runs, warnings })
    }
}

/// Whether an entry is a part of what makes an earlier incarnation the present one again: gone as that, and made, at once.
fn is_taken_back(entry: &Entry, batch: &Batch) -> bool {
    let same = |id: &Id, other: &Entry| match other {
        Entry::Gone { op: None, id: gone, .. } => gone == id && matches!(entry, Entry::Made { .. }),
        Entry::Made { id: made, .. } => made == id && matches!(entry, Entry::Gone { op: None, .. }),
        _ => false,
    };
    match entry {
        Entry::Gone { id, .. } | Entry::Made { id, .. } => batch.entries.iter().any(|other| same(id, other)),
        _ => false,
    }
}

/// The entries before and after some that can't be read whose runs may have written these.
fn writers<'a>(batches: &'a Batches, damage: &Damage) -> impl Iterator<Item = &'a Batch> {
    let (start, end) = (*damage.serials.start(), *damage.serials.end());
    let readable = || batches.iter().filter_map(|(serial, batch)| Some((*serial, batch.as_ref().ok()?)));
    let before = readable().take_while(|(serial, _)| *serial < start).last().map(|(_, batch)| batch);
    let after = readable().find(|(serial, _)| *serial > end).map(|(_, batch)| batch);
    let has = |batch: &Batch, is: fn(&Entry) -> bool| batch.entries.iter().any(is);
    let before = before.filter(|batch| !has(batch, |entry| matches!(entry, Entry::Close | Entry::MovedTo { .. })));
    let after = after.filter(|batch| !has(batch, |entry| matches!(entry, Entry::Open { .. })));
    before.into_iter().chain(after)
}

impl Run {
    /// Whether this holder, who is at work on the log, is whose run it is.
    pub fn is_of(&self, at_work: Option<&Holder>) -> bool {
        !self.ended && at_work.is_some() && self.by.as_ref() == at_work
    }

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
