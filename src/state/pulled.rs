//! The record as a file of its own: pulled, looked at or mended by hand, and pushed back.

use serde::{Deserialize, Serialize};

use super::State;
use super::entry::STATE_VERSION;
use super::store::LogKey;
use super::stored::StoredState;
use crate::address::Address;

/// The record of one stack in one environment.
#[derive(Clone, Debug, PartialEq)]
pub struct Pulled {
    /// Whose it is.
    pub log: LogKey,
    /// What it says. Its serial is that of the log when it was pulled.
    pub state: State,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    stack: String,
    environment: String,
    serial: u64,
    state: StoredState,
}

/// Why a file is no record.
#[derive(Debug, thiserror::Error)]
pub enum PulledError {
    /// It can't be read.
    #[error("is no record that `infra state pull` wrote: {0}")]
    Damaged(#[from] serde_json::Error),
    /// It was written by a newer build.
    #[error("is in format {0}, which a newer infra wrote; this one knows formats up to {STATE_VERSION}: upgrade infra")]
    Newer(u32),
    /// It lacks the key that its secrets are compared with.
    #[error("has no `seal`: without it no secret could be compared again")]
    NoSeal,
    /// A resource refers to one that is not there.
    #[error("is inconsistent: {0} depends on {1}, which is not in it")]
    Dangling(Address, Address),
    /// Two addresses have one resource.
    #[error("is inconsistent: {0} and {1} are the same {2}")]
    Twice(Address, Address, String),
}

impl Pulled {
    /// The file, with a line feed at its end.
    ///
    /// # Errors
    /// Where a value can't be written as JSON.
    pub fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        let file = File {
            version: STATE_VERSION,
            stack: self.log.stack.to_string(),
            environment: self.log.environment.to_string(),
            serial: self.state.serial,
            state: self.state.clone().into(),
        };
        let mut bytes = serde_json::to_vec_pretty(&file)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Where it is none, or contradicts itself.
    pub fn decode(bytes: &[u8]) -> Result<Self, PulledError> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let Version { version } = serde_json::from_slice(bytes)?;
        if version > STATE_VERSION {
            return Err(PulledError::Newer(version));
        }
        let File { stack, environment, serial, state, .. } = serde_json::from_slice(bytes)?;
        let state = State { serial, ..state.into() };
        consistent(&state)?;
        Ok(Self { log: LogKey::new(stack, environment), state })
    }
}

fn consistent(state: &State) -> Result<(), PulledError> {
    if state.seal.is_none() {
        return Err(PulledError::NoSeal);
    }
    let mut by_id = std::collections::BTreeMap::new();
    for (address, record) in &state.resources {
        for dependency in &record.dependencies {
            if !state.resources.contains_key(dependency) && !state.deposed.contains_key(dependency) {
                return Err(PulledError::Dangling(address.clone(), dependency.clone()));
            }
        }
        if let Some(other) = by_id.insert((&record.type_name, &record.id), address) {
            let what = format!("{} {}", record.type_name, record.id);
            return Err(PulledError::Twice(other.clone(), address.clone(), what));
        }
    }
    Ok(())
}

/// How one resource on record differs between two times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// It is on record then, and not now.
    Added,
    /// It is on record now, and not then.
    Removed,
    /// Another incarnation is on record then.
    Replaced,
    /// Something else is on record of it.
    Changed,
}

/// What would become of the record `now` if `then` took its place, by address.
pub fn differences<'a>(now: &'a State, then: &'a State) -> Vec<(&'a Address, Difference)> {
    let added = then.resources.iter().map(|(address, record)| match now.resources.get(address) {
        None => (address, Some(Difference::Added)),
        Some(old) if old.id != record.id => (address, Some(Difference::Replaced)),
        Some(old) => (address, (old != record).then_some(Difference::Changed)),
    });
    let removed = now.resources.keys().filter(|address| !then.resources.contains_key(*address));
    let all = added.chain(removed.map(|address| (address, Some(Difference::Removed))));
    let mut found: Vec<_> = all.filter_map(|(address, difference)| Some((address, difference?))).collect();
    found.sort_by_key(|(address, _)| *address);
    found
}
