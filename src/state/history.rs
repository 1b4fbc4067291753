//! Who changed what is on record, as far back as the log is kept.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use super::State;
use super::entry::{Batch, Entry};
use super::error::Error;
use super::holder::Holder;
use super::store::{LogKey, Store};

/// A run that changed what is on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Who; absent where the entry that says so is no longer kept.
    pub by: Option<Holder>,
    /// When it last did, by its own clock.
    pub at: Timestamp,
}

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.by {
            Some(Holder { user, host, command, .. }) => write!(f, "{user}@{host} (infra {command}, {:.0})", self.at),
            None => write!(f, "an earlier run ({:.0})", self.at),
        }
    }
}

impl State {
    /// The runs that changed what is on record after entry `since`, in the order in which they last did.
    pub async fn changed_since(store: &dyn Store, log: &LogKey, since: u64) -> Result<Vec<Changed>, Error> {
        let mut holders = BTreeMap::new();
        let mut changed: Vec<(String, Timestamp)> = Vec::new();
        for (serial, bytes) in store.read(log, 1).await? {
            // What can't be read tells nothing; whoever works with the log says so.
            let Ok(batch) = Batch::decode(serial, &bytes) else { continue };
            for entry in &batch.entries {
                if let Entry::Open { holder, .. } = entry {
                    holders.insert(batch.session.clone(), holder.clone());
                }
            }
            if serial > since && batch.entries.iter().any(Entry::changes_state) {
                changed.retain(|(session, _)| *session != batch.session);
                changed.push((batch.session, batch.at));
            }
        }
        let named = changed.into_iter().map(|(session, at)| Changed { by: holders.get(&session).cloned(), at });
        Ok(named.collect())
    }
}
