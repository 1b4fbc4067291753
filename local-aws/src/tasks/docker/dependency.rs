//! Which containers of a task wait for which others.

use std::time::Duration;

use tokio::time::Instant;

use crate::tasks::definition::Condition;

/// How many seconds a dependency may take, unless the container waited for says otherwise: ECS's.
const START_TIMEOUT: u64 = 180;

/// Where a container is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum State {
    Pending,
    Running { since: Instant, healthy: Option<bool> },
    Ended { exit_code: Option<i64> },
}

/// Whether a dependency is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Met {
    Yes,
    /// And never, if it is not by then.
    NotYet(Option<Instant>),
    Never(&'static str),
}

/// Says whether `condition` is met by a container in `state`, for which `start_timeout` seconds are waited.
pub(super) fn met(condition: Condition, state: State, start_timeout: Option<u64>) -> Met {
    const FAILED: &str = "failed to resolve the container ordering dependency: dependency did not exit successfully";
    const LATE: &str = "failed to resolve the container ordering dependency: dependency timed out";
    const UNHEALTHY: &str = "failed to resolve the container ordering dependency: dependency did not become healthy";
    let since = match (condition, state) {
        (_, State::Pending) => return Met::NotYet(None),
        (_, State::Ended { exit_code: None }) => return Met::Never(FAILED),
        (Condition::Start, _) | (Condition::Complete, State::Ended { .. }) => return Met::Yes,
        (Condition::Success, State::Ended { exit_code: Some(code) }) => {
            return if code == 0 { Met::Yes } else { Met::Never(FAILED) };
        }
        (Condition::Healthy, State::Running { healthy: Some(true), .. }) => return Met::Yes,
        (Condition::Healthy, State::Ended { .. }) => return Met::Never(UNHEALTHY),
        (_, State::Running { since, .. }) => since,
    };
    let deadline = since + Duration::from_secs(start_timeout.unwrap_or(START_TIMEOUT));
    if deadline <= Instant::now() { Met::Never(LATE) } else { Met::NotYet(Some(deadline)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_is_met_or_awaited_or_given_up() {
        let now = Instant::now();
        let running = |healthy| State::Running { since: now, healthy };
        let ended = |code| State::Ended { exit_code: Some(code) };
        let cases = [
            (Condition::Start, running(None), "yes"),
            (Condition::Start, State::Pending, "not yet"),
            (Condition::Start, State::Ended { exit_code: None }, "never"),
            (Condition::Complete, running(None), "not yet"),
            (Condition::Complete, ended(1), "yes"),
            (Condition::Success, ended(0), "yes"),
            (Condition::Success, ended(1), "never"),
            (Condition::Healthy, running(None), "not yet"),
            (Condition::Healthy, running(Some(false)), "not yet"),
            (Condition::Healthy, running(Some(true)), "yes"),
            (Condition::Healthy, ended(0), "never"),
        ];
        for (condition, state, wanted) in cases {
            let found = match met(condition, state, None) {
                Met::Yes => "yes",
                Met::NotYet(_) => "not yet",
                Met::Never(_) => "never",
            };
            assert_eq!(found, wanted, "{condition:?} {state:?}");
        }
        assert!(matches!(met(Condition::Complete, running(None), Some(0)), Met::Never(_)));
    }
}
