//! What is on record of a stack, for the commands that need no more than that.

use std::sync::Arc;

use tokio::sync::watch;

use super::args::{StateArgs, StatePlace, WhichArgs};
use super::elsewhere::Elsewhere;
use super::error::{CommandError, NOTHING_CHANGED};
use super::store::{OLD_PASSPHRASE, PASSPHRASE};
use super::style::{YELLOW, duration, paint};
use super::{interrupt, store, terminal};
use crate::address::Address;
use crate::apply::Interrupt;
use crate::state::{BegunAction, Error, Holder, Journal, LogKey, OpenOptions, State, Store, StoreError, Waiting};

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
        let (record, damage) = Self::read(which, place).await?;
        damage.map_or(Ok(record), |damage| Err(damage.into()))
    }

    /// Reads the record of the stack that the arguments name, which must have one, where only its past is asked for:
    /// with damage in the middle of the log, nothing is known of what it says now.
    pub(super) async fn past(which: &WhichArgs, place: &StateArgs) -> Result<(Self, Option<Error>), CommandError> {
        let (record, damage) = Self::read(which, place).await?;
        if record.state.serial == 0 && damage.is_none() {
            return Err(nothing_on_record(&record.log, &*record.store, &record.place).await?);
        }
        Ok((record, damage))
    }

    async fn read(which: &WhichArgs, place: &StateArgs) -> Result<(Self, Option<Error>), CommandError> {
        let head = which.head()?;
        let place = place.place(&head.keeping, which.environment())?;
        let store = store::store(&place).await?;
        let log = LogKey::new(head.name, which.environment());
        let (state, damage) = match State::load(&*store, &log).await {
            Ok(state) => (state, None),
            Err(error) if error.is_damage() => (State::default(), Some(error)),
            Err(error) => return Err(CommandError::from(error).at(&place)),
        };
        warn(&state.warnings);
        Ok((Self { log, place, store, state }, damage))
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
pub(super) fn warn(warnings: &[String]) {
    for warning in warnings {
        terminal::tell(&format!("{} {warning}\n", paint(YELLOW, "warning:")));
    }
}

async fn nothing_on_record(log: &LogKey, store: &dyn Store, place: &StatePlace) -> Result<CommandError, CommandError> {
    let folder = &place.place;
    let known: Vec<_> = store.logs().await.map_err(Error::from)?.iter().map(ToString::to_string).collect();
    let error = CommandError::failed(format!("nothing is on record of {log} in {folder}"));
    Ok(if known.is_empty() {
        error.hint("apply the stack first, or say with --state where its record is")
    } else {
        error.hint(format!("on record there: {}", known.join(", ")))
    })
}

impl From<Error> for CommandError {
    fn from(error: Error) -> Self {
        let hint = match &error {
            Error::Changed => "run the command again to see how it stands now",
            error if error.is_damage() => {
                let told = Self::failed(error.to_string())
                    .hint("put the file back from a copy; in S3, from an earlier version of the object");
                return match error.last_sound() {
                    Some(sound) => told.hint(format!(
                        "what was on record before, after entry {sound}: `infra state pull STACK --serial {sound} > \
                         record.json` prints it, `infra state restore {sound} STACK` goes back to it"
                    )),
                    None => told,
                };
            }
            Error::Held { .. } => "leave out --no-wait to wait until it is free",
            Error::LostLog { .. } => "another run went on from here; plan again to see where things stand",
            Error::Moved { place, .. } => {
                return Self::failed(error.to_string()).elsewhere(Elsewhere::Moved(place.clone()));
            }
            Error::CutOff { .. } => return Self::failed(error.to_string()).elsewhere(Elsewhere::CutOff),
            Error::Past { location, .. } => {
                let rename = if location.starts_with("s3://") { "aws s3 mv --recursive" } else { "mv" };
                return Self::failed(error.to_string())
                    .hint(format!(
                        "take it out of the way and run the same again: `{rename} {location} {location}.past`"
                    ))
                    .hint(
                        "until that is done, nobody may apply with that place: it looks as if nothing were on record",
                    );
            }
            Error::Store(store) => match &**store {
                StoreError::Taken(_) => return Self::failed(error.to_string()),
                StoreError::Passphrase { given, .. } => {
                    let told = Self::failed(error.to_string()).hint(format!("give it in {PASSPHRASE}"));
                    return match given {
                        true => {
                            told.hint(format!("while it is being changed, give the earlier one in {OLD_PASSPHRASE}"))
                        }
                        false => told,
                    };
                }
                StoreError::KmsKey { .. } => {
                    "the state is encrypted with it, or `encryption` in the stack names it; infra needs \
                     `kms:GenerateDataKey` and `kms:Decrypt` on it"
                }
                _ => {
                    "that is where the state is kept (`state:` in the stack, --state, INFRA_STATE): mend it and run the \
                     same again, it goes on from what is on record"
                }
            },
            Error::GivenUp => return Self::interrupted(NOTHING_CHANGED),
            Error::NoEntry { .. } => "`infra state history` lists the runs with their entries",
            _ => return Self::failed(error.to_string()),
        };
        Self::failed(error.to_string()).hint(hint)
    }
}

/// Fails where there is no record, or none that can be read; one that was moved elsewhere is one.
pub(super) async fn present(log: &LogKey, store: &dyn Store, place: &StatePlace) -> Result<(), CommandError> {
    match State::load(store, log).await {
        Ok(state) if state.serial == 0 => Err(nothing_on_record(log, store, place).await?),
        Ok(_) | Err(Error::Moved { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Takes the log of a record, to write to it.
pub(super) async fn take(
    record: &Record,
    command: &str,
    no_wait: bool,
    interrupts: &watch::Receiver<Interrupt>,
) -> Result<(Journal, State), CommandError> {
    let options = interruptible(command, no_wait, interrupts);
    let opened = Journal::open(Arc::clone(&record.store), record.log.clone(), options).await;
    opened.map_err(|error| CommandError::from(error).at(&record.place))
}

/// How a command takes a log.
pub(super) fn holder_options(command: &str, no_wait: bool) -> OpenOptions {
    OpenOptions { wait: !no_wait, on_wait: Some(Box::new(on_wait)), ..OpenOptions::new(Holder::current(command)) }
}

/// How a command takes a log that the user may have had enough of waiting for.
pub(super) fn interruptible(command: &str, no_wait: bool, interrupts: &watch::Receiver<Interrupt>) -> OpenOptions {
    let interrupts = interrupts.clone();
    let give_up = async move { interrupt::heard(&interrupts).await };
    OpenOptions { give_up: Some(Box::pin(give_up)), ..holder_options(command, no_wait) }
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
