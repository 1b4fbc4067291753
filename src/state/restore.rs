//! Going back in a log that is damaged in the middle: whatever came from the damage on is declared void by the same write
//! that replaces all that is on record, so that nobody ever works with a record that has a gap.

use std::sync::Arc;
use std::time::Duration;

use super::State;
use super::damage;
use super::entry::{Batch, Entry, Restored};
use super::error::Error;
use super::holder::Holder;
use super::load::{self, Loaded};
use super::open::{self, DEFAULT_LEASE, OpenOptions};
use super::replay::Lease;
use super::store::{LogKey, Store};

/// A log that is damaged in the middle, as it was looked at.
#[derive(Debug)]
pub struct Damaged {
    /// What was on record before the damage.
    pub state: State,
    /// The last entry before it.
    pub sound: u64,
    /// The last entry there is.
    pub last: u64,
}

impl Damaged {
    /// Looks at a log that reading found damaged.
    ///
    /// # Errors
    /// The damage, where nothing was on record before it; else what reading a log can fail with.
    pub async fn look(store: &dyn Store, log: &LogKey) -> Result<Self, Error> {
        let loaded = load_past(store, log).await?;
        let (sound, last) = (loaded.replay.last, loaded.next - 1);
        Ok(Self { state: loaded.replay.state, sound, last })
    }

    /// Puts `state` in the place of the record, and declares void what came from the damage on; the log is free then.
    /// What was begun and is not known to have ended, after the damage too, stays to be looked for.
    ///
    /// # Errors
    /// [`Error::Changed`] where something came since it was looked at; else what taking a log can fail with.
    pub async fn replace(
        self,
        store: Arc<dyn Store>,
        log: LogKey,
        options: OpenOptions,
        from: Restored,
        state: State,
    ) -> Result<(), Error> {
        open::replace(store, log, options, open::Replacing { last: self.last, from, state }).await
    }
}

/// Reads a log up to the damage in its middle. Who holds it and what is begun is told by what can be read after that too.
pub(super) async fn load_past(store: &dyn Store, log: &LogKey) -> Result<Loaded, Error> {
    let damage = match load::load(store, log).await {
        Err(error) if error.is_damage() => error,
        loaded => return loaded,
    };
    let Some(sound) = damage.last_sound() else { return Err(damage) };
    let mut loaded = load::load_until(store, log, Some(sound)).await?;
    let mut since = loaded.replay.state.clone();
    let mut lease = loaded.replay.lease.take();
    let mut last = sound;
    for (serial, bytes) in store.read(log, sound + 1).await? {
        // A gap may have held what took the log, or let go of it.
        if serial != last + 1 {
            lease = Some(unknown());
        }
        last = serial;
        let batch = match Batch::decode(serial, &bytes) {
            Ok(batch) => batch,
            Err(error) if error.is_damage() => {
                lease = Some(unknown());
                continue;
            }
            Err(source) => return Err(damage::unreadable(store, log, serial, source, None)),
        };
        for entry in batch.entries {
            match entry {
                Entry::Open { holder, lease_ms, .. } => {
                    lease = Some(Lease { holder, duration: Duration::from_millis(lease_ms) });
                }
                Entry::Close => lease = None,
                Entry::MovedTo { place } => {
                    let by = lease.map(|lease| Box::new(lease.holder));
                    return Err(Error::Moved { location: store.location(log), place, by });
                }
                // What does not follow from the entries that can be read changes nothing.
                entry => drop(since.apply(entry)),
            }
        }
    }
    loaded.replay.state.begun = since.begun;
    loaded.replay.lease = lease;
    loaded.cut = (sound + 1..=last).collect();
    loaded.next = last + 1;
    Ok(loaded)
}

/// Whoever it was that can't be told: it may still be at work.
fn unknown() -> Lease {
    let holder = Holder {
        user: "unknown".to_owned(),
        host: "unknown".to_owned(),
        pid: 0,
        command: "unknown".to_owned(),
        since: jiff::Timestamp::UNIX_EPOCH,
        process: None,
    };
    Lease { holder, duration: DEFAULT_LEASE }
}
