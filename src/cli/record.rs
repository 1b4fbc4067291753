//! What is on record of a stack, for the commands that need no more than that.

use std::sync::Arc;

use super::args::{StateArgs, StatePlace, WhichArgs};
use super::error::{CommandError, NOTHING_CHANGED};
use super::style::{YELLOW, duration, paint};
use super::{store, terminal};
use crate::address::Address;
use crate::state::{BegunAction, Holder, Journal, LogKey, OpenOptions, State, Store, Waiting};

/// The record of one stack in one environment.
pub(super) struct Record {
    /// Whose it is.
    pub(super) log: LogKey,
    /// Where it is kept, as a user writes it.
    place: StatePlace,
    /// What keeps it there.
    pub(super) store: Arc<dyn Store>,
    /// What it says.
    pub(super) state: State,
}

impl Record {
    /// Reads the record of the stack that the arguments name, which must have one.
    pub(super) async fn load(which: &WhichArgs, place: &StateArgs) -> Result<Self, CommandError> {
        let record = Self::open(which, place).await?;
        if record.state.serial == 0 {
            return Err(nothing_on_record(&record.log, &*record.store, &record.place).await?);
        }
        Ok(record)
    }

    /// Reads the record of the stack that the arguments name, if it has one.
    pub(super) async fn open(which: &WhichArgs, place: &StateArgs) -> Result<Self, CommandError> {
        let head = which.head()?;
        let place = place.place(&head.keeping, which.environment())?;
        let store = store::store(&place).await?;
        let log = LogKey::new(head.name, which.environment());
        let state = State::load(&*store, &log).await?;
        warn(&state);
        Ok(Self { log, place, store, state })
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

async fn nothing_on_record(log: &LogKey, store: &dyn Store, place: &StatePlace) -> Result<CommandError, CommandError> {
    let folder = &place.place;
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
            crate::state::Error::Moved { place, .. } => {
                let hint = format!("write `state: {place}` in the stack, or give it as --state or INFRA_STATE");
                return Self::failed(error.to_string()).hint(hint);
            }
            crate::state::Error::GivenUp => return Self::interrupted(NOTHING_CHANGED),
            crate::state::Error::NoEntry { .. } => "`infra state history` lists the runs with their entries",
            _ => return Self::failed(error.to_string()),
        };
        Self::failed(error.to_string()).hint(hint)
    }
}

/// Fails where there is no record, or none that can be read; one that was moved elsewhere is one.
pub(super) async fn present(log: &LogKey, store: &dyn Store, place: &StatePlace) -> Result<(), CommandError> {
    match State::load(store, log).await {
        Ok(state) if state.serial == 0 => Err(nothing_on_record(log, store, place).await?),
        Ok(_) | Err(crate::state::Error::Moved { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Takes the log of a record, to write to it.
pub(super) async fn take(record: &Record, command: &str, no_wait: bool) -> Result<(Journal, State), CommandError> {
    let options = holder_options(command, no_wait);
    Ok(Journal::open(Arc::clone(&record.store), record.log.clone(), options).await?)
}

/// How a command takes a log.
pub(super) fn holder_options(command: &str, no_wait: bool) -> OpenOptions {
    OpenOptions { wait: !no_wait, on_wait: Some(Box::new(on_wait)), ..OpenOptions::new(Holder::current(command)) }
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
fn on_wait(waiting: &Waiting<'_>) {
    let Waiting { holder, under_way, patience } = waiting;
    let doing = match &under_way[..] {
        [] => String::new(),
        [(address, action)] => format!(", {} {address}", doing(action)),
        [(address, action), rest @ ..] => format!(", {} {address} and {} more", doing(action), rest.len()),
    };
    terminal::tell(&format!(
        "{} {holder} works on this stack{doing}. Going on as soon as it is done, or has been silent for {}.\n",
        paint(YELLOW, "Waiting:"),
        duration(*patience)
    ));
}

fn doing(action: &BegunAction) -> &'static str {
    match action {
        BegunAction::Create => "creating",
        BegunAction::Update => "updating",
        BegunAction::Delete(_) => "deleting",
    }
}
