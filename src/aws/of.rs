//! The adapter from a typed [`Resource`] to what the engine speaks, and what all types have in common: ownership tags,
//! eventual consistency, patience with what is still in use.

use std::future::Future;
use std::marker::PhantomData;

use super::client::Aws;
use super::resource::{Observed, Resource, Result};
use super::tags::{self, TagSet};
use super::wait::Backoff;
use super::{error, in_use, schema};
use crate::address::Id;
use crate::catalog::TypeInfo;
use crate::cloud::{CloudError, ErrorKind, Live, Op};
use crate::value::Value;
use futures::StreamExt;
use futures::future::BoxFuture;

/// Reads of one type that are under way at the same time.
const CONCURRENT_READS: usize = 8;

/// A resource type without its Rust type: what the table `TYPES` holds.
pub trait AnyResource: Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;
    /// What the engine knows of it.
    fn info(&self) -> TypeInfo;
    /// See [`Resource::create`].
    fn create<'a>(&'a self, aws: &'a Aws, op: &'a Op, properties: &'a Value) -> BoxFuture<'a, Result<Id>>;
    /// See [`Resource::settle`].
    fn settle<'a>(&'a self, aws: &'a Aws, op: &'a Op, id: &'a Id, properties: &'a Value) -> BoxFuture<'a, Result<()>>;
    /// See [`Resource::read`]; any number of ids.
    fn read<'a>(&'a self, aws: &'a Aws, ids: &'a [Id]) -> BoxFuture<'a, Result<Vec<Live>>>;
    /// See [`Resource::update`].
    fn update<'a>(
        &'a self,
        aws: &'a Aws,
        op: &'a Op,
        id: &'a Id,
        old: &'a Value,
        new: &'a Value,
    ) -> BoxFuture<'a, Result<()>>;
    /// See [`Resource::delete`]; succeeds when it is already gone.
    fn delete<'a>(&'a self, aws: &'a Aws, op: &'a Op, id: &'a Id) -> BoxFuture<'a, Result<()>>;
    /// See [`Resource::find`].
    fn find<'a>(&'a self, aws: &'a Aws, op: &'a Op, properties: &'a Value) -> BoxFuture<'a, Result<Option<Id>>>;
    /// See [`Resource::tagged`].
    fn tagged<'a>(&'a self, aws: &'a Aws, tags: &'a TagSet) -> BoxFuture<'a, Result<Vec<Id>>>;
}

/// The resource type `T`, erased.
#[derive(Debug)]
pub struct Of<T>(PhantomData<fn() -> T>);

impl<T: Resource> Of<T> {
    /// The one value.
    pub const TYPE: Self = Self(PhantomData);

    fn parse(properties: &Value) -> Result<T> {
        serde_json::from_value(properties.reveal()).map_err(|error| {
            // The message quotes the value that it complains of.
            let why = if properties.has_secret() { "a property has the wrong type".into() } else { error.to_string() };
            CloudError::new(ErrorKind::Invalid, T::TYPE, why)
        })
    }

    /// What the engine is told of a resource.
    pub(super) fn live(observed: Observed<T>) -> Result<Live> {
        let bug = |error: serde_json::Error| CloudError::new(ErrorKind::Other, T::TYPE, error.to_string());
        let properties = whole_numbers(Value::from(serde_json::to_value(&observed.properties).map_err(bug)?));
        let outputs = Value::from(serde_json::to_value(&observed.outputs).map_err(bug)?);
        let properties = match T::TAGS {
            Some(tagging) => tags::stripped(properties, tagging),
            None => properties,
        };
        Ok(Live { id: observed.id, properties, outputs })
    }

    async fn read_once(aws: &Aws, ids: &[Id]) -> Result<Vec<Live>> {
        let chunks = ids.chunks(T::READ_BATCH.max(1)).map(|chunk| T::read(aws, chunk));
        let mut reads = futures::stream::iter(chunks.collect::<Vec<_>>()).buffered(CONCURRENT_READS);
        let mut found = Vec::with_capacity(ids.len());
        while let Some(read) = reads.next().await {
            for observed in read? {
                found.push(Self::live(observed)?);
            }
        }
        Ok(found)
    }
}

