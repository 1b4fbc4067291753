//! The queue of Amazon SQS.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Config;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::primitives::{DateTime, DateTimeFormat};
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
    MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName,
};

use crate::queue::{Message, Queue, QueueError, QueueFacts, Reason, Receipt, Refusal};

/// What a receive may take beside its wait.
const RECEIVE_MARGIN: Duration = Duration::from_secs(10);
/// Attributes that a message has at most.
/// See <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html>.
const MOST_ATTRIBUTES: usize = 10;
/// SQS's own visibility timeout and that of a queue that does not say.
const DEFAULT_VISIBILITY_TIMEOUT: u64 = 30;
/// What the name of every FIFO queue ends with.
const FIFO_SUFFIX: &str = ".fifo";

/// A queue of SQS and its dead-letter queue.
#[derive(Debug)]
pub(crate) struct SqsQueue {
    client: Client,
    url: String,
    dead_letter_url: String,
    wait: Duration,
}

impl SqsQueue {
    /// Makes a queue whose receives wait up to `wait` for messages.
    pub(crate) fn new(client: Client, url: String, dead_letter_url: String, wait: Duration) -> Self {
        Self { client, url, dead_letter_url, wait }
    }

    /// Returns the longest that a receive takes that waits for `wait`.
    pub(crate) fn longest_receive(wait: Duration) -> Duration {
        wait + RECEIVE_MARGIN
    }
}

impl Queue for SqsQueue {
    async fn facts(&self) -> Result<QueueFacts, QueueError> {
        let asked = self.client.get_queue_attributes().queue_url(&self.url);
        let asked = asked.attribute_names(QueueAttributeName::VisibilityTimeout);
        let answer = asked.attribute_names(QueueAttributeName::RedrivePolicy).send().await.map_err(failed)?;
        let told = |name| answer.attributes().and_then(|told| told.get(&name)).map(String::as_str);
        Ok(QueueFacts {
            visibility_timeout: visibility_timeout(told(QueueAttributeName::VisibilityTimeout)),
            max_receives: told(QueueAttributeName::RedrivePolicy).and_then(max_receives),
        })
    }

    async fn receive(&self, most: usize) -> Result<Vec<Message>, QueueError> {
        // Tried once: the worker's own loop tries again, and meanwhile tells that it lives.
        let longest = Self::longest_receive(self.wait);
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(longest).operation_timeout(longest).build();
        let once = Config::builder().timeout_config(timeouts).retry_config(RetryConfig::disabled());
        let asked = self.client.receive_message().queue_url(&self.url).message_attribute_names("All");
        let asked = asked
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .message_system_attribute_names(MessageSystemAttributeName::MessageGroupId)
            .max_number_of_messages(i32::try_from(most).unwrap_or(i32::MAX))
            .wait_time_seconds(seconds(self.wait));
        let answer = asked.customize().config_override(once).send().await.map_err(failed)?;
        Ok(answer.messages.unwrap_or_default().into_iter().filter_map(received).collect())
    }

    async fn delete(&self, receipts: &[Receipt]) -> Result<Vec<Refusal>, QueueError> {
        let entries = receipts.iter().enumerate().map(|(position, receipt)| {
            let entry = DeleteMessageBatchRequestEntry::builder().id(position.to_string());
            entry.receipt_handle(&receipt.handle).build()
        });
        let entries = entries.collect::<Result<Vec<_>, _>>().map_err(unbuilt)?;
        let call = self.client.delete_message_batch().queue_url(&self.url).set_entries(Some(entries));
        Ok(refusals(receipts, call.send().await.map_err(failed)?.failed()))
    }

    async fn hide(&self, receipts: &[Receipt], timeout: Duration) -> Result<Vec<Refusal>, QueueError> {
        let entries = receipts.iter().enumerate().map(|(position, receipt)| {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(position.to_string());
            entry.receipt_handle(&receipt.handle).visibility_timeout(seconds(timeout)).build()
        });
        let entries = entries.collect::<Result<Vec<_>, _>>().map_err(unbuilt)?;
        let call = self.client.change_message_visibility_batch().queue_url(&self.url).set_entries(Some(entries));
        Ok(refusals(receipts, call.send().await.map_err(failed)?.failed()))
    }

    async fn set_aside(&self, message: &Message, reason: &Reason) -> Result<(), QueueError> {
        let attributes = with_reason(message, reason).map_err(unbuilt)?;
        let mut call = self.client.send_message().queue_url(&self.dead_letter_url);
        if is_fifo(&self.dead_letter_url) {
            let message_id = &message.receipt.message_id;
            let group = message.group_id.as_ref().unwrap_or(message_id);
            call = call.message_group_id(group).message_deduplication_id(message_id);
        }
        let call = call.message_body(&message.body).set_message_attributes(Some(attributes));
        call.send().await.map(|_| ()).map_err(failed)
    }
}

/// Tells whether a queue is a FIFO queue.
pub(crate) fn is_fifo(url: &str) -> bool {
    url.ends_with(FIFO_SUFFIX)
}

/// A visibility timeout of nothing would have everything hidden again all the time.
fn visibility_timeout(told: Option<&str>) -> Duration {
    let told = told.and_then(|text| text.parse().ok()).unwrap_or(DEFAULT_VISIBILITY_TIMEOUT);
    Duration::from_secs(told.max(3))
}

/// Reads a redrive policy, whose count may be written as a number or a text.
fn max_receives(policy: &str) -> Option<u32> {
    let policy: serde_json::Value = serde_json::from_str(policy).ok()?;
    let count = &policy["maxReceiveCount"];
    let number = count.as_u64().or_else(|| count.as_str()?.parse().ok())?;
    u32::try_from(number).ok()
}

