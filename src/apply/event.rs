//! What an apply tells while it works, and at its end.

use std::time::Duration;

use serde::Serialize;

use crate::address::{Address, Id};
use crate::cloud::{CloudError, Detail};
use crate::diagnostic::Place;

/// What is being done to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// It is being made.
    Create,
    /// It exists and is awaited.
    Settle,
    /// It is being changed in place.
    Update,
    /// It is being deleted.
    Delete,
    /// What an interrupted run left is looked for.
    Recover,
}

/// Something that happened during an apply.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Work on a resource began.
    Started {
        /// The resource.
        address: Address,
        /// Its type.
        #[serde(rename = "type")]
        type_name: String,
        /// What is being done.
        activity: Activity,
        /// What cannot start before it is done.
        holds_up: usize,
    },
    /// Work on a resource goes on.
    Progress {
        /// The resource.
        address: Address,
        /// How far it is, in a few words on one line.
        text: String,
    },
    /// Work on a resource is done.
    Finished {
        /// The resource.
        address: Address,
        /// Its type.
        #[serde(rename = "type")]
        type_name: String,
        /// What was done.
        activity: Activity,
        /// Its identifier.
        id: Option<Id>,
        /// How long it took, by the engine's clock; seconds in JSON.
        #[serde(serialize_with = "seconds")]
        took: Duration,
    },
    /// Work on a resource failed.
    Failed {
        /// The resource.
        address: Address,
        /// Its type.
        #[serde(rename = "type")]
        type_name: String,
        /// What was being done.
        activity: Activity,
        /// Why it failed.
        error: CloudError,
        /// Where the stack asks for it.
        place: Option<Place>,
        /// What changed with it, of what it depends on.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        related: Vec<Related>,
        /// How long it took to fail; seconds in JSON.
        #[serde(serialize_with = "seconds")]
        took: Duration,
    },
    /// A step was not tried because another failed.
    Skipped {
        /// The resource.
        address: Address,
        /// Its type.
        #[serde(rename = "type")]
        type_name: String,
        /// The failed resource that it depends on.
        because: Address,
    },
    /// An interrupt was heard: nothing new starts.
    Draining {
        /// What is still under way.
        under_way: Vec<Address>,
    },
}

/// How an apply ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything in the plan is done.
    Done,
    /// Something failed; what did not depend on it is done.
    Failed,
    /// It was interrupted; what was under way is recorded.
    Interrupted,
}

/// What an apply did.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// Steps that were done.
    pub done: Vec<(Address, Activity)>,
    /// Steps that failed, with why and where.
    pub failed: Vec<Failure>,
    /// Steps that were not tried, with the failed one they depend on (none after an interrupt).
    pub skipped: Vec<(Address, Option<Address>)>,
    /// Those of them that stand, and of which only the predecessor was still to be deleted.
    pub predecessors: Vec<Address>,
    /// What the user should know of steps that were done.
    pub warnings: Vec<Warning>,
}

impl Report {
    /// A report of which no more is known than how it ended.
    pub(super) fn new(outcome: Outcome) -> Self {
        Self {
            outcome,
            done: Vec::new(),
            failed: Vec::new(),
            skipped: Vec::new(),
            predecessors: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

/// What the user should know of a step that was done.
#[derive(Clone, Debug, Serialize)]
pub struct Warning {
    /// The resource.
    pub address: Address,
    /// What it is about.
    pub detail: Detail,
    /// Where the stack asks for the resource.
    pub place: Option<Place>,
}

/// A step that failed.
#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    /// The resource.
    pub address: Address,
    /// Its type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// What was being done.
    pub activity: Activity,
    /// Why.
    pub error: CloudError,
    /// Where the stack asks for it.
    pub place: Option<Place>,
    /// What changed with it, of what it depends on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<Related>,
}

/// A place in the stack that may be why a step failed.
#[derive(Clone, Debug, Serialize)]
pub struct Related {
    /// The place.
    pub place: Place,
    /// What it says.
    pub note: String,
}

fn seconds<S: serde::Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(took.as_secs_f64())
}
