//! The seam: what the engine needs of a cloud.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;

use serde::{Deserialize, Serialize};

use crate::address::Id;
use crate::catalog::{Catalog, TypeInfo};
use crate::value::Value;

pub mod fake;
pub mod fence;
mod operation;
pub mod services;

pub use operation::{Op, Patience, Reporter, Saying, Told};

/// A cloud: makes, reads, changes and deletes resources, and answers lookups.
///
/// Retries, pagination and waits are its own business; what it returns is final.
pub trait Cloud: Send + Sync + 'static {
    /// The types it knows.
    fn catalog(&self) -> &Catalog;

    /// Answers all lookups, in their order, in as few calls as it can.
    fn lookup(&self, lookups: &[Lookup]) -> impl Future<Output = Vec<Result<Value, CloudError>>> + Send;

    /// Reads those of `ids` that exist; one left out is gone.
    fn read(&self, kind: &TypeInfo, ids: &[Id]) -> impl Future<Output = Result<Vec<Live>, CloudError>> + Send;

    /// Makes a resource and returns as soon as its id is known.
    fn create(
        &self,
        kind: &TypeInfo,
        op: &Op,
        properties: &Value,
    ) -> impl Future<Output = Result<Id, CloudError>> + Send;

    /// Does what `create` could not and waits until the resource is usable. Safe to repeat.
    fn settle(
        &self,
        kind: &TypeInfo,
        op: &Op,
        id: &Id,
        properties: &Value,
    ) -> impl Future<Output = Result<(), CloudError>> + Send;

    /// Changes a resource in place from `old`, as last read, to `new`, and waits until it is usable.
    ///
    /// `new` is complete: what the stack does not mention stands in it as it does in `old`.
    fn update(
        &self,
        kind: &TypeInfo,
        op: &Op,
        id: &Id,
        old: &Value,
        new: &Value,
    ) -> impl Future<Output = Result<(), CloudError>> + Send;

    /// Deletes a resource and waits until it is gone; succeeds when it already is.
    fn delete(&self, kind: &TypeInfo, op: &Op, id: &Id) -> impl Future<Output = Result<(), CloudError>> + Send;

    /// Finds what `op` made when its answer was lost.
    fn find(
        &self,
        kind: &TypeInfo,
        op: &Op,
        properties: &Value,
    ) -> impl Future<Output = Result<Option<Id>, CloudError>> + Send;
}

/// A resource as the cloud tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Live {
    /// What the cloud calls it.
    pub id: Id,
    /// Its properties. One that the cloud never tells (write-only) is absent.
    pub properties: Value,
    /// Its outputs.
    pub outputs: Value,
}

/// A question about the world that must be answered before a stack can be planned.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lookup {
    /// The account: `{account_id, partition}`.
    Account,
    /// The names of the region's available zones, sorted.
    Zones,
    /// The value of an SSM parameter.
    SsmParameter(String),
    /// The outputs of another stack as last applied, as a map.
    Stack {
        /// Its name.
        stack: String,
        /// Its environment.
        environment: String,
    },
    /// A resource that exists and is not ours: its properties and outputs in one map.
    Existing {
        /// Its type.
        type_name: String,
        /// By what it is found.
        by: ExistingBy,
    },
}

impl fmt::Display for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account => f.write_str("the account"),
            Self::Zones => f.write_str("the region's zones"),
            Self::SsmParameter(name) => write!(f, "the SSM parameter `{name}`"),
            Self::Stack { stack, environment } => write!(f, "the stack `{stack}` in `{environment}`"),
            Self::Existing { type_name, by: ExistingBy::Id(id) } => write!(f, "{type_name} `{id}`"),
            Self::Existing { type_name, by: ExistingBy::Tags(tags) } => {
                let tags: Vec<String> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
                write!(f, "{type_name} with the tags {}", tags.join(", "))
            }
        }
    }
}

/// By what an existing resource is found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExistingBy {
    /// Its identifier.
    Id(String),
    /// Tags that exactly one resource has.
    Tags(BTreeMap<String, String>),
}

/// What kind of failure a cloud reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The request is wrong: the stack must change.
    Invalid,
    /// What it names does not exist.
    NotFound,
    /// Something of that name exists already, or is in a state that forbids the call.
    Conflict,
    /// Something else still uses it.
    InUse,
    /// The caller may not.
    Denied,
    /// No credentials, or expired ones.
    Credentials,
    /// A quota is reached.
    Quota,
    /// Throttled for longer than we retry.
    Throttled,
    /// The cloud failed, or can't be reached.
    Unavailable,
    /// The call may or may not have been carried out: its answer was lost.
    Lost,
    /// It did not become usable in time, or failed while it was awaited.
    Unsettled,
    /// Anything else.
    Other,
}

/// A call that failed, for good.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub struct CloudError {
    /// What kind of failure it is.
    pub kind: ErrorKind,
    /// The cloud's own code, `DependencyViolation`; empty where there is none.
    pub code: String,
    /// The cloud's own words.
    pub message: String,
    /// The call, `ec2:CreateSubnet`.
    pub operation: String,
    /// What the cloud's support asks for.
    pub request_id: Option<String>,
    /// What explains it, where its words alone do not: told to the user, kept nowhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<Detail>,
}

/// One thing that explains a failure, or that the user should know of a success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// What it is about, and what became of that: a task and why it stopped.
    pub about: String,
    /// What is known of it, a line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
}

impl CloudError {
    /// An error that no answer of the cloud stands behind.
    pub fn new(kind: ErrorKind, operation: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: String::new(),
            message: message.into(),
            operation: operation.into(),
            request_id: None,
            details: Vec::new(),
        }
    }
}

impl fmt::Display for CloudError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.operation)?;
        if !self.code.is_empty() {
            write!(f, "{}: ", self.code)?;
        }
        f.write_str(&self.message)?;
        if let Some(id) = &self.request_id {
            write!(f, " (request {id})")?;
        }
        Ok(())
    }
}
