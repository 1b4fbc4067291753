//! What a caller may ask for, checked field by field, with all faults at once.

use email_address::EmailAddress;
use serde::Serialize;
use serde_json::{Map, Value};
use service_runtime::address::address;
use utoipa::ToSchema;

/// RFC 5322's longest line, without its end.
const LONGEST_SUBJECT: usize = 998;
/// SQS's longest deduplication id.
const LONGEST_KEY: usize = 128;

/// A notification to be sent.
#[derive(Debug, Clone, PartialEq, ToSchema)]
pub struct SendRequest {
    /// The text of the mail; not blank.
    #[schema(
        min_length = 1,
        example = "Dear ones, I think it is possible for ordinary people to choose to be extraordinary!"
    )]
    pub message: String,
    /// The address that it goes to. It may be left out where the service has a default recipient.
    #[schema(value_type = Option<String>, format = Email, example = "ada@example.org")]
    pub to: EmailAddress,
    /// The mail's subject.
    #[schema(max_length = 998)]
    pub subject: Option<String>,
    /// What fills the mail's template; without it the mail is plain.
    #[schema(value_type = Option<Object>)]
    pub template_data: Option<Map<String, Value>>,
    /// The caller's name for this notification: sent again with the same key, it is not delivered again.
    #[schema(min_length = 1, max_length = 128, pattern = "^[!-~]+$")]
    pub idempotency_key: Option<String>,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The field.
    #[schema(example = "to")]
    pub field: String,
    /// What is wrong with it.
    #[schema(example = "is not an e-mail address: Missing separator character '@'.")]
    pub problem: String,
    /// Whether the request does not have the form that is asked for, beyond what a field's value may be.
    #[serde(skip)]
    pub of_form: bool,
}

impl SendRequest {
    /// Checks the members of a request's body.
    ///
    /// # Errors
    /// Everything that is wrong, each with its field.
    pub fn check(body: Map<String, Value>, default: Option<&EmailAddress>) -> Result<Self, Vec<FieldError>> {
        let mut fields = Fields { body, errors: Vec::new() };
        let message = fields.text("message", |text| match text.trim() {
            "" => Err("is blank".to_owned()),
            _ => Ok(text.to_owned()),
        });
        if message.is_none() && !fields.found("message") {
            fields.malformed("message", "is missing");
        }
        let to = fields.text("to", |text| address(text).map_err(|why| format!("is not an e-mail address: {why}")));
        let to = to.or_else(|| default.filter(|_| !fields.found("to")).cloned());
        if to.is_none() && !fields.found("to") {
            fields.malformed("to", "is missing, and the service has no default recipient");
        }
        let subject = fields.text("subject", subject);
        let idempotency_key = fields.text("idempotency_key", key);
        let template_data = fields.object("template_data");
        let unknown: Vec<_> = fields.body.keys().cloned().collect();
        for field in unknown {
            fields.malformed(&field, "is not a field of a notification");
        }
        match (message, to) {
            (Some(message), Some(to)) if fields.errors.is_empty() => {
                Ok(Self { message, to, subject, template_data, idempotency_key })
            }
            _ => Err(fields.errors),
        }
    }
}

struct Fields {
    body: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// Takes a field that holds text; `null` counts as left out.
    fn text<T>(&mut self, field: &str, check: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        match self.body.remove(field)? {
            Value::Null => None,
            Value::String(text) => check(&text).map_err(|problem| self.add(field, problem, false)).ok(),
            _ => {
                self.malformed(field, "is not a string");
                None
            }
        }
    }

    fn object(&mut self, field: &str) -> Option<Map<String, Value>> {
        match self.body.remove(field)? {
            Value::Null => None,
            Value::Object(object) => Some(object),
            _ => {
                self.malformed(field, "is not an object");
                None
            }
        }
    }

    /// Whether something is wrong with the field already.
    fn found(&self, field: &str) -> bool {
        self.errors.iter().any(|error| error.field == field)
    }

    fn malformed(&mut self, field: &str, problem: &str) {
        self.add(field, problem.to_owned(), true);
    }

    fn add(&mut self, field: &str, problem: String, of_form: bool) {
        self.errors.push(FieldError { field: field.to_owned(), problem, of_form });
    }
}

