//! What a worker needs of a queue, apart from which queue it is.

use std::collections::HashMap;
use std::future::Future;
use std::time::{Duration, SystemTime};

use aws_sdk_sqs::types::MessageAttributeValue;

/// Entries that SQS takes in one batch, and messages that it hands out at once.
/// See <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>.
pub(crate) const BATCH: usize = 10;

/// What a received message is deleted, hidden and given back by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Receipt {
    /// SQS's id of the message, the same at each receive.
    pub(crate) message_id: String,
    /// The handle of this one receive.
    pub(crate) handle: String,
}

/// A message as received.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) receipt: Receipt,
    pub(crate) body: String,
    pub(crate) attributes: HashMap<String, MessageAttributeValue>,
    /// How often it was received, this time included.
    pub(crate) receive_count: u32,
    /// When it was queued.
    pub(crate) sent_at: Option<SystemTime>,
    /// Of a FIFO queue.
    pub(crate) group_id: Option<String>,
}

/// What the queue itself says about its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct QueueFacts {
    /// How long a received message is hidden.
    pub(crate) visibility_timeout: Duration,
    /// After how many receives the queue sets a message aside by itself, without a reason.
    pub(crate) max_receives: Option<u32>,
    /// The bytes that a message may have, with its attributes.
    pub(crate) max_message_bytes: usize,
}

/// An entry of a batch that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) receipt: Receipt,
    pub(crate) code: String,
    /// Whether the same entry would be refused again.
    pub(crate) is_final: bool,
}

/// Why a call to the queue failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(crate) struct QueueError(
    /// Nothing of what was sent.
    pub(crate) String,
);

/// Why a message was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reason {
    /// The error's code, as SES or this service names it.
    pub(crate) code: String,
    /// What happened, without addresses.
    pub(crate) message: String,
    pub(crate) failed_at: SystemTime,
}

/// A queue, with the queue for messages that cannot be worked.
pub(crate) trait Queue: Send + Sync + 'static {
    /// Tells what the queue says about its messages.
    fn facts(&self) -> impl Future<Output = Result<QueueFacts, QueueError>> + Send;

    /// Waits for messages, at most [`BATCH`], and hides those handed out for `hidden_for`, whatever the queue says.
    fn receive(
        &self,
        most: usize,
        hidden_for: Duration,
    ) -> impl Future<Output = Result<Vec<Message>, QueueError>> + Send;

    /// Deletes at most [`BATCH`] messages and returns those that were refused.
    fn delete(&self, receipts: &[Receipt]) -> impl Future<Output = Result<Vec<Refusal>, QueueError>> + Send;

    /// Hides at most [`BATCH`] messages for `timeout` from now and returns those that were refused.
    fn hide(
        &self,
        receipts: &[Receipt],
        timeout: Duration,
    ) -> impl Future<Output = Result<Vec<Refusal>, QueueError>> + Send;

    /// Copies a message to the dead-letter queue, with as much of the reason as fits into `max_bytes`.
    fn set_aside(
        &self,
        message: &Message,
        reason: &Reason,
        max_bytes: usize,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;
}
