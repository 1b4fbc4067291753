//! Who is at work on a log, as far as that shows without taking it.

use jiff::{SignedDuration, Timestamp};

use super::State;
use super::entry::Batch;
use super::error::Error;
use super::holder::Holder;
use super::load::{self, Loaded};
use super::replay::Lease;
use super::store::{LogKey, Store};

impl State {
    /// What is on record, without taking the log, and who holds it and is not dead by the looks of it: it neither ran on
    /// this machine and is gone, nor has been silent for longer than its lease. To be told, and to decide nothing: the
    /// times of two machines are compared.
    pub async fn load_at_work(store: &dyn Store, log: &LogKey) -> Result<(Self, Option<Holder>), Error> {
        let Loaded { replay, next, warnings, .. } = load::load(store, log).await?;
        let holder = match replay.lease {
            Some(lease) if !lease.holder.is_dead() && speaks(store, log, next - 1, &lease).await? => Some(lease.holder),
            _ => None,
        };
        Ok((Self { warnings, ..replay.state }, holder))
    }
}

/// Whether the holder wrote entry number `last` no longer ago than its lease lasts.
async fn speaks(store: &dyn Store, log: &LogKey, last: u64, lease: &Lease) -> Result<bool, Error> {
    let files = store.read(log, last).await?;
    let batch = files.last().and_then(|(serial, bytes)| Batch::decode(*serial, bytes).ok());
    let lasts = SignedDuration::try_from(lease.duration).unwrap_or(SignedDuration::MAX);
    // An entry that can't be read was written just now.
    Ok(batch.is_none_or(|batch| Timestamp::now().duration_since(batch.at) <= lasts))
}
