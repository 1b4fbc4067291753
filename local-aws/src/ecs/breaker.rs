//! The deployment circuit breaker: after how many failed tasks a deployment has failed.

use serde_json::{Value, json};

/// The fewest and most failures of a bounded threshold
/// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html>).
const BOUNDS: (u64, u64) = (3, 200);

/// A deployment circuit breaker, as a deployment configuration sets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Breaker {
    pub(super) enabled: bool,
    pub(super) rolls_back: bool,
    /// Whether a task that becomes healthy makes up for those that failed.
    pub(super) resets: bool,
    pub(super) threshold: u64,
}

impl Breaker {
    /// Reads it for a service of `desired` tasks.
    pub(super) fn of(deployment_configuration: &Value, desired: usize) -> Self {
        let breaker = &deployment_configuration["deploymentCircuitBreaker"];
        let threshold = &breaker["thresholdConfiguration"];
        let value = threshold["value"].as_u64().unwrap_or(50);
        let share = (desired as u64 * value).div_ceil(100);
        Self {
            enabled: breaker["enable"] == true,
            rolls_back: breaker["rollback"] == true,
            resets: breaker["resetOnHealthyTask"] != false,
            threshold: match threshold["type"].as_str() {
                Some("COUNT") => value.max(1),
                Some("UNBOUNDED_PERCENT") => share.max(1),
                _ => share.clamp(BOUNDS.0, BOUNDS.1),
            },
        }
    }

    /// Tells it as DescribeServiceDeployments does.
    pub(super) fn told(&self, failures: u64, finished: bool) -> Value {
        let status = match () {
            () if !self.enabled => "DISABLED",
            () if failures >= self.threshold => "TRIGGERED",
            () if finished => "MONITORING_COMPLETE",
            () => "MONITORING",
        };
        json!({"status": status, "failureCount": failures, "threshold": self.threshold})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_is_as_documented_and_as_configured() {
        let threshold = |desired, configuration: Value| {
            let breaker =
                json!({"deploymentCircuitBreaker": {"enable": true, "thresholdConfiguration": configuration}});
            Breaker::of(&breaker, desired).threshold
        };
        for (desired, wanted) in [(0, 3), (1, 3), (6, 3), (7, 4), (25, 13), (400, 200), (800, 200)] {
            assert_eq!(threshold(desired, Value::Null), wanted, "{desired}");
        }
        assert_eq!(threshold(2, json!({"type": "COUNT", "value": 2})), 2);
        assert_eq!(threshold(10, json!({"type": "UNBOUNDED_PERCENT", "value": 10})), 1);
        assert_eq!(threshold(1000, json!({"type": "UNBOUNDED_PERCENT", "value": 50})), 500);
        assert_eq!(threshold(100, json!({"type": "BOUNDED_PERCENT", "value": 10})), 10);
    }

    #[test]
    fn it_says_what_it_does() {
        let on = Breaker { enabled: true, rolls_back: true, resets: true, threshold: 3 };
        let status = |breaker: Breaker, failures, finished| breaker.told(failures, finished)["status"].clone();
        assert_eq!(status(on, 2, false), "MONITORING");
        assert_eq!(status(on, 2, true), "MONITORING_COMPLETE");
        assert_eq!(status(on, 3, true), "TRIGGERED");
        assert_eq!(status(Breaker { enabled: false, ..on }, 9, false), "DISABLED");
    }
}
