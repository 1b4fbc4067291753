//! What may be said of a failed call to AWS.
//!
//! Neither an answer nor a message of AWS, which may quote what was sent.

use std::error::Error;

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// Returns the error's code, or else what kind of failure it was.
#[must_use]
pub fn reason<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    match error {
        SdkError::ServiceError(error) => error.err().code().unwrap_or("an unknown error").to_owned(),
        SdkError::TimeoutError(_) => "it did not answer in time".into(),
        SdkError::DispatchFailure(_) => "it can't be reached".into(),
        SdkError::ConstructionFailure(_) => "the call can't be made".into(),
        _ => "its answer makes no sense".into(),
    }
}

/// Returns the reason, with what the connector says where the service could not be reached.
#[must_use]
pub fn detail<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    let mut text = reason(error);
    if let SdkError::DispatchFailure(failure) = error {
        // One of another kind may quote the request.
        let connector = failure.as_connector_error().filter(|error| error.is_io() || error.is_timeout());
        let mut cause = connector.and_then(Error::source);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
    }
    text
}
