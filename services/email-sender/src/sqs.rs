//! The queue of Amazon SQS.

use std::time::{Duration, SystemTime};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Config;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
    MessageSystemAttributeName, QueueAttributeName,
};
use service_runtime::failure::detail;

use crate::dead_letter::attributes;
use crate::queue::{Message, Queue, QueueError, QueueFacts, Reason, Receipt, Refusal};

/// What a receive may take beside its wait.
const RECEIVE_MARGIN: Duration = Duration::from_secs(10);
/// SQS's own visibility timeout and that of a queue that does not say.
const DEFAULT_VISIBILITY_TIMEOUT: u64 = 30;
/// The most bytes of a message, and the bytes of one where the queue does not say.
/// See <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>.
const MOST_MESSAGE_BYTES: usize = 1_048_576;
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
        let asked = asked.attribute_names(QueueAttributeName::MaximumMessageSize);
        let answer = asked.attribute_names(QueueAttributeName::RedrivePolicy).send().await.map_err(failed)?;
        let told = |name| answer.attributes().and_then(|told| told.get(&name)).map(String::as_str);
        Ok(QueueFacts {
            visibility_timeout: visibility_timeout(told(QueueAttributeName::VisibilityTimeout)),
            max_receives: told(QueueAttributeName::RedrivePolicy).and_then(max_receives),
            max_message_bytes: told(QueueAttributeName::MaximumMessageSize)
                .and_then(|text| text.parse().ok())
                .unwrap_or(MOST_MESSAGE_BYTES),
        })
    }

    async fn receive(&self, most: usize, hidden_for: Duration) -> Result<Vec<Message>, QueueError> {
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
            .wait_time_seconds(seconds(self.wait))
            .visibility_timeout(seconds(hidden_for));
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

    async fn set_aside(&self, message: &Message, reason: &Reason, max_bytes: usize) -> Result<(), QueueError> {
        let attributes = attributes(message, reason, max_bytes).map_err(unbuilt)?;
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
    QueueError(detail(&error))
}

fn unbuilt(error: BuildError) -> QueueError {
    QueueError(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};

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

    /// Answers one request with `answer`, and returns where.
    fn answering(answer: &'static str) -> String {
        use std::io::{Read, Write};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _read = stream.read(&mut [0; 65_536]).unwrap();
            let head = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/x-amz-json-1.0\r\nConnection: close";
            write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{answer}", answer.len()).unwrap();
        });
        url
    }

    #[tokio::test]
    async fn what_is_said_of_an_error_holds_nothing_of_the_message() {
        let refused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let quoting =
            r#"{"__type":"com.amazonaws.sqs#InvalidMessageContents","message":"not allowed: to ada@example.org"}"#;
        for (endpoint, expected) in
            [(answering(quoting), "InvalidMessageContents"), (format!("http://{refused}"), "it can't be reached: ")]
        {
            let config = Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new("us-east-1"))
                .credentials_provider(Credentials::new("test", "test", None, None, "test"))
                .retry_config(RetryConfig::disabled())
                .endpoint_url(&endpoint);
            let queue = SqsQueue::new(Client::from_conf(config.build()), "q".into(), "dead".into(), Duration::ZERO);
            let message = Message {
                receipt: Receipt { message_id: "m".into(), handle: "h".into() },
                body: "to ada@example.org".into(),
                attributes: HashMap::new(),
                receive_count: 1,
                sent_at: None,
                group_id: None,
            };
            let reason = Reason { code: "c".into(), message: "m".into(), failed_at: SystemTime::UNIX_EPOCH };
            let said = queue.set_aside(&message, &reason, 1024).await.unwrap_err().to_string();
            assert!(said.starts_with(expected) && !said.contains("example.org"), "{said}");
        }
    }
}
