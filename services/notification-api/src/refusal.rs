//! Whose fault it is that SQS did not take a message, which decides what its caller is told.

use aws_sdk_sqs::types::BatchResultErrorEntry;

/// Why a message was not confirmed. It may be in the queue nevertheless, when an answer was lost.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("SQS did not take the message: {reason}")]
pub struct NotTaken {
    /// SQS's code, or what went wrong. Not SQS's message, which may quote what was sent.
    pub reason: String,
    /// Whose fault it is.
    pub fault: Fault,
}

/// Whose fault it is that a message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The queue's, or that of the way to it: it may take the same message later.
    Queue,
    /// The message is larger than the queue takes.
    Size,
    /// The message has characters that SQS does not take.
    Characters,
    /// This service's: what it sent can't be right.
    Service,
}

impl NotTaken {
    /// Says what became of an entry that was refused in an answer.
    #[must_use]
    pub fn of_entry(entry: &BatchResultErrorEntry) -> Self {
        let code = entry.code();
        let fault = match Fault::of_message(Some(code), entry.message()) {
            // What the queue may do and how fast is no matter of the message, and passes when somebody mends it.
            Fault::Queue if entry.sender_fault() && !is_of_queue(code) => Fault::Service,
            fault => fault,
        };
        Self { reason: code.to_owned(), fault }
    }
}

impl Fault {
    /// Tells what SQS says to be wrong with one message, if it is the message.
    ///
    /// Codes as in <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>. A message beyond the
    /// queue's `MaximumMessageSize` is an `InvalidParameterValue` that only the text tells from others.
    #[must_use]
    pub fn of_message(code: Option<&str>, message: Option<&str>) -> Self {
        let code = code.map_or("", |code| code.rsplit('.').next().unwrap_or(code)).trim_end_matches("Exception");
        match code {
            "InvalidMessageContents" => Self::Characters,
            "BatchRequestTooLong" | "MessageTooLong" => Self::Size,
            "InvalidParameterValue" if message.is_some_and(|text| text.contains("must be shorter than")) => Self::Size,
            _ => Self::Queue,
        }
    }
}

fn is_of_queue(code: &str) -> bool {
    ["KMS", "Kms", "AccessDenied", "Throttl", "OverLimit", "NonExistentQueue"].iter().any(|part| code.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_entry(code: &str, message: &str, sender_fault: bool) -> Fault {
        let entry = BatchResultErrorEntry::builder().id("0").code(code).message(message).sender_fault(sender_fault);
        NotTaken::of_entry(&entry.build().unwrap()).fault
    }

    #[test]
    fn what_is_the_messages_own_fault_is_told_from_what_passes() {
        let too_long = "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes.";
        for (code, message, sender_fault, expected) in [
            ("InvalidMessageContents", "Invalid characters found", true, Fault::Characters),
            ("InvalidParameterValue", too_long, true, Fault::Size),
            ("AWS.SimpleQueueService.BatchRequestTooLong", "", true, Fault::Size),
            ("InvalidParameterValue", "The group id is invalid", true, Fault::Service),
            ("MissingParameter", "", true, Fault::Service),
            ("KMS.DisabledException", "", true, Fault::Queue),
            ("ThrottlingException", "", true, Fault::Queue),
            ("InternalError", "", false, Fault::Queue),
        ] {
            assert_eq!(of_entry(code, message, sender_fault), expected, "{code}: {message}");
        }
    }
}
