//! Cloud Map's operations: what takes its time there answers with the id of one.

use std::time::Duration;

use aws_sdk_servicediscovery::types::{
    Operation, OperationFilter, OperationFilterName, OperationStatus, OperationTargetType,
};

use crate::aws::client::Aws;
use crate::aws::error::{During, built};
use crate::aws::resource::Result;
use crate::aws::wait::{self, Probe};
use crate::cloud::{CloudError, ErrorKind};

const GET: &str = "servicediscovery:GetOperation";
/// How long an operation may take; those with a hosted zone take about a minute.
const TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// The namespace that an operation makes, as soon as it is named.
///
/// Where that can't be told, it is lost: it may well be made.
pub(super) async fn namespace(aws: &Aws, id: &str) -> Result<String> {
    let named = wait::until(aws, GET, TIMEOUT, || async {
        let operation = get(aws, id).await?;
        let target = operation.targets().and_then(|targets| targets.get(&OperationTargetType::Namespace)).cloned();
        Ok(match (operation.status(), target) {
            (Some(OperationStatus::Fail), _) => Probe::Ready(Err(failure(&operation))),
            (_, Some(namespace)) => Probe::Ready(Ok(namespace)),
            (status, None) => Probe::Pending(state(status)),
        })
    })
    .await;
    named.map_err(|error| CloudError { kind: ErrorKind::Lost, ..error })?
}

/// Waits until an operation has succeeded.
pub(super) async fn success(aws: &Aws, id: &str) -> Result<()> {
    wait::until(aws, GET, TIMEOUT, || async {
        let operation = get(aws, id).await?;
        Ok(match operation.status() {
            Some(OperationStatus::Fail) => Probe::Ready(Err(failure(&operation))),
            Some(OperationStatus::Success) => Probe::Ready(Ok(())),
            status => Probe::Pending(state(status)),
        })
    })
    .await?
}

/// Waits until the operation that made `namespace` has succeeded; one that is no longer listed has.
pub(super) async fn made(aws: &Aws, namespace: &str) -> Result<()> {
    const OPERATION: &str = "servicediscovery:ListOperations";
    let filter = |name: OperationFilterName, value: &str| {
        built(OperationFilter::builder().name(name).values(value).build(), OPERATION)
    };
    let call = aws
        .cloud_map()
        .list_operations()
        .filters(filter(OperationFilterName::NamespaceId, namespace)?)
        .filters(filter(OperationFilterName::Type, "CREATE_NAMESPACE")?);
    // AWS filters what is on a page: one without an operation is not the last.
    let mut pages = call.into_paginator().send();
    while let Some(page) = pages.next().await {
        if let Some(id) = page.during(OPERATION)?.operations().iter().find_map(|operation| operation.id()) {
            return success(aws, id).await;
        }
    }
    Ok(())
}

async fn get(aws: &Aws, id: &str) -> Result<Operation> {
    let answer = aws.cloud_map().get_operation().operation_id(id).send().await.during(GET)?;
    answer.operation.ok_or_else(|| CloudError::new(ErrorKind::Other, GET, "the answer holds no operation"))
}

fn state(status: Option<&OperationStatus>) -> String {
    status.map_or("pending", |status| status.as_str()).to_lowercase()
}

fn failure(operation: &Operation) -> CloudError {
    let code = operation.error_code().unwrap_or_default();
    let kind = if code == "ACCESS_DENIED" { ErrorKind::Denied } else { ErrorKind::Invalid };
    let message = operation.error_message().unwrap_or("the operation failed");
    CloudError { code: code.to_owned(), ..CloudError::new(kind, GET, message) }
}
