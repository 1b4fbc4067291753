//! The mail service of Amazon SES, and whose fault its errors are.

use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sesv2::types::{Body, Content as Text, Destination, EmailContent, Message, Template};

use crate::mailer::{Content, Fault, FaultKind, Mail, Mailer};

/// Errors that are about the account, its permissions or its identities, and so about every mail.
/// See <https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html> and
/// <https://docs.aws.amazon.com/ses/latest/APIReference-V2/CommonErrors.html>.
const BLOCKING: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AccountSuspendedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MailFromDomainNotVerifiedException",
    "MissingAuthenticationToken",
    "NotAuthorized",
    "OptInRequired",
    "SendingPausedException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];
const THROTTLING: &[&str] =
    &["LimitExceededException", "Throttling", "ThrottlingException", "TooManyRequestsException"];
/// The characters of an error message that a message attribute keeps.
const LONGEST_MESSAGE: usize = 512;
const UTF_8: &str = "UTF-8";

/// SES, with what all mails have in common.
#[derive(Debug)]
pub(crate) struct SesMailer {
    pub(crate) client: Client,
    /// The address that mail comes from, perhaps with a name.
    pub(crate) sender: String,
    pub(crate) template: Option<String>,
    pub(crate) configuration_set: Option<String>,
}

impl Mailer for SesMailer {
    async fn send(&self, mail: &Mail) -> Result<(), Fault> {
        let content = self.content(mail)?;
        let destination = Destination::builder().to_addresses(&mail.to).build();
        let call = self.client.send_email().from_email_address(&self.sender).destination(destination);
        let call = call.content(content).set_configuration_set_name(self.configuration_set.clone());
        call.send().await.map(|_| ()).map_err(|error| self.fault(&error))
    }

    async fn send_rate(&self) -> Result<f64, Fault> {
        let account = self.client.get_account().send().await.map_err(|error| self.fault(&error))?;
        account.send_quota().map(|quota| quota.max_send_rate()).filter(|rate| *rate > 0.0).ok_or_else(|| Fault {
            kind: FaultKind::Transient,
            code: "NoQuota".into(),
            message: "SES did not tell the account's sending rate".into(),
        })
    }
}

impl SesMailer {
    fn content(&self, mail: &Mail) -> Result<EmailContent, Fault> {
        let text = |data: &str| {
            Text::builder().charset(UTF_8).data(data).build().map_err(|error| Fault {
                kind: FaultKind::Permanent,
                code: "InvalidMail".into(),
                message: error.to_string(),
            })
        };
        Ok(match &mail.content {
            Content::Text(message) => {
                let body = Body::builder().text(text(message)?).build();
                EmailContent::builder().simple(Message::builder().subject(text(&mail.subject)?).body(body).build())
            }
            Content::Template(data) => {
                let template = Template::builder().set_template_name(self.template.clone()).template_data(data);
                EmailContent::builder().template(template.build())
            }
        }
        .build())
    }

    fn fault<E: ProvideErrorMetadata, R>(&self, error: &SdkError<E, R>) -> Fault {
        let (kind, code, message) = match error {
            SdkError::ServiceError(error) => {
                let code = error.err().code().unwrap_or("Unknown");
                let message = error.err().message().unwrap_or("no reason given");
                (self.kind(code, message), code, message)
            }
            SdkError::TimeoutError(_) => (FaultKind::Transient, "Timeout", "SES did not answer in time"),
            SdkError::DispatchFailure(_) => (FaultKind::Transient, "Unreachable", "SES can't be reached"),
            SdkError::ResponseError(_) => (FaultKind::Transient, "InvalidAnswer", "SES's answer makes no sense"),
            _ => (FaultKind::Transient, "Unknown", "the request could not be made"),
        };
        Fault { kind, code: code.to_owned(), message: without_addresses(message) }
    }

