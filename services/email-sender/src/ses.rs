//! The mail service of Amazon SES.

use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sesv2::types::{Body, Content as Text, Destination, EmailContent, Message, Template};
use service_runtime::failure::detail;

use crate::mailer::{Content, Fault, FaultKind, Mail, Mailer};
use crate::sender::Sender;
use crate::verdict::verdict;

/// The characters of an error message that a message attribute keeps.
const LONGEST_MESSAGE: usize = 512;
const UTF_8: &str = "UTF-8";

/// SES, with what all mails have in common.
#[derive(Debug)]
pub(crate) struct SesMailer {
    pub(crate) client: Client,
    pub(crate) sender: Sender,
    pub(crate) template: Option<String>,
    pub(crate) configuration_set: Option<String>,
}

impl Mailer for SesMailer {
    async fn send(&self, mail: &Mail) -> Result<(), Fault> {
        let content = self.content(mail)?;
        let destination = Destination::builder().to_addresses(&mail.to).build();
        let call = self.client.send_email().from_email_address(self.sender.as_str()).destination(destination);
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
        let transient = |code: &str| (FaultKind::Transient, code.to_owned(), detail(error));
        let (kind, code, message) = match error {
            SdkError::ServiceError(error) => {
                let code = error.err().code().unwrap_or("Unknown");
                let message = error.err().message().unwrap_or("no reason given");
                (verdict(&self.sender, code, message), code.to_owned(), without_addresses(message))
            }
            SdkError::TimeoutError(_) => transient("Timeout"),
            SdkError::DispatchFailure(_) => transient("Unreachable"),
            SdkError::ResponseError(_) => transient("InvalidAnswer"),
            _ => transient("Unknown"),
        };
        Fault { kind, code, message }
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

    #[test]
    fn what_is_kept_of_an_error_has_no_address() {
        let text = without_addresses("not verified: a@b.example, <c.d@e.example>; x@y.\nEnd");
        assert_eq!(text, "not verified: (address), <(address)>; (address).End");
        assert_eq!(without_addresses(&"é".repeat(2000)).chars().count(), LONGEST_MESSAGE);
    }
}