impl<T: Resource> AnyResource for Of<T> {
    fn name(&self) -> &'static str {
        T::TYPE
    }

    fn info(&self) -> TypeInfo {
        TypeInfo {
            name: T::TYPE,
            properties: schema::of::<T>(),
            outputs: schema::of::<T::Outputs>(),
            create_only: T::CREATE_ONLY,
            starts_early: T::STARTS_EARLY,
            unique: T::UNIQUE,
            generated_name: T::GENERATED_NAME,
            tags: T::TAGS,
            warning: T::WARNING,
            normalize: T::normalize,
            permissions: T::PERMISSIONS,
            read_batch: T::READ_BATCH,
        }
    }

    fn create<'a>(&'a self, aws: &'a Aws, op: &'a Op, properties: &'a Value) -> BoxFuture<'a, Result<Id>> {
        Box::pin(async move {
            let owned = T::TAGS.map(|tagging| tags::owned(properties, tagging, op));
            let resource = Self::parse(owned.as_ref().unwrap_or(properties))?;
            // What it refers to may exist, but not show yet.
            let id = patiently(
                aws,
                |error| not_yet_known(error) && aws.fresh.is_named_in(properties),
                || resource.create(aws, op),
            )
            .await?;
            aws.fresh.made(&id);
            Ok(id)
        })
    }

    fn settle<'a>(&'a self, aws: &'a Aws, op: &'a Op, id: &'a Id, properties: &'a Value) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let resource = Self::parse(properties)?;
            patiently(
                aws,
                |error| not_yet_known(error) && (aws.fresh.holds(id) || aws.fresh.is_named_in(properties)),
                || resource.settle(aws, op, id),
            )
            .await
        })
    }

    fn read<'a>(&'a self, aws: &'a Aws, ids: &'a [Id]) -> BoxFuture<'a, Result<Vec<Live>>> {
        Box::pin(async move {
            let fresh =
                |error: &CloudError| error.kind == ErrorKind::NotFound && ids.iter().any(|id| aws.fresh.holds(id));
            let mut found = patiently(aws, fresh, || Self::read_once(aws, ids)).await?;
            let mut backoff = Backoff::new(aws);
            loop {
                let missing = |id: &&Id| aws.fresh.holds(id) && found.iter().all(|live| live.id != **id);
                let missing: Vec<Id> = ids.iter().filter(missing).cloned().collect();
                if missing.is_empty() {
                    return Ok(found);
                }
                backoff.pause().await;
                found.extend(Self::read_once(aws, &missing).await?);
            }
        })
    }

    fn update<'a>(
        &'a self,
        aws: &'a Aws,
        op: &'a Op,
        id: &'a Id,
        old: &'a Value,
        new: &'a Value,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let (old, resource) = (Self::parse(old)?, Self::parse(new)?);
            patiently(
                aws,
                |error| not_yet_known(error) && (aws.fresh.holds(id) || aws.fresh.is_named_in(new)),
                || resource.update(aws, op, id, &old),
            )
            .await
        })
    }

    fn delete<'a>(&'a self, aws: &'a Aws, op: &'a Op, id: &'a Id) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            error::found(in_use::delete::<T>(aws, op, id).await)?;
            aws.fresh.deleted(id);
            Ok(())
        })
    }

    fn find<'a>(&'a self, aws: &'a Aws, op: &'a Op, properties: &'a Value) -> BoxFuture<'a, Result<Option<Id>>> {
        Box::pin(async move { Self::parse(properties)?.find(aws, op).await })
    }

    fn tagged<'a>(&'a self, aws: &'a Aws, tags: &'a TagSet) -> BoxFuture<'a, Result<Vec<Id>>> {
        Box::pin(T::tagged(aws, tags))
    }
}

/// `value` with 2 for each 2.0: where an API tells a fraction, a stack mostly gives a whole number.
fn whole_numbers(value: Value) -> Value {
    match value {
        // As far as a fraction tells every whole number apart.
        Value::Float(number) if number.fract() == 0.0 && number.abs() < 9e15 => Value::Int(number as i64),
        Value::List(list) => list.into_iter().map(whole_numbers).collect(),
        Value::Map(map) => map.into_iter().map(|(key, value)| (key, whole_numbers(value))).collect(),
        other => other,
    }
}

/// Whether the failure may be that something was made too short a time ago.
fn not_yet_known(error: &CloudError) -> bool {
    error.kind == ErrorKind::NotFound || error::is_about_new_role(error)
}

/// Repeats `call` as long as it fails with what `passes` says will pass.
async fn patiently<V, F, Fut>(aws: &Aws, passes: impl Fn(&CloudError) -> bool, call: F) -> Result<V>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<V>>,
{
    let mut backoff = Backoff::new(aws);
    loop {
        match call().await {
            Err(error) if passes(&error) => backoff.pause().await,
            outcome => return outcome,
        }
    }
}