    fn kind(&self, code: &str, message: &str) -> FaultKind {
        let said = message.to_lowercase();
        match code {
            // The day's quota is not mended by sending more slowly.
            code if THROTTLING.contains(&code) && said.contains("daily") => FaultKind::Blocked,
            code if THROTTLING.contains(&code) => FaultKind::Throttled,
            code if BLOCKING.contains(&code) => FaultKind::Blocked,
            // The configuration set is every mail's, the template is not.
            "NotFoundException" if said.contains("configuration set") => FaultKind::Blocked,
            "MessageRejected" if self.is_about_sender(&said) => FaultKind::Blocked,
            "BadRequestException" | "MessageRejected" | "NotFoundException" => FaultKind::Permanent,
            _ => FaultKind::Transient,
        }
    }

    /// Tells whether SES says that it is the sender who is not verified. In the sandbox it may be the recipient.
    fn is_about_sender(&self, said: &str) -> bool {
        let sender = self.sender.to_lowercase();
        let address = sender.rsplit('<').next().unwrap_or(&sender).trim_end_matches('>').trim();
        let named = |identity: &str| words(said).any(|word| word == identity);
        let domain = address.split_once('@').map_or("", |(_, domain)| domain);
        said.contains("not verified") && (named(address) || (!domain.is_empty() && named(domain)))
    }
}

/// Splits where no address goes on.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| c.is_whitespace() || "<>()[],;:\"'".contains(c));
    words.map(|word| word.trim_end_matches('.'))
}

/// Returns what an error says without the addresses in it, and not too long.
fn without_addresses(text: &str) -> String {
    let mut left = text.to_owned();
    for word in words(text).filter(|word| word.contains('@')) {
        left = left.replace(word, "(address)");
    }
    left.chars().filter(|c| !c.is_control()).take(LONGEST_MESSAGE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_sesv2::config::{BehaviorVersion, Config};

    fn kind(code: &str, message: &str) -> FaultKind {
        let config = Config::builder().behavior_version(BehaviorVersion::latest()).build();
        let sender = "Notices <No-Reply@example.org>".into();
        let mailer = SesMailer { client: Client::from_conf(config), sender, template: None, configuration_set: None };
        mailer.kind(code, message)
    }

    #[test]
    fn only_what_is_the_mails_own_fault_is_permanent() {
        use FaultKind::{Blocked, Permanent, Throttled, Transient};
        let unverified =
            "Email address is not verified. The following identities failed the check in region US-EAST-1: ";
        for (code, message, expected) in [
            ("TooManyRequestsException", "Maximum sending rate exceeded.", Throttled),
            ("ThrottlingException", "Maximum sending rate exceeded.", Throttled),
            ("ThrottlingException", "Daily message quota exceeded.", Blocked),
            ("LimitExceededException", "Daily sending quota exceeded.", Blocked),
            ("SendingPausedException", "", Blocked),
            ("AccountSuspendedException", "", Blocked),
            ("AccessDeniedException", "not authorized to perform ses:SendEmail", Blocked),
            ("NotFoundException", "Configuration set <a> does not exist.", Blocked),
            ("NotFoundException", "Template a does not exist", Permanent),
            ("BadRequestException", "Illegal address", Permanent),
            ("MessageRejected", "Email content", Permanent),
            ("MessageRejected", &format!("{unverified}someone@else.example"), Permanent),
            ("MessageRejected", &format!("{unverified}no-reply@example.org, someone@else.example"), Blocked),
            ("MessageRejected", &format!("{unverified}Notices <no-reply@example.org>"), Blocked),
            ("MessageRejected", &format!("{unverified}another@example.org"), Permanent),
            ("InternalFailure", "", Transient),
            ("SomethingNew", "", Transient),
        ] {
            assert_eq!(kind(code, message), expected, "{code}: {message}");
        }
    }

    #[test]
    fn what_is_kept_of_an_error_has_no_address() {
        let text = without_addresses("not verified: a@b.example, <c.d@e.example>; x@y.\nEnd");
        assert_eq!(text, "not verified: (address), <(address)>; (address).End");
        assert_eq!(without_addresses(&"é".repeat(2000)).chars().count(), LONGEST_MESSAGE);
    }
}
