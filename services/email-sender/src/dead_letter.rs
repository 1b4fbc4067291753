//! The attributes of a message that is set aside: why, beside its own, within SQS's limits.

use std::collections::HashMap;

use aws_sdk_sqs::error::BuildError;
use aws_sdk_sqs::primitives::{DateTime, DateTimeFormat};
use aws_sdk_sqs::types::MessageAttributeValue;

use crate::queue::{Message, Reason};

/// Attributes that a message has at most.
/// See <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html>.
const MOST_ATTRIBUTES: usize = 10;
const STRING: &str = "String";
const ERROR_MESSAGE: &str = "ErrorMessage";
/// What is said of the reason; of these, a message that is set aside again keeps none.
const TOLD: [&str; 5] = ["ErrorCode", ERROR_MESSAGE, "FailedAt", "SourceMessageId", "ReceiveCount"];

/// Attributes that fit into what is left of a message.
struct Fitting {
    attributes: HashMap<String, MessageAttributeValue>,
    /// Bytes that are left. SQS counts names, types and values with the body.
    room: usize,
}

impl Fitting {
    fn add(&mut self, name: &str, value: MessageAttributeValue) {
        let text = value.string_value().map_or(0, str::len);
        let binary = value.binary_value().map_or(0, |blob| blob.as_ref().len());
        let bytes = name.len() + value.data_type().len() + text + binary;
        if bytes <= self.room {
            self.room -= bytes;
            self.attributes.insert(name.to_owned(), value);
        }
    }

    fn add_text(&mut self, name: &str, kind: &str, text: &str) -> Result<(), BuildError> {
        // SQS refuses an empty value.
        if !text.is_empty() {
            self.add(name, MessageAttributeValue::builder().data_type(kind).string_value(text).build()?);
        }
        Ok(())
    }
}

/// Returns the message's attributes with those that say why it was set aside, which come first; with the body they have at
/// most `max_bytes`. What the error said is cut to what is left of these; what else does not fit is left out.
pub(crate) fn attributes(
    message: &Message,
    reason: &Reason,
    max_bytes: usize,
) -> Result<HashMap<String, MessageAttributeValue>, BuildError> {
    let mut fitting = Fitting { attributes: HashMap::new(), room: max_bytes.saturating_sub(message.body.len()) };
    // A failed_at beyond what RFC 3339 can write is beyond this program's life.
    let failed_at = DateTime::from(reason.failed_at).fmt(DateTimeFormat::DateTime).unwrap_or_default();
    fitting.add_text("ErrorCode", STRING, &reason.code)?;
    fitting.add_text("FailedAt", STRING, &failed_at)?;
    fitting.add_text("SourceMessageId", STRING, &message.receipt.message_id)?;
    fitting.add_text("ReceiveCount", "Number", &message.receive_count.to_string())?;

    let places = MOST_ATTRIBUTES - fitting.attributes.len() - usize::from(!reason.message.is_empty());
    let is_older = |name: &str| TOLD.contains(&name);
    for (name, value) in message.attributes.iter().filter(|(name, _)| !is_older(name)).take(places) {
        fitting.add(name, value.clone());
    }
    let room = fitting.room.saturating_sub(ERROR_MESSAGE.len() + STRING.len());
    let cut = &reason.message[..reason.message.floor_char_boundary(room)];
    fitting.add_text(ERROR_MESSAGE, STRING, cut)?;
    Ok(fitting.attributes)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::queue::Receipt;

    const MIB: usize = 1_048_576;

    fn text(text: &str) -> MessageAttributeValue {
        MessageAttributeValue::builder().data_type(STRING).string_value(text).build().unwrap()
    }

    fn message(body: String, own: impl IntoIterator<Item = (String, MessageAttributeValue)>) -> Message {
        Message {
            receipt: Receipt { message_id: "m".into(), handle: "h".into() },
            body,
            attributes: own.into_iter().collect(),
            receive_count: 3,
            sent_at: None,
            group_id: None,
        }
    }

    fn reason(message: &str) -> Reason {
        Reason { code: "MessageRejected".into(), message: message.into(), failed_at: SystemTime::UNIX_EPOCH }
    }

    #[test]
    fn the_reason_stands_beside_the_attributes_kept_and_within_ten() {
        let own = [("Trace".to_owned(), text("t")), ("ErrorCode".to_owned(), text("older"))];
        let attributes = attributes(&message(String::new(), own), &reason(""), MIB).unwrap();
        let told = |name: &str| attributes.get(name).and_then(MessageAttributeValue::string_value);
        assert_eq!(told("ErrorCode"), Some("MessageRejected"));
        assert_eq!(told("ErrorMessage"), None, "SQS refuses empty values");
        assert_eq!(told("FailedAt"), Some("1970-01-01T00:00:00Z"));
        assert_eq!((told("SourceMessageId"), told("ReceiveCount"), told("Trace")), (Some("m"), Some("3"), Some("t")));
    }

    #[test]
    fn of_many_attributes_of_its_own_some_are_left_out() {
        let message = message(String::new(), (0..10).map(|number| (format!("own{number}"), text("x"))));
        for why in ["", "no"] {
            let attributes = attributes(&message, &reason(why), MIB).unwrap();
            assert_eq!(attributes.len(), MOST_ATTRIBUTES);
            assert_eq!(attributes.contains_key(ERROR_MESSAGE), !why.is_empty());
        }
    }

    #[test]
    fn the_error_is_cut_where_the_message_is_near_the_limit() {
        let said = "é".repeat(512);
        let of = |left: usize| {
            let message = message("b".repeat(MIB - left), [("Trace".to_owned(), text("t"))]);
            let attributes = attributes(&message, &reason(&said), MIB).unwrap();
            let bytes = |(name, value): (&String, &MessageAttributeValue)| {
                name.len() + value.data_type().len() + value.string_value().unwrap_or_default().len()
            };
            let all: usize = attributes.iter().map(bytes).sum();
            assert!(all <= left, "{all} bytes of {left}");
            attributes
        };
        assert_eq!(of(2000)[ERROR_MESSAGE].string_value(), Some(said.as_str()));
        let cut = of(500);
        let kept = cut[ERROR_MESSAGE].string_value().unwrap();
        assert!(said.starts_with(kept) && kept.len() > 100, "{kept}");
        assert!(cut.contains_key("Trace") && cut.contains_key("ErrorCode"));
        assert!(of(100).contains_key("ErrorCode"));
        assert!(of(0).is_empty());
    }
}
