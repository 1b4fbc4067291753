//! What travels in the queue from the API to the sender.

use std::fmt::{self, Debug, Formatter};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The version of the format that this code writes. A reader takes this one and those before it.
///
/// While both run, the sender is deployed first: it must know the version that the API writes.
pub const VERSION: u32 = 1;

/// A notification in the queue. Its `Debug` shows neither text nor address.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    /// The version of this format.
    pub version: u32,
    /// The API's name for it: a ULID, or made of the idempotency key and written like one.
    pub id: String,
    /// The text.
    pub message: String,
    /// The address that it goes to.
    pub to: String,
    /// The mail's subject, when the caller gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What fills the mail's template; without it the mail is plain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_data: Option<Map<String, Value>>,
    /// The caller's name for it: two with the same are one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// When the API took it, in milliseconds since the Unix epoch.
    pub queued_at: u64,
}

/// Why a body is no notification.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It is not JSON, or lacks something. The text does not quote the body.
    #[error("the body is no notification: {0}")]
    Malformed(String),
    /// It was written by a newer API.
    #[error("the body is of version {0}, and {VERSION} is the newest known")]
    Version(u32),
}

impl Notification {
    /// Writes the body of a message.
    ///
    /// # Errors
    /// None that the types allow; serde's signature has one.
    pub fn to_body(&self) -> Result<String, serde_json::Error> {
        // JSON may hold these two as they are, but SQS takes a message with them for invalid:
        // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
        let body = serde_json::to_string(self)?;
        if !body.contains(['\u{fffe}', '\u{ffff}']) {
            return Ok(body);
        }
        Ok(body.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff"))
    }

    /// Reads the body of a message.
    ///
    /// # Errors
    /// When the body is malformed, or newer than this code.
    pub fn from_body(body: &str) -> Result<Self, BodyError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let Versioned { version } = serde_json::from_str(body).map_err(malformed)?;
        if version == 0 || version > VERSION {
            return Err(BodyError::Version(version));
        }
        serde_json::from_str(body).map_err(malformed)
    }

    /// Returns what tells it from others: the caller's key, or else its id.
    #[must_use]
    pub fn deduplication_key(&self) -> &str {
        self.idempotency_key.as_deref().unwrap_or(&self.id)
    }
}

/// Says what is wrong and where, without serde's quotation of the value.
fn malformed(error: serde_json::Error) -> BodyError {
    let kind = if error.is_data() { "a member is missing or of the wrong type" } else { "it is not JSON" };
    BodyError::Malformed(format!("{kind}, at line {} column {}", error.line(), error.column()))
}

impl Debug for Notification {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notification").field("version", &self.version).field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Notification {
        Notification {
            version: VERSION,
            id: "01J".into(),
            message: "hello".into(),
            to: "a@example.org".into(),
            subject: None,
            template_data: None,
            idempotency_key: None,
            queued_at: 1,
        }
    }

    /// What version 1 writes: a change of this text is a new version.
    #[test]
    fn the_format_is_kept() {
        let whole = Notification {
            subject: Some("hi".into()),
            template_data: Some(Map::from_iter([("name".into(), Value::from("Ada"))])),
            idempotency_key: Some("k".into()),
            ..example()
        };
        let text = r#"{"version":1,"id":"01J","message":"hello","to":"a@example.org","subject":"hi","template_data":{"name":"Ada"},"idempotency_key":"k","queued_at":1}"#;
        assert_eq!(whole.to_body().unwrap(), text);
        assert_eq!(Notification::from_body(text).unwrap(), whole);
        let least = r#"{"version":1,"id":"01J","message":"hello","to":"a@example.org","queued_at":1}"#;
        assert_eq!(example().to_body().unwrap(), least);
        assert_eq!(Notification::from_body(least).unwrap(), example());
    }

    #[test]
    fn a_body_has_only_what_sqs_takes_and_reads_back_the_same() {
        let odd = Notification { message: "a\u{fffe}\u{ffff}\u{0}\u{1f600}\"".into(), ..example() };
        let body = odd.to_body().unwrap();
        assert!(!body.contains(|c: char| c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}')), "{body}");
        assert_eq!(Notification::from_body(&body).unwrap(), odd);
    }

    #[test]
    fn what_a_later_minor_writer_adds_is_ignored_and_a_newer_version_is_refused() {
        let more = r#"{"version":1,"id":"01J","message":"hello","to":"a@example.org","queued_at":1,"locale":"de"}"#;
        assert_eq!(Notification::from_body(more).unwrap(), example());
        assert!(matches!(Notification::from_body(r#"{"version":2}"#), Err(BodyError::Version(2))));
        assert!(matches!(Notification::from_body(r#"{"version":0}"#), Err(BodyError::Version(0))));
    }

    #[test]
    fn neither_errors_nor_debug_quote_what_was_written() {
        let bad = r#"{"version":1,"id":"01J","message":"hello","to":7,"queued_at":"tomorrow a@example.org"}"#;
        let error = Notification::from_body(bad).unwrap_err().to_string();
        assert!(error.contains("wrong type, at line 1 column"), "{error}");
        assert!(!error.contains("example.org"), "{error}");
        assert!(Notification::from_body("hello").unwrap_err().to_string().contains("not JSON"));
        let debug = format!("{:?}", example());
        assert!(!debug.contains("hello") && !debug.contains("example.org"), "{debug}");
    }

    #[test]
    fn the_callers_key_comes_before_the_id() {
        assert_eq!(example().deduplication_key(), "01J");
        assert_eq!(Notification { idempotency_key: Some("k".into()), ..example() }.deduplication_key(), "k");
    }
}
