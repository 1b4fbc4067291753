//! Remembers since when messages are denied, over all their receives.

use std::time::Duration;

use moka::sync::Cache;
use tokio::time::Instant;

/// Messages remembered at most.
const MOST: u64 = 10_000;
const REMEMBERED: Duration = Duration::from_secs(86_400);

/// When each message was denied first.
#[derive(Debug)]
pub(crate) struct Denials(Cache<String, Instant>);

impl Default for Denials {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MOST).time_to_live(REMEMBERED).build())
    }
}

impl Denials {
    /// Returns since when a message is denied that was denied just now.
    pub(crate) fn since(&self, message_id: &str) -> Instant {
        self.0.get_with_by_ref(message_id, Instant::now)
    }
}