fn subject(text: &str) -> Result<String, String> {
    if text.chars().any(char::is_control) {
        return Err("has a line's end or another control character".into());
    }
    if text.len() > LONGEST_SUBJECT {
        return Err(format!("has {} bytes, and may have {LONGEST_SUBJECT}", text.len()));
    }
    Ok(text.to_owned())
}

/// Holds a key to what SQS takes as a deduplication id, so that the same key works on every kind of queue.
fn key(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > LONGEST_KEY || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!("is not 1 to {LONGEST_KEY} letters, digits or punctuation marks of ASCII"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(body: Value) -> Result<SendRequest, Vec<(String, String, bool)>> {
        let Value::Object(body) = body else { panic!("not an object") };
        SendRequest::check(body, None)
            .map_err(|errors| errors.into_iter().map(|error| (error.field, error.problem, error.of_form)).collect())
    }

    fn error(body: Value) -> (String, String, bool) {
        let mut errors = check(body).unwrap_err();
        assert_eq!(errors.len(), 1, "{errors:?}");
        errors.remove(0)
    }

    #[test]
    fn a_whole_request_is_taken_as_it_is() {
        let request = check(json!({
            "message": "hello",
            "to": "ada@example.org",
            "subject": "Grüße",
            "template_data": { "name": "Ada" },
            "idempotency_key": "order-1",
        }))
        .unwrap();
        assert_eq!(request.message, "hello");
        assert_eq!(request.to.as_str(), "ada@example.org");
        assert_eq!(request.subject.as_deref(), Some("Grüße"));
        assert_eq!(request.template_data.unwrap()["name"], "Ada");
        assert_eq!(request.idempotency_key.as_deref(), Some("order-1"));
    }

    #[test]
    fn the_default_recipient_takes_what_names_nobody_but_not_what_names_somebody_badly() {
        let default = address("ops@example.org").unwrap();
        let body = |to: Value| Map::from_iter([("message".into(), json!("m")), ("to".into(), to)]);
        let request = SendRequest::check(Map::from_iter([("message".into(), json!("m"))]), Some(&default)).unwrap();
        assert_eq!(request.to, default);
        assert_eq!(SendRequest::check(body(Value::Null), Some(&default)).unwrap().to, default);
        assert_eq!(SendRequest::check(body(json!("ada")), Some(&default)).unwrap_err().len(), 1);
        assert_eq!(SendRequest::check(body(json!(7)), Some(&default)).unwrap_err().len(), 1);
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let errors = check(json!({
            "message": " \n",
            "to": "ada@@example.org",
            "subject": "a\r\nBcc: all@example.org",
            "template_data": [1],
            "idempotency_key": "two words",
            "tempalte_data": {},
        }))
        .unwrap_err();
        let fields: Vec<_> = errors.iter().map(|(field, _, of_form)| (field.as_str(), *of_form)).collect();
        assert_eq!(
            fields,
            [
                ("message", false),
                ("to", false),
                ("subject", false),
                ("idempotency_key", false),
                ("template_data", true),
                ("tempalte_data", true)
            ]
        );
        assert!(!format!("{errors:?}").contains("example.org"), "{errors:?}");
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(error(json!({ "to": "ada@example.org" })), ("message".into(), "is missing".into(), true));
        assert_eq!(error(json!({ "message": "m" })).0, "to");
    }

    #[test]
    fn sizes_are_bounded() {
        let body = |field: &str, text: String| {
            json!({ "message": "m", "to": "ada@example.org" }).as_object().cloned().map(|mut body| {
                body.insert(field.into(), text.into());
                Value::Object(body)
            })
        };
        assert!(check(body("subject", "s".repeat(998)).unwrap()).is_ok());
        assert_eq!(error(body("subject", "s".repeat(999)).unwrap()).0, "subject");
        assert!(check(body("idempotency_key", "k".repeat(128)).unwrap()).is_ok());
        assert_eq!(error(body("idempotency_key", "k".repeat(129)).unwrap()).0, "idempotency_key");
        assert_eq!(error(body("idempotency_key", String::new()).unwrap()).0, "idempotency_key");
    }
}
