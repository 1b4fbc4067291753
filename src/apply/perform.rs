//! One operation from its first entry in the journal to its last: create, update and delete.
//!
//! The order of entries and calls is the heart of it. Nothing that changes anything is sent before its `begin` is
//! durable; an id is on record before anyone waits for the resource; and an entry is taken back only where the cloud
//! has said that it did nothing.

mod create;
mod delete;
mod update;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::event::Event;
use crate::address::{Address, Id, OpId};
use crate::catalog::TypeInfo;
use crate::cloud::{Cloud, CloudError, ErrorKind, Live, Op, Patience, Reporter};
use crate::plan::diff::{Diff, Sides, diff};
use crate::plan::shape::TypeShape;
use crate::plan::uncertain;
use crate::state::{self, Begun, BegunAction, Journal, Record};
use crate::value::Value;

/// How often a resource that was just made is looked for, a little later each time, before it counts as gone.
const READ_ATTEMPTS: u32 = 5;

/// How often a call whose answer was lost is sent again, where it is not known to be carried out.
const TRIES: u32 = 4;

/// Why an operation failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// The cloud refused.
    Cloud(CloudError),
    /// The journal can't be written: nothing may be sent any more.
    Journal(state::Error),
}

impl From<CloudError> for Fault {
    fn from(error: CloudError) -> Self {
        Self::Cloud(error)
    }
}

impl From<state::Error> for Fault {
    fn from(error: state::Error) -> Self {
        Self::Journal(error)
    }
}

/// What an operation left behind.
#[derive(Debug)]
pub(super) enum Effect {
    /// The resource stands, and is so.
    Stands {
        /// As the cloud tells it.
        live: Live,
        /// Whether what stood at its address before is now deposed.
        replaced: bool,
    },
    /// It is no more, or no longer ours.
    Gone,
}

/// What exists before all of it is ready.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) operation: usize,
    pub(super) live: Live,
}

/// A resource as the stack wants it, with everything known.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) address: Address,
    pub(super) logical_name: String,
    pub(super) kind: Arc<TypeInfo>,
    pub(super) shape: Arc<TypeShape>,
    pub(super) properties: Value,
    pub(super) dependencies: Vec<Address>,
    pub(super) prevent_destroy: bool,
    pub(super) ignore: Vec<String>,
    pub(super) patience: Patience,
}

impl Wanted {
    /// How it differs from what the cloud tells.
    pub(super) fn differs(&self, journal: &Journal, applied: &Value, live: &Value) -> Diff {
        diff(Sides {
            kind: &self.kind,
            shape: &self.shape.properties,
            desired: &self.properties,
            applied,
            live,
            ignore: &self.ignore,
            seal: Some(journal.seal()),
        })
    }

    /// `record` with what changes of it that were begun and never ended may have made of it.
    pub(super) fn possibly_applied<'r>(&self, record: &'r Record, begun: &[(OpId, Begun)]) -> Cow<'r, Record> {
        let changes = begun.iter().map(|(_, begun)| begun);
        uncertain::possibly_applied(&self.kind, &self.shape.properties, record, changes)
    }

    fn begun(&self, action: BegunAction, properties: Value, generated: Vec<String>) -> Begun {
        Begun {
            address: self.address.clone(),
            type_name: self.kind.name.to_owned(),
            action,
            properties,
            generated,
            dependencies: self.dependencies.clone(),
            prevent_destroy: self.prevent_destroy,
        }
    }
}

/// What every operation works with.
pub(super) struct Performer<'a, C> {
    pub(super) cloud: &'a C,
    pub(super) journal: &'a Journal,
    pub(super) stack: Arc<str>,
    pub(super) environment: Arc<str>,
    pub(super) events: &'a (dyn Fn(Event) + Send + Sync),
    /// Where operations say how far they are.
    pub(super) reporter: Reporter,
}

/// Whether the cloud has said that it did nothing.
fn is_refusal(kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::Invalid
        | ErrorKind::NotFound
        | ErrorKind::Conflict
        | ErrorKind::InUse
        | ErrorKind::Denied
        | ErrorKind::Quota => true,
        ErrorKind::Credentials
        | ErrorKind::Throttled
        | ErrorKind::Unavailable
        | ErrorKind::Lost
        | ErrorKind::Unsettled
        | ErrorKind::Other => false,
    }
}

impl<C: Cloud> Performer<'_, C> {
    pub(super) fn op(&self, id: &OpId, address: &Address) -> Op {
        Op::new(id.clone(), address.clone(), Arc::clone(&self.stack), Arc::clone(&self.environment))
            .reporting(self.reporter.clone())
    }

    pub(super) fn op_on(&self, id: &OpId, wanted: &Wanted) -> Op {
        self.op(id, &wanted.address).patient(wanted.patience)
    }

    pub(super) async fn read(&self, kind: &TypeInfo, id: &Id) -> Result<Option<Live>, CloudError> {
        let found = self.cloud.read(kind, std::slice::from_ref(id)).await?;
        Ok(found.into_iter().find(|live| live.id == *id))
    }

    /// Reads what is known to exist; what was just made is not always seen at once.
    pub(super) async fn read_back(&self, kind: &TypeInfo, id: &Id) -> Result<Live, CloudError> {
        for attempt in 1..=READ_ATTEMPTS {
            if let Some(live) = self.read(kind, id).await? {
                return Ok(live);
            }
            if attempt < READ_ATTEMPTS {
                sleep(Duration::from_secs(1) * attempt).await;
            }
        }
        Err(CloudError::new(ErrorKind::NotFound, "read", format!("{id} was there and can't be found any more")))
    }
}
