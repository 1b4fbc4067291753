//! Errors as callers see them: RFC 9457's problem details.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::body::MOST_VALUES;
use crate::request::FieldError;

/// Seconds after which a caller that was turned away should come again.
const COME_AGAIN: HeaderValue = HeaderValue::from_static("1");

/// Why a request was not served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The body is not JSON.
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// The body is JSON, but no object.
    #[error("the body is not a JSON object")]
    NotAnObject,
    /// Fields are missing, unknown or wrong.
    #[error("the notification can't be sent as it is")]
    Fields(Vec<FieldError>),
    /// There is a key, and the caller has not presented it.
    #[error("present the key in the header x-api-key, or as a bearer token")]
    Unauthorized,
    /// The body is of another type.
    #[error("send the notification as application/json")]
    NotJsonType,
    /// The body is larger than a message may be.
    #[error("the notification is larger than the {0} bytes that a message may have")]
    TooLarge(usize),
    /// The message is larger than the queue takes, which is less than this service was told.
    #[error("the notification is larger than the queue takes")]
    TooLargeForQueue,
    /// The message has characters that SQS does not take.
    #[error("the notification has characters that the queue does not take")]
    Characters,
    /// The body has more values than are taken.
    #[error("the notification has more values and names than the {MOST_VALUES} that are taken")]
    TooManyValues,
    /// The body was cut off.
    #[error("the body can't be read to its end")]
    CutOff,
    /// The body took too long.
    #[error("the body did not arrive in time")]
    TooSlow,
    /// There are too many requests already.
    #[error("there are more requests than can be served; come again")]
    Overloaded,
    /// The queue did not confirm the notification.
    #[error("the queue does not take the notification now; come again")]
    NotQueued,
    /// No such path.
    #[error("no such path; see /openapi.json")]
    NotFound,
    /// No such method.
    #[error("no such method on this path; see /openapi.json")]
    NoSuchMethod,
    /// A fault of this service.
    #[error("the service failed; the log has the request's id")]
    Internal,
}

/// The body of an error's answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemDetails {
    /// The status's name.
    #[schema(example = "Unprocessable Entity")]
    title: &'static str,
    /// The status.
    #[schema(example = 422)]
    status: u16,
    /// What is wrong.
    detail: String,
    /// What is wrong with each field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

impl Problem {
    /// Returns the status that it is answered with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Fields(errors) if errors.iter().all(|error| !error.of_form) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Characters => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NotJson(_) | Self::NotAnObject | Self::Fields(_) | Self::CutOff => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::NoSuchMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge(_) | Self::TooLargeForQueue | Self::TooManyValues => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotJsonType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Overloaded | Self::NotQueued => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, detail) = (self.status(), self.to_string());
        let errors = match self {
            Self::Fields(errors) => errors,
            _ => Vec::new(),
        };
        let title = status.canonical_reason().unwrap_or("Error");
        let body = ProblemDetails { title, status: status.as_u16(), detail, errors };
        let mut response = (status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, COME_AGAIN);
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
