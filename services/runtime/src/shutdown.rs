//! The orderly end: a signal asks for it, and a budget says how long it may take.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// The longest that ECS waits between SIGTERM and SIGKILL on Fargate, in seconds.
pub const LONGEST_STOP_TIMEOUT: u64 = 120;
/// What is kept of the stop timeout for the last lines of the log and the process's own end.
const MARGIN: Duration = Duration::from_secs(3);

/// Whether the service was asked to end, and whether its time for that is up.
///
/// Clones share one state.
#[derive(Debug, Clone)]
pub struct Shutdown {
    requested: CancellationToken,
    expired: CancellationToken,
    budget: Duration,
}

impl Shutdown {
    /// Makes one that nothing but [`request`](Self::request) begins. `stop_timeout` is that of the container.
    #[must_use]
    pub fn new(stop_timeout: Duration) -> Self {
        let margin = MARGIN.min(stop_timeout / 5);
        let budget = stop_timeout.saturating_sub(margin);
        Self { requested: CancellationToken::new(), expired: CancellationToken::new(), budget }
    }

    /// Begins at SIGTERM or SIGINT; a second signal ends the budget.
    ///
    /// # Errors
    /// When the signals cannot be listened for.
    pub fn on_signals(self) -> io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let shutdown = self.clone();
        tokio::spawn(async move {
            loop {
                let name = tokio::select! {
                    _ = terminate.recv() => "SIGTERM",
                    _ = interrupt.recv() => "SIGINT",
                };
                if shutdown.is_requested() {
                    tracing::warn!(signal = name, "asked to end a second time: ending now");
                    shutdown.expired.cancel();
                } else {
                    tracing::info!(signal = name, budget_seconds = shutdown.budget.as_secs_f64(), "asked to end");
                    shutdown.request();
                }
            }
        });
        Ok(self)
    }

    /// Asks for the end, from within a runtime.
    pub fn request(&self) {
        if self.is_requested() {
            return;
        }
        self.requested.cancel();
        let (expired, budget) = (self.expired.clone(), self.budget);
        tokio::spawn(async move {
            sleep(budget).await;
            expired.cancel();
        });
    }

    /// Whether the end was asked for.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.requested.is_cancelled()
    }

    /// Waits until the end is asked for.
    pub async fn requested(&self) {
        self.requested.cancelled().await;
    }

    /// Waits until the budget of an end that was asked for is used up.
    pub async fn expired(&self) {
        self.expired.cancelled().await;
    }

    /// Returns what is cancelled when the end is asked for, for tasks that take a token.
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        self.requested.clone()
    }

    /// Returns how long an end may take: the stop timeout without a margin.
    #[must_use]
    pub fn budget(&self) -> Duration {
        self.budget
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn the_budget_leaves_a_margin_of_the_stop_timeout() {
        let shutdown = Shutdown::new(Duration::from_secs(60));
        assert!(!shutdown.is_requested());
        let before = Instant::now();
        shutdown.request();
        shutdown.request();
        shutdown.expired().await;
        assert_eq!(before.elapsed().as_secs(), 57);
        assert_eq!(Shutdown::new(Duration::from_secs(5)).budget(), Duration::from_secs(4));
    }
}
