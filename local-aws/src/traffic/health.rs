//! The health of one target: what its checks found, and the state that follows.

use crate::traffic::settings::HealthCheck;

/// What Elastic Load Balancing tells of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Health {
    /// Whether it gets requests.
    pub(crate) state: HealthState,
    /// AWS's code for the reason; none while it is healthy.
    pub(crate) reason: &'static str,
    /// The reason in words; none while it is healthy.
    pub(crate) description: String,
}

/// The states of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HealthState {
    /// It has not passed its first check.
    Initial,
    /// It gets requests.
    Healthy,
    /// It gets none, unless no target of its group is healthy.
    Unhealthy,
    /// It was deregistered: what it began it may end.
    Draining,
    /// Nothing forwards to its group, or it is not in it.
    Unused,
}

impl HealthState {
    /// Returns AWS's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
            Self::Draining => "draining",
            Self::Unused => "unused",
        }
    }
}

impl Health {
    fn new(state: HealthState, reason: &'static str, description: impl Into<String>) -> Self {
        Self { state, reason, description: description.into() }
    }

    pub(super) fn draining() -> Self {
        let text = "Target deregistration is in progress";
        Self::new(HealthState::Draining, "Target.DeregistrationInProgress", text)
    }

    pub(super) fn not_in_use() -> Self {
        let text = "Target group is not configured to receive traffic from the load balancer";
        Self::new(HealthState::Unused, "Target.NotInUse", text)
    }

    pub(super) fn not_registered() -> Self {
        let text = "Target is not registered to the target group";
        Self::new(HealthState::Unused, "Target.NotRegistered", text)
    }
}

/// Why a check failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// No connection, or no HTTP.
    Connection,
    /// No answer in time.
    Timeout,
    /// An answer with a status that the matcher does not take.
    Code(u16),
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Found {
    #[default]
    Registering,
    Checking,
    Healthy,
    Unhealthy(Failure),
}

/// The checks of one target so far.
#[derive(Debug, Default)]
pub(super) struct Checks {
    found: Found,
    passed: u32,
    failed: u32,
}

impl Checks {
    /// Takes down that the first check is made.
    pub(super) fn begin(&mut self) {
        if self.found == Found::Registering {
            self.found = Found::Checking;
        }
    }

    /// Takes down what a check found. A new target needs one success, one that was unhealthy as many as are set.
    pub(super) fn record(&mut self, outcome: Result<(), Failure>, check: &HealthCheck) {
        match outcome {
            Ok(()) => {
                self.failed = 0;
                self.passed = self.passed.saturating_add(1);
                let needed = if matches!(self.found, Found::Unhealthy(_)) { check.healthy_threshold } else { 1 };
                if self.passed >= needed {
                    self.found = Found::Healthy;
                }
            }
            Err(failure) => {
                self.passed = 0;
                self.failed = self.failed.saturating_add(1);
                if self.failed >= check.unhealthy_threshold || matches!(self.found, Found::Unhealthy(_)) {
                    self.found = Found::Unhealthy(failure);
                }
            }
        }
    }

    pub(super) fn is_healthy(&self) -> bool {
        self.found == Found::Healthy
    }

    pub(super) fn health(&self) -> Health {
        let (initial, unhealthy) = (HealthState::Initial, HealthState::Unhealthy);
        match self.found {
            Found::Registering => {
                Health::new(initial, "Elb.RegistrationInProgress", "Target registration is in progress")
            }
            Found::Checking => Health::new(initial, "Elb.InitialHealthChecking", "Initial health checks in progress"),
            Found::Healthy => Health::new(HealthState::Healthy, "", ""),
            Found::Unhealthy(Failure::Connection) => {
                Health::new(unhealthy, "Target.FailedHealthChecks", "Health checks failed")
            }
            Found::Unhealthy(Failure::Timeout) => Health::new(unhealthy, "Target.Timeout", "Request timed out"),
            Found::Unhealthy(Failure::Code(code)) => {
                let text = format!("Health checks failed with these codes: [{code}]");
                Health::new(unhealthy, "Target.ResponseCodeMismatch", text)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_decide_but_the_first_success_is_enough() {
        let check = HealthCheck { healthy_threshold: 3, unhealthy_threshold: 2, ..HealthCheck::default() };
        let mut checks = Checks::default();
        let mut seen = vec![checks.health().reason];
        checks.begin();
        seen.push(checks.health().reason);
        let (pass, code) = (Ok(()), Err(Failure::Code(500)));
        for outcome in [code, pass, Err(Failure::Connection), Err(Failure::Timeout), code, pass, pass, pass] {
            checks.record(outcome, &check);
            seen.push(checks.health().reason);
        }
        let mismatch = "Target.ResponseCodeMismatch";
        let wanted = [
            "Elb.RegistrationInProgress",
            "Elb.InitialHealthChecking",
            "Elb.InitialHealthChecking",
            "",
            "",
            "Target.Timeout",
            mismatch,
            mismatch,
            mismatch,
            "",
        ];
        assert_eq!(seen, wanted);
        assert!(checks.is_healthy());
    }

    #[test]
    fn a_new_target_that_keeps_failing_becomes_unhealthy() {
        let check = HealthCheck { unhealthy_threshold: 2, ..HealthCheck::default() };
        let mut checks = Checks::default();
        checks.begin();
        for _ in 0..2 {
            checks.record(Err(Failure::Code(500)), &check);
        }
        let health = checks.health();
        assert_eq!(health.state, HealthState::Unhealthy);
        assert_eq!(health.description, "Health checks failed with these codes: [500]");
    }
}
