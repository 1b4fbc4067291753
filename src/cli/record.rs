//! What is on record of a stack, for the commands that need no more than that.

use std::sync::Arc;
use std::time::Duration;

use super::args::{StateArgs, WhichArgs};
use super::error::CommandError;
use super::style::{YELLOW, duration, paint};
use super::{cloud, terminal};
use crate::address::Address;
use crate::state::{Holder, Journal, LogKey, OpenOptions, State, Store};

/// The environment of a stack that was given none.
pub(super) const DEFAULT_ENVIRONMENT: &str = "default";

/// The record of one stack in one environment.
pub(super) struct Record {
    /// Whose it is.
    pub(super) log: LogKey,
    /// Where it is kept.
    pub(super) store: Arc<dyn Store>,
    /// What it says.
    pub(super) state: State,
}

impl Record {
    /// Reads the record of the stack that the arguments name, which must have one.
    pub(super) async fn load(which: &WhichArgs, place: &StateArgs) -> Result<Self, CommandError> {
        let store = cloud::store(place).await?;
        let log = LogKey::new(which.name()?, which.environment.as_deref().unwrap_or(DEFAULT_ENVIRONMENT));
        let state = State::load(&*store, &log).await?;
        warn(&state);
        if state.serial == 0 {
            return Err(nothing_on_record(&log, &*store, place).await?);
        }
        Ok(Self { log, store, state })
    }

    /// The region of what is on record, as its ARNs tell it.
    pub(super) fn region(&self) -> Result<&str, CommandError> {
        let resources = self.state.resources.values();
        let texts = resources.flat_map(|record| {
            let outputs = record.outputs.as_map().into_iter().flatten();
            outputs.filter_map(|(_, value)| value.as_str()).chain([record.id.as_str()])
        });
        let mut regions = texts.filter_map(|text| text.strip_prefix("arn:")?.split(':').nth(2));
        regions
            .find(|region| !region.is_empty())
            .ok_or_else(|| CommandError::failed(format!("nothing on record of {} runs in a region", self.log)))
    }

    /// The resources at an address or inside it, at least one.
    pub(super) fn within(&self, address: &Address) -> Result<Vec<Address>, CommandError> {
        let all = || self.state.resources.keys();
        let found: Vec<_> = all().filter(|one| one.is_within(address)).cloned().collect();
        if found.is_empty() {
            let error = CommandError::usage(format!("no resource `{address}` is on record of {}", self.log));
            let likeness = |one: &Address| strsim::jaro_winkler(one.as_str(), address.as_str());
            let nearest = all().max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
            return Err(match nearest.filter(|one| likeness(one) > 0.8) {
                Some(nearest) => error.hint(format!("did you mean `{nearest}`?")),
                None => error.hint("`infra state list` shows what is on record"),
            });
        }
        Ok(found)
    }
}

/// Tells what reading the record found.
pub(super) fn warn(state: &State) {
    for warning in &state.warnings {
        terminal::tell(&format!("{} {warning}\n", paint(YELLOW, "warning:")));
    }
}

async fn nothing_on_record(log: &LogKey, store: &dyn Store, place: &StateArgs) -> Result<CommandError, CommandError> {
    let folder = &place.state;
    let known: Vec<_> =
        store.logs().await.map_err(crate::state::Error::from)?.iter().map(ToString::to_string).collect();
    let error = CommandError::failed(format!("nothing is on record of {log} in {folder}"));
    Ok(if known.is_empty() {
        error.hint("apply the stack first, or say with --state where its record is")
    } else {
        error.hint(format!("on record there: {}", known.join(", ")))
    })
}

impl From<crate::state::Error> for CommandError {
    fn from(error: crate::state::Error) -> Self {
        let hint = match &error {
            crate::state::Error::Held { .. } => "leave out --no-wait to wait until it is free",
            crate::state::Error::LostLog { .. } => {
                "another run went on from here; plan again to see where things stand"
            }
            _ => return Self::failed(error.to_string()),
        };
        Self::failed(error.to_string()).hint(hint)
    }
}

/// Takes the log of a record, to write to it.
pub(super) async fn take(record: &Record, command: &str, no_wait: bool) -> Result<(Journal, State), CommandError> {
    let options =
        OpenOptions { wait: !no_wait, on_wait: Some(Box::new(on_wait)), ..OpenOptions::new(Holder::current(command)) };
    Ok(Journal::open(Arc::clone(&record.store), record.log.clone(), options).await?)
}

/// Tells who works on a stack that is only looked at.
pub(super) fn at_work(holder: &Holder) {
    terminal::tell(&format!(
        "{} {holder} works on this stack. What it has begun and not finished is in this plan, and no longer true once \
         it goes on.\n",
        paint(YELLOW, "Under way:")
    ));
}

/// Tells whom a command waits for.
pub(super) fn on_wait(holder: &Holder, lease: Duration) {
    terminal::tell(&format!(
        "{} {holder} works on this stack. Going on as soon as it is done, or has been silent for {}.\n",
        paint(YELLOW, "Waiting:"),
        duration(lease)
    ));
}
