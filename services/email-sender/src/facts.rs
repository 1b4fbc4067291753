//! What the queue says about its messages, asked again now and then: an apply may change it while the worker runs.

use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::sleep;

use crate::queue::{Queue, QueueFacts};

/// How often the queue is asked.
const ASK_EVERY: Duration = Duration::from_secs(60);

/// What the queue said last.
#[derive(Debug)]
pub(crate) struct Facts {
    latest: Mutex<QueueFacts>,
    longest_hidden: Duration,
}

impl Facts {
    /// Takes what the queue said first. What was sent is remembered for `remembered`: a message is hidden for half of that at
    /// most, so that one whose delete failed comes back before it is forgotten.
    pub(crate) fn new(first: QueueFacts, remembered: Duration) -> Self {
        Self { latest: Mutex::new(first), longest_hidden: remembered / 2 }
    }

    /// Returns for how long a message that is received is hidden.
    pub(crate) fn hidden_for(&self) -> Duration {
        self.latest().visibility_timeout.min(self.longest_hidden)
    }

    /// Returns after how many receives the queue sets a message aside by itself, without a reason.
    pub(crate) fn max_receives(&self) -> Option<u32> {
        self.latest().max_receives
    }

    /// Returns the bytes that a message may have.
    pub(crate) fn max_message_bytes(&self) -> usize {
        self.latest().max_message_bytes
    }

    /// Asks again and again.
    pub(crate) async fn follow(&self, queue: &impl Queue) -> Infallible {
        loop {
            sleep(ASK_EVERY).await;
            match queue.facts().await {
                Ok(told) if told == *self.latest() => {}
                Ok(told) => {
                    tracing::info!(
                        visibility_timeout_seconds = told.visibility_timeout.as_secs(),
                        max_receives = told.max_receives,
                        max_message_bytes = told.max_message_bytes,
                        "the queue's attributes have changed"
                    );
                    *self.latest() = told;
                }
                Err(error) => {
                    tracing::warn!(%error, "could not read the queue's attributes; going by what it said before")
                }
            }
        }
    }

    fn latest(&self) -> MutexGuard<'_, QueueFacts> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_back_while_it_is_remembered() {
        for (visibility_timeout, expected) in [(30, 30), (43_200, 1800)] {
            let visibility_timeout = Duration::from_secs(visibility_timeout);
            let told = QueueFacts { visibility_timeout, max_receives: None, max_message_bytes: 1024 };
            assert_eq!(Facts::new(told, Duration::from_secs(3600)).hidden_for().as_secs(), expected);
        }
    }
}
