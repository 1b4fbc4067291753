//! What an apply would do: pure, serialisable, the same bytes for the same input.
//!
//! [`plan()`] compares what a [`Graph`] says with what is on record and what the cloud tells.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::address::{Address, Id};
use crate::cloud::Live;
use crate::diagnostic::{Diagnostic, Place};
use crate::stack::Graph;
use crate::state::State;

mod decide;
pub(crate) mod diff;
pub(crate) mod known;
pub(crate) mod ledger;
mod meaning;
mod planner;
mod removal;
mod select;
pub(crate) mod shape;
mod show;
pub(crate) mod uncertain;

pub use planner::plan;

/// What the cloud tells of what is on record, by the address on record; `None` is gone.
pub type LiveResources = HashMap<Address, Option<Live>>;

/// What a plan is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Only these, and what they depend on.
    pub targets: Vec<Address>,
    /// Not these, nor what depends on them.
    pub excludes: Vec<Address>,
    /// Whether everything is to be deleted.
    pub destroy: bool,
    /// Whether another run is at work on the stack: what is begun is its, not left over by one that was cut off.
    pub at_work: bool,
}

/// A resource that must be read before a plan can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToRead {
    /// Its address on record.
    pub address: Address,
    /// Its type.
    pub type_name: String,
    /// What the cloud calls it.
    pub id: Id,
}

/// What must be read before a plan can be made: what is on record and stands in the stack.
///
/// # Errors
/// As [`plan()`].
pub fn to_read(graph: &Graph, state: &State, options: &Options) -> Result<Vec<ToRead>, Vec<Diagnostic>> {
    if options.destroy {
        return Ok(Vec::new());
    }
    let ledger = ledger::Ledger::new(graph, state)?;
    let selection = select::Selection::new(graph, &ledger, options)?;
    let mut reads = Vec::new();
    for (address, managed) in &ledger.records {
        let record = managed.record;
        let Some(node) = graph.index(address) else { continue };
        if selection.has_node(node) && graph.nodes()[node].kind.name == record.type_name {
            let (address, type_name) = (managed.recorded_at.clone(), record.type_name.clone());
            reads.push(ToRead { address, type_name, id: record.id.clone() });
        }
    }
    Ok(reads)
}

/// Version of the plan's JSON; grows when a field changes its meaning or goes.
pub const PLAN_VERSION: u32 = 1;

/// Everything an apply would do, in dependency order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// [`PLAN_VERSION`].
    pub version: u32,
    /// The stack's name.
    pub stack: String,
    /// The environment's name.
    pub environment: String,
    /// The region.
    pub region: String,
    /// The number of the state's last entry that the plan was made from.
    pub serial: u64,
    /// Whether this is the plan of a destroy.
    pub destroy: bool,
    /// One step for each resource that something happens to, or that is kept.
    pub steps: Vec<Step>,
    /// Stack outputs that change.
    pub outputs: Vec<OutputChange>,
    /// What would cause downtime, and is not allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lints: Vec<Lint>,
}

/// Something in the stack that would cause downtime.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lint {
    /// The lint's name, by which the stack can allow it.
    pub lint: String,
    /// The resource.
    pub address: Address,
    /// Where it is written.
    pub place: Place,
    /// What is wrong.
    pub message: String,
    /// How it is mended.
    pub help: String,
}

/// What happens to one resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The resource.
    pub address: Address,
    /// Its type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// What happens.
    pub action: Action,
    /// Its identifier, where it exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Id>,
    /// Properties that change, sorted by path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// Those of the changed properties that the stack does not give, and infra sets by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub defaults: Vec<String>,
    /// Why, where the changes alone do not say it: "removed from the stack", "was deleted outside infra".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether somebody deleted it outside infra since it was last applied.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted_outside: bool,
    /// The address it had before, where it moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_from: Option<Address>,
    /// Steps that must be done before this one (for a delete: those that use it).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Address>,
    /// Where the stack asks for it; absent for what is no longer in the stack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// What happens to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Nothing: it is as the stack says.
    Keep,
    /// It is made.
    Create,
    /// It is changed in place.
    Update,
    /// A new one is made, what uses it is repointed, the old one is deleted.
    Replace,
    /// The old one is deleted before the new one is made, because the two can't stand side by side.
    ReplaceDeleteFirst,
    /// It is deleted.
    Delete,
    /// It stays as it is, but infra no longer manages it.
    Forget,
    /// An earlier run began to make or replace it and was cut off: it is found and finished, or cleaned up.
    Recover,
}

/// One property that changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The property, `Tags`, `NetworkConfiguration.AwsvpcConfiguration.Subnets`.
    pub path: String,
    /// What it is in the cloud now.
    pub old: Shown,
    /// What it will be.
    pub new: Shown,
    /// Why it changes.
    pub cause: Cause,
    /// Whether it can't change in place.
    pub replaces: bool,
}

/// Why a property changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The stack says something else than it did.
    Stack,
    /// The cloud is no longer as it was last applied.
    Drift,
}

/// A value as a plan may carry and show it: never a secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case")]
pub enum Shown {
    /// No value.
    Absent,
    /// What AWS sets when the stack says nothing.
    Default,
    /// A value; in it, strings stand for what is secret or not yet known, as `(secret)` and `(known after apply)`.
    Value(serde_json::Value),
    /// Known only after apply.
    Unknown,
    /// Secret.
    Secret,
}

/// A stack output that changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputChange {
    /// Its name.
    pub name: String,
    /// What it was.
    pub old: Shown,
    /// What it will be.
    pub new: Shown,
}

/// How many steps of each kind a plan has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Resources made.
    pub create: usize,
    /// Resources changed in place.
    pub update: usize,
    /// Resources replaced, in either order.
    pub replace: usize,
    /// Resources deleted.
    pub delete: usize,
    /// Resources no longer managed.
    pub forget: usize,
    /// Resources that only change their address.
    pub moved: usize,
    /// Resources that an interrupted run left to finish.
    pub recover: usize,
    /// Resources as the stack says.
    pub keep: usize,
}

impl Plan {
    /// How many steps of each kind there are.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for step in &self.steps {
            match step.action {
                Action::Keep if step.moved_from.is_some() => summary.moved += 1,
                Action::Keep => summary.keep += 1,
                Action::Create => summary.create += 1,
                Action::Update => summary.update += 1,
                Action::Replace | Action::ReplaceDeleteFirst => summary.replace += 1,
                Action::Delete => summary.delete += 1,
                Action::Forget => summary.forget += 1,
                Action::Recover => summary.recover += 1,
            }
        }
        summary
    }

    /// Whether an apply would do nothing at all.
    pub fn is_empty(&self) -> bool {
        self.outputs.is_empty()
            && self.steps.iter().all(|step| step.action == Action::Keep && step.moved_from.is_none())
    }
}
