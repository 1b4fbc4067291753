//! What a resource type is: its properties as a struct, its life as six functions.

use std::future::Future;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::client::Aws;
use super::in_use::Holder;
use super::tags::{self, TagSet};
use crate::address::Id;
use crate::catalog::{GeneratedName, Permissions, Tagging};
use crate::cloud::{CloudError, ErrorKind, Op};
use crate::value::Value;

/// What a call to AWS comes to.
pub type Result<T> = std::result::Result<T, CloudError>;

/// A CloudFormation resource type, driven through the AWS SDK. `Self` is its properties.
///
/// Retries, waits for eventual consistency, ownership tags, error meanings and patience with what is still in use live
/// beside this trait, in [`super::of::Of`]; a type says only what is its own.
pub trait Resource: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// CloudFormation's name, `AWS::SQS::Queue`.
    const TYPE: &'static str;
    /// Properties that can't change in place.
    const CREATE_ONLY: &'static [&'static str] = &[];
    /// Properties through which a reference needs its target only to exist, not to be ready.
    const STARTS_EARLY: &'static [&'static str] = &[];
    /// Sets of properties of which no two resources may have the same values.
    const UNIQUE: &'static [&'static [&'static str]] = &[];
    /// How a name is made when the stack gives none.
    const GENERATED_NAME: Option<GeneratedName> = None;
    /// How it takes tags. Ownership tags are merged into the property `Tags` before `create` sees it.
    const TAGS: Option<Tagging> = None;
    /// Said once of each stack that uses the type, or another type with the same words.
    const WARNING: Option<&'static str> = None;
    /// IAM actions of its life.
    const PERMISSIONS: Permissions;
    /// Ids that one read takes.
    const READ_BATCH: usize = 1;

    /// What only AWS can tell: CloudFormation's read-only properties.
    type Outputs: Serialize + JsonSchema + Send;

    /// Brings properties, as a stack may give them, into the form in which AWS tells them, so that a plan does not take two
    /// ways to write the same for a change. Values may still be unknown.
    fn normalize(_properties: &mut Value) {}

    /// Makes it with one call, so that its id can be journalled at once.
    fn create(&self, aws: &Aws, op: &Op) -> impl Future<Output = Result<Id>> + Send;

    /// Does what `create` could not, and waits until it is usable. Safe to repeat.
    fn settle(&self, _aws: &Aws, _op: &Op, _id: &Id) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    /// Reads those of `ids` that exist, in as few calls as the API allows; one left out is gone.
    fn read(aws: &Aws, ids: &[Id]) -> impl Future<Output = Result<Vec<Observed<Self>>>> + Send;

    /// Changes it in place from `old`, as AWS told it, to `self`, and waits until it is usable.
    ///
    /// A property that is in `old` but not in `self` goes back to AWS's default.
    fn update(&self, aws: &Aws, op: &Op, id: &Id, old: &Self) -> impl Future<Output = Result<()>> + Send;

    /// Deletes it and waits until it is gone. "Not found" and "in use" are the caller's to deal with.
    fn delete(aws: &Aws, id: &Id) -> impl Future<Output = Result<()>> + Send;

    /// What stands against its deletion, as far as AWS tells.
    fn holders(_aws: &Aws, _id: &Id) -> impl Future<Output = Result<Vec<Holder>>> + Send {
        async { Ok(Vec::new()) }
    }

    /// Ids of those that have all of these tags.
    fn tagged(_aws: &Aws, _tags: &TagSet) -> impl Future<Output = Result<Vec<Id>>> + Send {
        async { Err(CloudError::new(ErrorKind::Invalid, Self::TYPE, "can't be found by tags: name it by its id")) }
    }

    /// Finds what `op` made when its answer was lost: by its tag `infra:op`, or by name or identity where the type takes
    /// no tags.
    fn find(&self, aws: &Aws, op: &Op) -> impl Future<Output = Result<Option<Id>>> + Send {
        async move { Ok(Self::tagged(aws, &tags::of_op(op)).await?.into_iter().next()) }
    }
}

/// A resource as AWS tells it.
#[derive(Debug)]
pub struct Observed<T: Resource> {
    /// What AWS calls it.
    pub id: Id,
    /// Its properties, those that AWS tells.
    pub properties: T,
    /// What only AWS can tell.
    pub outputs: T::Outputs,
}

/// Outputs of a type that has none.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NoOutputs {}