fn received(message: aws_sdk_sqs::types::Message) -> Option<Message> {
    let told = |name| message.attributes.as_ref().and_then(|told| told.get(&name));
    let receive_count = told(MessageSystemAttributeName::ApproximateReceiveCount).and_then(|text| text.parse().ok());
    let sent_at = told(MessageSystemAttributeName::SentTimestamp).and_then(|text| text.parse().ok());
    let group_id = told(MessageSystemAttributeName::MessageGroupId).cloned();
    Some(Message {
        receipt: Receipt { message_id: message.message_id?, handle: message.receipt_handle? },
        body: message.body.unwrap_or_default(),
        attributes: message.message_attributes.unwrap_or_default(),
        receive_count: receive_count.unwrap_or(1),
        sent_at: sent_at.map(|milliseconds| SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds)),
        group_id,
    })
}

/// Returns the message's attributes with those that say why it was set aside. SQS takes ten: these come first.
fn with_reason(message: &Message, reason: &Reason) -> Result<HashMap<String, MessageAttributeValue>, BuildError> {
    // A failed_at beyond what RFC 3339 can write is beyond this program's life.
    let failed_at = DateTime::from(reason.failed_at).fmt(DateTimeFormat::DateTime).unwrap_or_default();
    let told = [
        ("ErrorCode", "String", reason.code.clone()),
        ("ErrorMessage", "String", reason.message.clone()),
        ("FailedAt", "String", failed_at),
        ("SourceMessageId", "String", message.receipt.message_id.clone()),
        ("ReceiveCount", "Number", message.receive_count.to_string()),
    ];
    let mut attributes = HashMap::new();
    for (name, kind, text) in told {
        // SQS refuses an empty value.
        if !text.is_empty() {
            let value = MessageAttributeValue::builder().data_type(kind).string_value(text).build()?;
            attributes.insert(name.to_owned(), value);
        }
    }
    for (name, value) in &message.attributes {
        if attributes.len() < MOST_ATTRIBUTES && !attributes.contains_key(name) {
            attributes.insert(name.clone(), value.clone());
        }
    }
    Ok(attributes)
}

fn refusals(receipts: &[Receipt], failed: &[BatchResultErrorEntry]) -> Vec<Refusal> {
    let refusal = |entry: &BatchResultErrorEntry| {
        let receipt = receipts.get(entry.id().parse::<usize>().ok()?)?.clone();
        Some(Refusal { receipt, code: entry.code().to_owned(), is_final: entry.sender_fault() })
    };
    failed.iter().filter_map(refusal).collect()
}

/// SQS takes whole seconds. A wait that is cut short is tried in vain.
fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis().div_ceil(1000)).unwrap_or(i32::MAX)
}

fn failed<E: ProvideErrorMetadata, R>(error: SdkError<E, R>) -> QueueError {
    let (code, message) = match &error {
        SdkError::ServiceError(error) => (error.err().code(), error.err().message()),
        SdkError::TimeoutError(_) => (Some("Timeout"), Some("SQS did not answer in time")),
        SdkError::DispatchFailure(_) => (Some("Unreachable"), Some("SQS can't be reached")),
        _ => (None, None),
    };
    QueueError { code: code.unwrap_or("Unknown").to_owned(), message: message.unwrap_or("no reason given").to_owned() }
}

fn unbuilt(error: BuildError) -> QueueError {
    QueueError { code: "InvalidRequest".into(), message: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_queue_says_is_read_in_either_form() {
        assert_eq!(max_receives(r#"{"deadLetterTargetArn":"a","maxReceiveCount":5}"#), Some(5));
        assert_eq!(max_receives(r#"{"deadLetterTargetArn":"a","maxReceiveCount":"20"}"#), Some(20));
        assert_eq!(max_receives("nonsense"), None);
        assert_eq!(visibility_timeout(Some("60")).as_secs(), 60);
        assert_eq!(visibility_timeout(Some("0")).as_secs(), 3);
        assert_eq!(visibility_timeout(None).as_secs(), 30);
    }

    #[test]
    fn waits_are_rounded_up_to_seconds() {
        let of = |milliseconds| seconds(Duration::from_millis(milliseconds));
        assert_eq!([of(0), of(1), of(1000), of(1001)], [0, 1, 1, 2]);
    }

    #[test]
    fn the_reason_stands_beside_the_attributes_kept_and_within_ten() {
        let text =
            |text: &str| MessageAttributeValue::builder().data_type("String").string_value(text).build().unwrap();
        let mut message = Message {
            receipt: Receipt { message_id: "m".into(), handle: "h".into() },
            body: String::new(),
            attributes: HashMap::from([("Trace".to_owned(), text("t")), ("ErrorCode".to_owned(), text("older"))]),
            receive_count: 3,
            sent_at: None,
            group_id: None,
        };
        let reason =
            Reason { code: "MessageRejected".into(), message: String::new(), failed_at: SystemTime::UNIX_EPOCH };
        let attributes = with_reason(&message, &reason).unwrap();
        let told = |name: &str| attributes.get(name).and_then(MessageAttributeValue::string_value);
        assert_eq!(told("ErrorCode"), Some("MessageRejected"));
        assert_eq!(told("ErrorMessage"), None, "SQS refuses empty values");
        assert_eq!(told("FailedAt"), Some("1970-01-01T00:00:00Z"));
        assert_eq!((told("SourceMessageId"), told("ReceiveCount"), told("Trace")), (Some("m"), Some("3"), Some("t")));
        message.attributes = (0..10).map(|number| (format!("own{number}"), text("x"))).collect();
        assert_eq!(with_reason(&message, &reason).unwrap().len(), MOST_ATTRIBUTES);
    }
}
