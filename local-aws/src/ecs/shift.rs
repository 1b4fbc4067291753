//! Blue/green, linear and canary deployments: the stages that they go through, and how much traffic goes where in each.

use std::time::Duration;

use serde_json::Value;

use super::pace::{Moment, Now, STAGE};

/// A service deployment's `lifecycleStage`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    PreScaleUp,
    ScaleUp,
    PostScaleUp,
    TestTrafficShift,
    PostTestTrafficShift,
    ProductionTrafficShift,
    PostProductionTrafficShift,
    BakeTime,
    CleanUp,
}

impl Stage {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::PreScaleUp => "PRE_SCALE_UP",
            Self::ScaleUp => "SCALE_UP",
            Self::PostScaleUp => "POST_SCALE_UP",
            Self::TestTrafficShift => "TEST_TRAFFIC_SHIFT",
            Self::PostTestTrafficShift => "POST_TEST_TRAFFIC_SHIFT",
            Self::ProductionTrafficShift => "PRODUCTION_TRAFFIC_SHIFT",
            Self::PostProductionTrafficShift => "POST_PRODUCTION_TRAFFIC_SHIFT",
            Self::BakeTime => "BAKE_TIME",
            Self::CleanUp => "CLEAN_UP",
        }
    }

    fn next(self) -> Self {
        match self {
            Self::PreScaleUp => Self::ScaleUp,
            Self::ScaleUp => Self::PostScaleUp,
            Self::PostScaleUp => Self::TestTrafficShift,
            Self::TestTrafficShift => Self::PostTestTrafficShift,
            Self::PostTestTrafficShift => Self::ProductionTrafficShift,
            Self::ProductionTrafficShift => Self::PostProductionTrafficShift,
            Self::PostProductionTrafficShift => Self::BakeTime,
            Self::BakeTime | Self::CleanUp => Self::CleanUp,
        }
    }
}

/// How far a deployment is that shifts traffic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shift {
    pub(super) stage: Stage,
    since: Moment,
    /// Whether all traffic has been sent to where it comes from: an earlier deployment may have left it anywhere.
    pub(super) is_placed: bool,
    /// The new revision's share of the production traffic, in percent.
    pub(super) production: f64,
    /// Its share of the test traffic.
    pub(super) test: f64,
}

/// How traffic is shifted: the first share, the share of each further step, and how long each is watched.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Steps {
    first: f64,
    further: f64,
    bake: Duration,
}

impl Steps {
    /// Reads them; the defaults are those of
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html>.
    fn of(configuration: &Value) -> Self {
        let number = |of: &Value, key: &str, default: f64| of[key].as_f64().unwrap_or(default);
        match configuration["strategy"].as_str() {
            Some("LINEAR") => {
                let linear = &configuration["linearConfiguration"];
                let step = number(linear, "stepPercent", 10.0);
                Self { first: step, further: step, bake: minutes(number(linear, "stepBakeTimeInMinutes", 6.0)) }
            }
            Some("CANARY") => {
                let canary = &configuration["canaryConfiguration"];
                let bake = minutes(number(canary, "canaryBakeTimeInMinutes", 10.0));
                Self { first: number(canary, "canaryPercent", 5.0), further: 100.0, bake }
            }
            _ => Self { first: 100.0, further: 100.0, bake: Duration::ZERO },
        }
    }
}

/// Makes a duration of minutes; of what is none, nothing.
pub(super) fn minutes(minutes: f64) -> Duration {
    Duration::try_from_secs_f64(minutes * 60.0).unwrap_or_default()
}

impl Shift {
    pub(super) fn new(now: &Now) -> Self {
        Self { stage: Stage::PreScaleUp, since: now.moment, is_placed: false, production: 0.0, test: 0.0 }
    }

    /// Goes on as far as it can: `is_scaled_up` says whether all new tasks are healthy. A step at a time, so that each is seen.
    pub(super) fn advance(&mut self, configuration: &Value, is_scaled_up: bool, now: &Now) {
        let steps = Steps::of(configuration);
        let may_leave = match self.stage {
            Stage::ScaleUp => is_scaled_up,
            Stage::ProductionTrafficShift if self.production < 100.0 => {
                if now.is_over(self.since, steps.bake) {
                    self.production = (self.production + steps.further).min(100.0);
                    self.since = now.moment;
                }
                false
            }
            Stage::BakeTime => {
                let bake = configuration["bakeTimeInMinutes"].as_f64().unwrap_or(0.0);
                now.is_over(self.since, minutes(bake))
            }
            Stage::CleanUp => false,
            _ => now.is_over(self.since, STAGE),
        };
        if !may_leave {
            return;
        }
        self.stage = self.stage.next();
        self.since = now.moment;
        match self.stage {
            Stage::TestTrafficShift => self.test = 100.0,
            Stage::ProductionTrafficShift => self.production = steps.first.min(100.0),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::pace::Timekeeper;
    use super::*;

    /// Goes through a deployment, a second of AWS's time a step, and tells each share of the traffic and when it came.
    async fn shares(configuration: Value) -> (Vec<(u64, f64)>, u64) {
        let mut keeper = Timekeeper::new();
        let mut shift = Shift::new(&keeper.now(1.0));
        let (mut shares, mut shifting_since) = (Vec::new(), None);
        for second in 0..20_000 {
            shift.advance(&configuration, true, &keeper.now(1.0));
            if shift.stage == Stage::ProductionTrafficShift {
                let since = *shifting_since.get_or_insert(second);
                if shares.last().is_none_or(|(_, share)| *share != shift.production) {
                    shares.push((second - since, shift.production));
                }
            }
            if shift.stage == Stage::CleanUp {
                return (shares, second - shifting_since.unwrap());
            }
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        panic!("it never ends: {shift:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn each_strategy_shifts_in_its_own_steps_and_bakes() {
        let (blue_green, end) = shares(json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5})).await;
        assert_eq!((blue_green, end), (vec![(0, 100.0)], 2 + 2 + 300));
        let linear = json!({"stepPercent": 40.0, "stepBakeTimeInMinutes": 1});
        let (linear, _) = shares(json!({"strategy": "LINEAR", "linearConfiguration": linear})).await;
        assert_eq!(linear, [(0, 40.0), (60, 80.0), (120, 100.0)]);
        let canary = json!({"canaryPercent": 12.5, "canaryBakeTimeInMinutes": 2});
        let (canary, _) = shares(json!({"strategy": "CANARY", "canaryConfiguration": canary})).await;
        assert_eq!(canary, [(0, 12.5), (120, 100.0)]);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_shifted_before_all_new_tasks_are_healthy() {
        let mut keeper = Timekeeper::new();
        let mut shift = Shift::new(&keeper.now(1.0));
        for _ in 0..100 {
            shift.advance(&json!({"strategy": "BLUE_GREEN"}), false, &keeper.now(1.0));
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!((shift.stage, shift.production, shift.test), (Stage::ScaleUp, 0.0, 0.0));
    }
}
