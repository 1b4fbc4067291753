//! What AWS's errors mean.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;

use super::once;
use super::resource::Result;
use crate::cloud::{CloudError, ErrorKind};

/// Gives the outcome of a call its name and its meaning.
pub trait During<T> {
    /// The outcome of `operation` (`ec2:CreateSubnet`), a failure as the engine knows it.
    fn during(self, operation: &str) -> Result<T>;
}

impl<T, E> During<T> for std::result::Result<T, SdkError<E, HttpResponse>>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    fn during(self, operation: &str) -> Result<T> {
        self.map_err(|error| meaning(&error, operation))
    }
}

/// What a read that may come back empty says: "not found" is `None`.
pub fn found<T>(outcome: Result<T>) -> Result<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the failure may be that a role is too new: it was made, but what should take it on does not know it yet.
///
/// IAM gives no one code for it; these are the words of ECS, SQS, ECR, KMS, SES and IAM itself.
pub fn is_about_new_role(error: &CloudError) -> bool {
    const WORDS: [&str; 7] = [
        "invalid principal",
        "assume role",
        "unable to assume",
        "could not assume",
        "role is not valid",
        "cannot be assumed",
        "invalid value for the parameter policy",
    ];
    let message = error.message.to_lowercase();
    matches!(error.kind, ErrorKind::Invalid | ErrorKind::Denied) && WORDS.iter().any(|words| message.contains(words))
}

/// A part of a request; where the SDK finds something missing in it, the stack is wrong.
pub fn built<T>(
    part: std::result::Result<T, aws_smithy_types::error::operation::BuildError>,
    operation: &str,
) -> Result<T> {
    part.map_err(|error| CloudError::new(ErrorKind::Invalid, operation, chain(&error)))
}

/// A failure that stands in an answer of success.
pub fn told(code: &str, message: &str, operation: &str) -> CloudError {
    CloudError { code: code.to_owned(), ..CloudError::new(kind(code, 400), operation, message) }
}

fn meaning<E>(error: &SdkError<E, HttpResponse>, operation: &str) -> CloudError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let with = |kind| CloudError::new(kind, operation, chain(error));
    match error {
        SdkError::ServiceError(answer) => {
            let meta = answer.err().meta();
            let code = meta.code().unwrap_or_default();
            let status = answer.raw().status().as_u16();
            CloudError {
                kind: kind(code, status),
                code: code.to_owned(),
                message: meta.message().map_or_else(|| without_words(code, status), str::to_owned),
                operation: operation.to_owned(),
                request_id: error.request_id().map(str::to_owned),
                details: Vec::new(),
            }
        }
        SdkError::DispatchFailure(_) if once::is_lost(error) => with(ErrorKind::Lost),
        SdkError::DispatchFailure(failure) if is_credentials(failure.as_connector_error().map(|e| e as &dyn Error)) => {
            with(ErrorKind::Credentials)
        }
        SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) | SdkError::ResponseError(_) => {
            with(ErrorKind::Unavailable)
        }
        SdkError::ConstructionFailure(_) => {
            with(if is_credentials(Some(error)) { ErrorKind::Credentials } else { ErrorKind::Invalid })
        }
        _ => with(ErrorKind::Other),
    }
}

/// The kind of failure that a code means, in any service.
fn kind(code: &str, status: u16) -> ErrorKind {
    let is = |codes: &[&str]| codes.contains(&code);
    let has = |parts: &[&str]| parts.iter().any(|part| code.contains(part));
    if has(&["Throttl", "RequestLimitExceeded", "TooManyRequests", "SlowDown", "PriorRequestNotComplete"]) {
        ErrorKind::Throttled
    } else if has(&["NotFound", "NonExistent", "DoesNotExist", "NoSuch"])
        || is(&["Gateway.NotAttached", "ServiceNotActiveException"])
    {
        ErrorKind::NotFound
    } else if has(&["DependencyViolation", "DeleteConflict", "ResourceInUse", "InUse", "ContainsContainerInstances"])
        || is(&["ClusterContainsServicesException", "ClusterContainsTasksException", "RepositoryNotEmptyException"])
    {
        ErrorKind::InUse
    } else if has(&["AlreadyExists", "AlreadyAssociated", "Duplicate", "Conflict", "IncorrectState", "KMSInvalidState"])
        || is(&["QueueNameExists", "AWS.SimpleQueueService.QueueDeletedRecently"])
        || has(&["ConcurrentModification"])
        || is(&["DisabledException", "ResourceExistsException", "TooManyUpdates"])
    {
        ErrorKind::Conflict
    } else if has(&["AccessDenied", "Forbidden", "Unauthorized", "NotAuthorized", "OptInRequired", "Blocked"]) {
        ErrorKind::Denied
    } else if has(&["ExpiredToken", "UnrecognizedClient", "SignatureDoesNotMatch", "InvalidAccessKeyId"])
        || is(&["InvalidClientTokenId", "AuthFailure", "MissingAuthenticationToken", "IncompleteSignature"])
        // EC2's word for a session token that has expired.
        || is(&["RequestExpired"])
    {
        ErrorKind::Credentials
    } else if has(&["LimitExceeded", "QuotaExceeded", "TooMany", "MaxSpotInstance", "InsufficientFreeAddresses"]) {
        ErrorKind::Quota
    } else if status >= 500 || has(&["InternalFailure", "InternalError", "ServiceUnavailable"]) {
        ErrorKind::Unavailable
    } else if status == 403 {
        // Another word for it, or none: the answer to a HEAD has no body to say so in.
        ErrorKind::Denied
    } else if (400..500).contains(&status) {
        ErrorKind::Invalid
    } else {
        ErrorKind::Other
    }
}

