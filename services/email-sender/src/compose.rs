//! Makes a mail of a message's body.

use serde_json::{Map, Value};
use service_runtime::Notification;
use service_runtime::address::address;
use service_runtime::notification::BodyError;

use crate::mailer::{Content, Fault, FaultKind, Mail};

/// Makes mails of notifications.
#[derive(Debug)]
pub(crate) struct Composer {
    /// The subject of notifications that have none.
    pub(crate) default_subject: String,
    /// Whether there is a template for notifications with template data.
    pub(crate) has_template: bool,
}

impl Composer {
    /// Returns the key that tells the notification from others, and its mail.
    pub(crate) fn compose(&self, body: &str) -> Result<(String, Mail), Fault> {
        let notification = Notification::from_body(body).map_err(|error| Fault {
            kind: match error {
                BodyError::Malformed(_) => FaultKind::Permanent,
                // While the sender is being replaced by a newer one, that one will know it.
                BodyError::Version(_) => FaultKind::Transient,
            },
            code: "InvalidNotification".into(),
            message: error.to_string(),
        })?;
        let key = notification.deduplication_key().to_owned();
        let Notification { message, to, subject, template_data, .. } = notification;
        if address(&to).is_err() {
            return Err(Fault {
                kind: FaultKind::Permanent,
                code: "InvalidAddress".into(),
                message: "`to` is no e-mail address".into(),
            });
        }
        let subject = subject.unwrap_or_else(|| self.default_subject.clone());
        let content = match template_data {
            None => Content::Text(message),
            Some(data) if self.has_template => Content::Template(variables(data, &subject, message)),
            Some(_) => {
                return Err(Fault {
                    kind: FaultKind::Permanent,
                    code: "NoTemplate".into(),
                    message: "the notification has template data, and TEMPLATE_NAME is not set".into(),
                });
            }
        };
        Ok((key, Mail { to, subject, content }))
    }
}

/// Adds what every notification has: a variable without a value fails after SES took the mail, where no caller sees it.
/// See <https://docs.aws.amazon.com/ses/latest/dg/send-personalized-email-api.html>.
fn variables(mut data: Map<String, Value>, subject: &str, message: String) -> String {
    data.entry("subject").or_insert_with(|| subject.into());
    data.entry("message").or_insert_with(|| message.into());
    Value::Object(data).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn composer() -> Composer {
        Composer { default_subject: "Notification".into(), has_template: true }
    }

    fn body(extra: Value) -> String {
        let mut body = json!({"version": 1, "id": "01J", "message": "hello", "to": "a@example.org", "queued_at": 1});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        body.to_string()
    }

    #[test]
    fn without_template_data_a_mail_is_plain_and_has_the_default_subject() {
        let Ok((key, mail)) = composer().compose(&body(json!({}))) else { panic!("no mail") };
        assert_eq!((key.as_str(), mail.to.as_str(), mail.subject.as_str()), ("01J", "a@example.org", "Notification"));
        assert!(mail.content == Content::Text("hello".into()));
    }

    #[test]
    fn template_data_gets_the_variables_that_every_notification_has() {
        let extra =
            json!({"subject": "hi", "idempotency_key": "k", "template_data": {"name": "Ada", "message": "mine"}});
        let Ok((key, mail)) = composer().compose(&body(extra)) else { panic!("no mail") };
        assert_eq!(key, "k");
        let Content::Template(data) = mail.content else { panic!("not by template") };
        let data: Value = serde_json::from_str(&data).unwrap();
        assert_eq!(data, json!({"name": "Ada", "message": "mine", "subject": "hi"}));
    }

    #[test]
    fn what_is_no_notification_never_becomes_one_but_a_newer_one_may() {
        let kind = |body: &str| composer().compose(body).err().map(|fault| (fault.kind, fault.code));
        assert_eq!(kind("hello"), Some((FaultKind::Permanent, "InvalidNotification".into())));
        assert_eq!(kind(r#"{"version":1}"#), Some((FaultKind::Permanent, "InvalidNotification".into())));
        assert_eq!(kind(r#"{"version":2}"#), Some((FaultKind::Transient, "InvalidNotification".into())));
    }

    #[test]
    fn what_goes_to_no_address_is_no_mail() {
        for to in
            ["", "nobody", "a@example.org, b@example.org", "a@example.org\r\nBcc: b@example.org", "A <a@example.org>"]
        {
            let fault = composer().compose(&body(json!({"to": to}))).err().unwrap();
            assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::Permanent, "InvalidAddress"), "{to}");
        }
    }

    #[test]
    fn template_data_without_a_template_is_no_mail() {
        let composer = Composer { has_template: false, ..composer() };
        let fault = composer.compose(&body(json!({"template_data": {}}))).err().unwrap();
        assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::Permanent, "NoTemplate"));
    }
}
