//! What namespaces of all kinds have in common.

use aws_sdk_servicediscovery::error::SdkError;
use aws_sdk_servicediscovery::operation::delete_namespace::DeleteNamespaceError;
use aws_sdk_servicediscovery::types::{
    DnsProperties, NamespaceFilter, NamespaceFilterName, NamespaceSummary, NamespaceType,
};
use futures::future::try_join_all;

use super::{FEW, PAGE, operation, tags_of};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::error::{During, built, found};
use crate::aws::resource::Result;
use crate::aws::tags::{TagSet, Tags};
use crate::cloud::{CloudError, ErrorKind};

/// A namespace as AWS tells it.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) id: Id,
    pub(super) arn: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) dns: Option<DnsProperties>,
    pub(super) tags: Tags,
}

/// What a call that makes a namespace comes to.
#[derive(Debug)]
pub(super) enum Begun {
    /// An operation that will make it.
    Operation(Option<String>),
    /// The same call has already made it.
    Namespace(String),
}

/// Sends a call that makes a namespace. Where the same call came before, it is found by that: in the error's types, which
/// each call has of its own.
macro_rules! begun {
    ($call:expr, $errors:ident, $op:expr, $operation:expr) => {
        match $call.send().await {
            Ok(answer) => Ok(Begun::Operation(answer.operation_id)),
            Err(error) => match error.as_service_error() {
                Some($errors::DuplicateRequest(again)) if again.duplicate_operation_id.is_some() => {
                    Ok(Begun::Operation(again.duplicate_operation_id.clone()))
                }
                Some($errors::NamespaceAlreadyExists(found))
                    if found.creator_request_id() == Some($op.id.as_str()) && found.namespace_id.is_some() =>
                {
                    Ok(Begun::Namespace(found.namespace_id.clone().unwrap_or_default()))
                }
                _ => Err(error).during($operation).map(|()| Begun::Operation(None)),
            },
        }
    };
}
pub(super) use begun;

/// The id of the namespace that is being made.
pub(super) async fn id(aws: &Aws, begun: Begun, operation: &str) -> Result<Id> {
    match begun {
        Begun::Namespace(id) => Ok(Id::new(id)),
        Begun::Operation(Some(id)) => Ok(Id::new(operation::namespace(aws, &id).await?)),
        Begun::Operation(None) => Err(CloudError::new(ErrorKind::Lost, operation, "the answer names no operation")),
    }
}

/// Waits for the operation that changes a namespace.
pub(super) async fn changed(aws: &Aws, operation: Option<String>) -> Result<()> {
    match operation {
        Some(id) => operation::success(aws, &id).await,
        None => Ok(()),
    }
}

/// Deletes a namespace and waits until it is gone.
pub(super) async fn delete(aws: &Aws, id: &Id) -> Result<()> {
    let answer = aws.cloud_map().delete_namespace().id(id.as_str()).send().await;
    if let Err(SdkError::ServiceError(error)) = &answer
        && let DeleteNamespaceError::DuplicateRequest(again) = error.err()
        && let Some(operation) = again.duplicate_operation_id()
    {
        return operation::success(aws, operation).await;
    }
    changed(aws, answer.during("servicediscovery:DeleteNamespace")?.operation_id).await
}

/// Reads those of `ids` that are namespaces of this kind.
pub(super) async fn read(aws: &Aws, ids: &[Id], kind: &NamespaceType) -> Result<Vec<Told>> {
    let summaries = if ids.len() > FEW {
        let mut all = list(aws, kind).await?;
        all.retain(|summary| ids.iter().any(|id| Some(id.as_str()) == summary.id()));
        all
    } else {
        let found = try_join_all(ids.iter().map(|id| get(aws, id))).await?;
        found.into_iter().flatten().filter(|summary| summary.r#type() == Some(kind)).collect()
    };
    Ok(try_join_all(summaries.into_iter().map(|summary| told(aws, summary))).await?.into_iter().flatten().collect())
}

/// Ids of the namespaces of this kind that have all of these tags, and this name if one is given.
pub(super) async fn tagged(aws: &Aws, kind: &NamespaceType, name: Option<&str>, tags: &TagSet) -> Result<Vec<Id>> {
    let mut all = list(aws, kind).await?;
    all.retain(|summary| name.is_none_or(|name| summary.name() == Some(name)));
    let all = try_join_all(all.into_iter().map(|summary| told(aws, summary))).await?;
    Ok(all.into_iter().flatten().filter(|told| told.tags.have(tags)).map(|told| told.id).collect())
}

async fn get(aws: &Aws, id: &Id) -> Result<Option<NamespaceSummary>> {
    let answer = aws.cloud_map().get_namespace().id(id.as_str()).send().await;
    let answer = found(answer.during("servicediscovery:GetNamespace"))?;
    Ok(answer.and_then(|answer| answer.namespace).map(|namespace| {
        NamespaceSummary::builder()
            .set_arn(namespace.arn)
            .set_description(namespace.description)
            .set_id(namespace.id)
            .set_name(namespace.name)
            .set_properties(namespace.properties)
            .set_type(namespace.r#type)
            .build()
    }))
}

async fn list(aws: &Aws, kind: &NamespaceType) -> Result<Vec<NamespaceSummary>> {
    const OPERATION: &str = "servicediscovery:ListNamespaces";
    let filter = NamespaceFilter::builder().name(NamespaceFilterName::Type).values(kind.as_str()).build();
    let call = aws.cloud_map().list_namespaces().filters(built(filter, OPERATION)?).max_results(PAGE);
    let mut pages = call.into_paginator().send();
    let mut all = Vec::new();
    while let Some(page) = pages.next().await {
        all.extend(page.during(OPERATION)?.namespaces.unwrap_or_default());
    }
    Ok(all)
}

async fn told(aws: &Aws, summary: NamespaceSummary) -> Result<Option<Told>> {
    let (Some(id), Some(arn)) = (summary.id, summary.arn) else { return Ok(None) };
    let Some(tags) = tags_of(aws, &arn).await? else { return Ok(None) };
    let dns = summary.properties.and_then(|properties| properties.dns_properties);
    let name = summary.name.unwrap_or_default();
    Ok(Some(Told { id: Id::new(id), arn, name, description: super::described(summary.description), dns, tags }))
}