/// What stands for the words of an answer that has none.
fn without_words(code: &str, status: u16) -> String {
    match (code, status) {
        ("", 403) => {
            "HTTP status 403, and no word why: check the name, whose it is, and that the credentials in use have \
                      the permission"
                .to_owned()
        }
        _ => format!("HTTP status {status}"),
    }
}

fn is_credentials(error: Option<&dyn Error>) -> bool {
    let mut next = error;
    while let Some(error) = next {
        if error.to_string().contains("credential") || error.to_string().contains("identity") {
            return true;
        }
        next = error.source();
    }
    false
}

/// An error and its causes in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_all_services_have_their_kind() {
        let table = [
            ("InvalidVpcID.NotFound", 400, ErrorKind::NotFound),
            ("InvalidVpcEndpoint.NotFound", 400, ErrorKind::NotFound),
            ("InvalidFlowLogId.NotFound", 400, ErrorKind::NotFound),
            ("NoSuchEntity", 404, ErrorKind::NotFound),
            ("AWS.SimpleQueueService.NonExistentQueue", 400, ErrorKind::NotFound),
            ("RepositoryNotFoundException", 400, ErrorKind::NotFound),
            ("DependencyViolation", 400, ErrorKind::InUse),
            ("DeleteConflict", 409, ErrorKind::InUse),
            ("AuthorizationError", 403, ErrorKind::Denied),
            ("ResourceInUse", 400, ErrorKind::InUse),
            ("ResourceInUseException", 409, ErrorKind::InUse),
            ("InvalidIPAddress.InUse", 400, ErrorKind::InUse),
            ("InvalidPermission.Duplicate", 400, ErrorKind::Conflict),
            ("Resource.AlreadyAssociated", 400, ErrorKind::Conflict),
            ("EntityAlreadyExists", 409, ErrorKind::Conflict),
            ("DuplicateListener", 400, ErrorKind::Conflict),
            ("FlowLogAlreadyExists", 400, ErrorKind::Conflict),
            ("RouteAlreadyExists", 400, ErrorKind::Conflict),
            ("ParameterAlreadyExists", 400, ErrorKind::Conflict),
            ("ResourceExistsException", 400, ErrorKind::Conflict),
            ("KMSInvalidStateException", 400, ErrorKind::Conflict),
            ("TooManyUpdates", 400, ErrorKind::Conflict),
            ("ParameterNotFound", 400, ErrorKind::NotFound),
            ("ConcurrentModificationException", 409, ErrorKind::Conflict),
            ("NotFound", 404, ErrorKind::NotFound),
            ("BadRequestException", 400, ErrorKind::Invalid),
            ("UnauthorizedOperation", 403, ErrorKind::Denied),
            ("AccessDeniedException", 400, ErrorKind::Denied),
            ("ForbiddenException", 403, ErrorKind::Denied),
            ("", 403, ErrorKind::Denied),
            ("", 400, ErrorKind::Invalid),
            ("ExpiredTokenException", 400, ErrorKind::Credentials),
            ("RequestExpired", 400, ErrorKind::Credentials),
            ("InvalidClientTokenId", 403, ErrorKind::Credentials),
            ("VpcLimitExceeded", 400, ErrorKind::Quota),
            ("TooManyLoadBalancers", 400, ErrorKind::Quota),
            ("RequestLimitExceeded", 503, ErrorKind::Throttled),
            ("ThrottlingException", 400, ErrorKind::Throttled),
            ("TooManyRequestsException", 429, ErrorKind::Throttled),
            ("InternalError", 500, ErrorKind::Unavailable),
            ("InvalidParameterValue", 400, ErrorKind::Invalid),
            ("ClientException", 400, ErrorKind::Invalid),
            ("MalformedPolicyDocumentException", 400, ErrorKind::Invalid),
        ];
        for (code, status, expected) in table {
            assert_eq!(kind(code, status), expected, "{code}");
        }
    }
}
