//! Policies of which AWS knows only what they are attached to, a queue or a topic: what their resource types share.

use std::collections::BTreeSet;
use std::future::Future;

use futures::future::try_join_all;

use super::client::Aws;
use super::document::Document;
use super::error::found;
use super::resource::{Resource, Result};
use crate::address::Id;
use crate::cloud::{CloudError, ErrorKind, Op};

/// The tag of a holder that tells whose its policy is, so that one that takes another's place is not deleted with it.
pub const OWNER: &str = "infra:policy";

/// A policy that holders keep, each one at most: its id is made of the operation that made it and its holders.
pub trait AttachedPolicy: Resource {
    /// The policy that `holder` has, if `holder` exists and has any.
    fn policy(aws: &Aws, holder: &str) -> impl Future<Output = Result<Option<Document>>> + Send;

    /// Gives `holder` the policy, or AWS's default.
    fn set_policy(aws: &Aws, holder: &str, policy: Option<&Document>) -> impl Future<Output = Result<()>> + Send;

    /// The tag [`OWNER`] of `holder`.
    fn owner(aws: &Aws, holder: &str) -> impl Future<Output = Result<Option<String>>> + Send;

    /// Sets the tag [`OWNER`] of `holder`, or removes it.
    fn set_owner(aws: &Aws, holder: &str, owner: Option<&str>) -> impl Future<Output = Result<()>> + Send;
}

/// The id of the policy that `op` attaches to `holders`.
pub fn id(op: &Op, holders: &BTreeSet<String>) -> Id {
    let holders = holders.iter().map(String::as_str);
    Id::compound(&[op.id.as_str()].into_iter().chain(holders).collect::<Vec<_>>())
}

/// Attaches the policy to all holders that its id names.
pub async fn attach<P: AttachedPolicy>(aws: &Aws, id: &Id, policy: &Document) -> Result<()> {
    let (owner, holders) = parts::<P>(id)?;
    let calls = holders.into_iter().map(|holder| async move {
        P::set_owner(aws, holder, Some(owner)).await?;
        P::set_policy(aws, holder, Some(policy)).await
    });
    try_join_all(calls).await?;
    Ok(())
}

/// The policy, and those of its holders that have it; nothing where none has any of its own.
pub async fn read<P: AttachedPolicy>(aws: &Aws, id: &Id) -> Result<Option<(Document, BTreeSet<String>)>> {
    let (owner, holders) = parts::<P>(id)?;
    let policies = try_join_all(holders.iter().map(|holder| async move {
        let (policy, now) = futures::try_join!(P::policy(aws, holder), P::owner(aws, holder))?;
        Ok::<_, CloudError>(policy.filter(|_| now.as_deref() == Some(owner)))
    }))
    .await?;
    let Some(document) = policies.iter().flatten().next().cloned() else { return Ok(None) };
    let having = holders.iter().zip(&policies).filter(|(_, policy)| policy.as_ref() == Some(&document));
    let holders = having.map(|(holder, _)| (*holder).to_owned()).collect();
    Ok(Some((document, holders)))
}

/// Takes the policy from those holders that have it.
pub async fn detach<P: AttachedPolicy>(aws: &Aws, id: &Id) -> Result<()> {
    let (owner, holders) = parts::<P>(id)?;
    let calls = holders.into_iter().map(|holder| async move {
        if P::owner(aws, holder).await?.as_deref() == Some(owner) {
            found(P::set_policy(aws, holder, None).await)?;
            found(P::set_owner(aws, holder, None).await)?;
        }
        Ok::<_, CloudError>(())
    });
    try_join_all(calls).await?;
    Ok(())
}

/// The id, where at least one holder has the policy that `op` attaches.
pub async fn find<P: AttachedPolicy>(aws: &Aws, op: &Op, holders: &BTreeSet<String>) -> Result<Option<Id>> {
    let owners = try_join_all(holders.iter().map(|holder| P::owner(aws, holder))).await?;
    let is_ours = owners.iter().flatten().any(|owner| owner == op.id.as_str());
    Ok(is_ours.then(|| id(op, holders)))
}

/// The owner and the holders that an id names.
fn parts<P: AttachedPolicy>(id: &Id) -> Result<(&str, Vec<&str>)> {
    let mut parts = id.as_str().split('|');
    match (parts.next(), parts.collect::<Vec<_>>()) {
        (Some(owner), holders) if !holders.is_empty() => Ok((owner, holders)),
        _ => Err(CloudError::new(ErrorKind::Invalid, P::TYPE, format!("`{id}` names nothing that it is attached to"))),
    }
}
