//! Everything that the API measures.

use service_runtime::Metric;

/// Requests to `/send-notification`, whatever became of them.
pub const REQUESTS: Metric = Metric::Count("Requests");
/// Requests to `/send-notification` that were answered with a 5xx status.
pub const ERRORS: Metric = Metric::Count("Errors");
/// Requests to `/send-notification` that were answered with a 4xx status.
pub const REJECTED: Metric = Metric::Count("Rejected");
/// How long requests to `/send-notification` took, to the first byte of the answer.
pub const LATENCY: Metric = Metric::Time("Latency");
/// Notifications that SQS confirmed.
pub const QUEUED: Metric = Metric::Count("Queued");
/// Notifications that were not confirmed while their caller waited: every 500 and 503 for queueing, and callers that went.
pub const NOT_QUEUED: Metric = Metric::Count("NotQueued");
/// Notifications in a call to SQS.
pub const BATCH_SIZE: Metric = Metric::Size("BatchSize");
/// How long calls to SQS took, with their repetitions.
pub const QUEUE_LATENCY: Metric = Metric::Time("QueueLatency");

/// All of them.
pub const ALL: [Metric; 8] = [REQUESTS, ERRORS, REJECTED, LATENCY, QUEUED, NOT_QUEUED, BATCH_SIZE, QUEUE_LATENCY];
