//! How long things take on ECS, and the time that passes there while it passes here.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// A task's network interface is attached, before its images are pulled.
pub(super) const PROVISIONING: Duration = Duration::from_secs(5);
/// A task is registered with its target groups.
pub(super) const ACTIVATING: Duration = Duration::from_secs(2);
/// A task's network interface is detached, after its containers have ended.
pub(super) const DEPROVISIONING: Duration = Duration::from_secs(5);
/// How long a task without any health check must have run before it counts as healthy
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html>).
pub(super) const HEALTHY_UNCHECKED: Duration = Duration::from_secs(40);
/// How long a task must pass its health checks before the scheduler has seen it.
pub(super) const HEALTHY_CHECKED: Duration = Duration::from_secs(10);
/// The same for what really runs, whose time is not scaled: so a process that dies after a moment is never taken for healthy.
pub(super) const HEALTHY_PROCESS: Duration = Duration::from_secs(5);
/// How long a deployment that shifts traffic is in a stage in which nothing is to be done.
pub(super) const STAGE: Duration = Duration::from_secs(2);
/// The first pause of a service whose tasks keep failing, which doubles …
pub(super) const FIRST_BACKOFF: Duration = Duration::from_secs(10);
/// … up to this (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-throttle-logic.html>).
pub(super) const LONGEST_BACKOFF: Duration = Duration::from_secs(27 * 60);
/// The least real time between a failure and the next start, so that without any time tasks do not fail by the thousand.
pub(super) const LEAST_BACKOFF: Duration = Duration::from_millis(20);

/// A moment, in AWS's time and in ours since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Moment {
    aws: Duration,
    real: Duration,
}

/// The present, by which everything is judged in one round.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    pub(super) moment: Moment,
    /// Whether AWS's times do not pass at all, but are over.
    pub(super) timeless: bool,
    /// Seconds since 1970, as AWS's answers tell it.
    pub(super) epoch: f64,
}

impl Now {
    /// Says whether `wait`, in AWS's time, is over since `since`.
    pub(super) fn is_over(&self, since: Moment, wait: Duration) -> bool {
        self.timeless || self.moment.aws.saturating_sub(since.aws) >= wait
    }

    /// Says whether `wait`, in our time, is over since `since`.
    pub(super) fn is_really_over(&self, since: Moment, wait: Duration) -> bool {
        self.moment.real.saturating_sub(since.real) >= wait
    }
}

/// Counts AWS's time while the share of it that passes here changes.
#[derive(Debug)]
pub(super) struct Timekeeper {
    start: Instant,
    seen: Instant,
    aws: Duration,
}

impl Timekeeper {
    pub(super) fn new() -> Self {
        let start = Instant::now();
        Self { start, seen: start, aws: Duration::ZERO }
    }

    /// Returns the present; since it was last asked for, `scale` of AWS's time has passed.
    pub(super) fn now(&mut self, scale: f64) -> Now {
        let instant = Instant::now();
        let timeless = scale <= 0.0;
        if !timeless {
            let passed = instant.duration_since(self.seen).as_secs_f64() / scale;
            // A scale so small that no duration holds what has passed is as good as none.
            self.aws += Duration::try_from_secs_f64(passed).unwrap_or_default();
        }
        self.seen = instant;
        let epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let epoch = (epoch.as_secs_f64() * 1000.0).round() / 1000.0;
        Now { moment: Moment { aws: self.aws, real: self.start.elapsed() }, timeless, epoch }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn times_pass_as_the_scale_says_and_not_at_all_without_one() {
        let mut keeper = Timekeeper::new();
        let begun = keeper.now(0.5).moment;
        tokio::time::advance(Duration::from_secs(10)).await;
        let now = keeper.now(0.5);
        assert!(now.is_over(begun, Duration::from_secs(20)) && !now.is_over(begun, Duration::from_secs(21)));
        assert!(now.is_really_over(begun, Duration::from_secs(10)));
        assert!(!now.is_really_over(begun, Duration::from_secs(11)));
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(keeper.now(0.0).is_over(begun, Duration::from_secs(3600)));
        assert!(
            !keeper.now(1.0).is_over(begun, Duration::from_secs(21)),
            "what passed without time is not made up for"
        );
    }
}
