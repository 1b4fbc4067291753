//! Whose matter SES's errors are.

use crate::mailer::FaultKind;
use crate::sender::Sender;

/// Errors that are about the account or its credentials, and so about every mail.
/// See <https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html> and
/// <https://docs.aws.amazon.com/ses/latest/APIReference-V2/CommonErrors.html>.
const BLOCKING: &[&str] = &[
    "AccountSuspendedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MailFromDomainNotVerifiedException",
    "MissingAuthenticationToken",
    "OptInRequired",
    "SendingPausedException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];
const DENYING: &[&str] = &["AccessDenied", "AccessDeniedException", "NotAuthorized"];
const THROTTLING: &[&str] =
    &["LimitExceededException", "Throttling", "ThrottlingException", "TooManyRequestsException"];

/// Tells whose matter it is that SES answered with `code` and `message` to a mail of `sender`.
pub(crate) fn verdict(sender: &Sender, code: &str, message: &str) -> FaultKind {
    let said = message.to_lowercase();
    let is_missing = |what: &str| said.contains(what) && (said.contains("not exist") || said.contains("not found"));
    match code {
        // The day's quota is not mended by sending more slowly.
        code if THROTTLING.contains(&code) && said.contains("daily") => FaultKind::Blocked,
        code if THROTTLING.contains(&code) => FaultKind::Throttled,
        code if BLOCKING.contains(&code) => FaultKind::Blocked,
        code if DENYING.contains(&code) => of_denial(sender, &said),
        // The configuration set is every mail's, the template is not; either may be about to be made.
        "NotFoundException" | "BadRequestException" if is_missing("configuration set") => FaultKind::Blocked,
        "NotFoundException" => FaultKind::Transient,
        "BadRequestException" if is_missing("template") => FaultKind::Transient,
        "BadRequestException" | "MessageRejected" if is_unverified(sender, &said) => FaultKind::Blocked,
        "BadRequestException" | "MessageRejected" => FaultKind::Permanent,
        _ => FaultKind::Transient,
    }
}

/// A denial names what was asked for: in SES's sandbox the recipient's identity as well as the sender's, and the template.
fn of_denial(sender: &Sender, said: &str) -> FaultKind {
    let resource = said.split_whitespace().find_map(resource);
    match resource.and_then(|resource| resource.split_once('/')) {
        Some(("template", _)) => FaultKind::Transient,
        Some(("identity", identity)) if !sender.is_of(identity) => FaultKind::Transient,
        _ => FaultKind::Denied,
    }
}

/// Returns what an ARN of SES names.
fn resource(word: &str) -> Option<&str> {
    let word = word.trim_matches(|c: char| "`'\"(),.:".contains(c));
    match word.splitn(6, ':').collect::<Vec<_>>()[..] {
        ["arn", _, "ses", _, _, resource] => Some(resource),
        _ => None,
    }
}

/// Tells whether SES says that it is the sender who is not verified. In the sandbox it may be the recipient.
fn is_unverified(sender: &Sender, said: &str) -> bool {
    let mut words = said.split(|c: char| c.is_whitespace() || "<>()[],;:".contains(c));
    said.contains("not verified") && words.any(|word| sender.is_of(word.trim_matches(|c| "`'\".".contains(c))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use FaultKind::{Blocked, Denied, Permanent, Throttled, Transient};

    fn of(code: &str, message: &str) -> FaultKind {
        verdict(&Sender::parse("Notices <No-Reply@example.org>").unwrap(), code, message)
    }

    #[test]
    fn only_what_is_the_mails_own_fault_is_permanent() {
        let unverified =
            "Email address is not verified. The following identities failed the check in region US-EAST-1: ";
        for (code, message, expected) in [
            ("TooManyRequestsException", "Maximum sending rate exceeded.", Throttled),
            ("ThrottlingException", "Maximum sending rate exceeded.", Throttled),
            ("ThrottlingException", "Daily message quota exceeded.", Blocked),
            ("LimitExceededException", "Daily sending quota exceeded.", Blocked),
            ("SendingPausedException", "", Blocked),
            ("AccountSuspendedException", "", Blocked),
            ("BadRequestException", "Illegal address", Permanent),
            ("MessageRejected", "Email content", Permanent),
            ("MessageRejected", &format!("{unverified}someone@else.example"), Permanent),
            ("MessageRejected", &format!("{unverified}no-reply@example.org, someone@else.example"), Blocked),
            ("MessageRejected", &format!("{unverified}Notices <no-reply@example.org>"), Blocked),
            ("MessageRejected", &format!("{unverified}another@example.org"), Permanent),
            ("BadRequestException", &format!("{unverified}no-reply@example.org"), Blocked),
            ("BadRequestException", &format!("{unverified}someone@else.example"), Permanent),
            ("InternalFailure", "", Transient),
            ("SomethingNew", "", Transient),
        ] {
            assert_eq!(of(code, message), expected, "{code}: {message}");
        }
    }

    #[test]
    fn what_does_not_exist_may_be_about_to_be_made() {
        for (code, message, expected) in [
            ("NotFoundException", "Configuration set <a> does not exist.", Blocked),
            ("BadRequestException", "Configuration set <a> does not exist.", Blocked),
            ("NotFoundException", "Template a does not exist", Transient),
            ("BadRequestException", "Template a does not exist", Transient),
            ("TemplateDoesNotExist", "Template a does not exist", Transient),
        ] {
            assert_eq!(of(code, message), expected, "{code}: {message}");
        }
    }

    #[test]
    fn a_denial_of_what_others_do_not_need_stops_nobody_else() {
        let role = "User `arn:aws:sts::123456789012:assumed-role/sender/task' is not authorized to perform";
        let on = |resource: &str| {
            format!("{role} `ses:SendEmail' on resource `arn:aws:ses:us-east-1:123456789012:{resource}'")
        };
        for (message, expected) in [
            (on("identity/someone@else.example"), Transient),
            (on("identity/else.example"), Transient),
            (on("identity/another@example.org"), Transient),
            (on("template/greeting"), Transient),
            (on("identity/No-Reply@example.org"), Denied),
            (on("identity/example.org"), Denied),
            (on("configuration-set/main"), Denied),
            (
                format!("{role}: ses:SendEmail on resource: arn:aws:ses:us-east-1:1:identity/else.example because"),
                Transient,
            ),
            (format!("{role} `ses:SendEmail'"), Denied),
        ] {
            assert_eq!(of("AccessDeniedException", &message), expected, "{message}");
        }
    }
}
