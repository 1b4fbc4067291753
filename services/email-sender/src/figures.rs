//! What is measured of each message.

use std::time::Duration;

use service_runtime::{Metric, Metrics};

const PROCESSING_TIME: Metric = Metric::Time("ProcessingTime");
const AGE: Metric = Metric::Time("Age");
const SENT: Metric = Metric::Count("Sent");
const DEDUPLICATED: Metric = Metric::Count("Deduplicated");
const FAILED: Metric = Metric::Count("Failed");
const RETRIED: Metric = Metric::Count("Retried");
const GIVEN_BACK: Metric = Metric::Count("GivenBack");
const THROTTLED: Metric = Metric::Count("Throttled");

/// Everything that the sender measures.
pub(crate) const METRICS: &[Metric] =
    &[PROCESSING_TIME, AGE, SENT, DEDUPLICATED, FAILED, RETRIED, GIVEN_BACK, THROTTLED];

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Sent,
    /// It was sent before.
    Duplicate,
    /// It is in the dead-letter queue.
    Failed,
    /// It will be received again, after a while.
    Retried,
    /// It will be received again at once, by another worker.
    GivenBack,
}

/// One message's figures.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) outcome: Outcome,
    /// From the receive to the outcome.
    pub(crate) processing: Duration,
    /// From its being queued to its receive.
    pub(crate) age: Option<Duration>,
    /// How often SES throttled it.
    pub(crate) throttled: u32,
}

impl Figures {
    /// Adds these figures to `metrics`.
    pub(crate) fn count(self, metrics: &Metrics) {
        metrics.time(PROCESSING_TIME, self.processing);
        if let Some(age) = self.age {
            metrics.time(AGE, age);
        }
        metrics.count(THROTTLED, self.throttled.into());
        let outcome = match self.outcome {
            Outcome::Sent => SENT,
            Outcome::Duplicate => DEDUPLICATED,
            Outcome::Failed => FAILED,
            Outcome::Retried => RETRIED,
            Outcome::GivenBack => GIVEN_BACK,
        };
        metrics.count(outcome, 1);
    }
}
