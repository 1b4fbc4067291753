//! How deployments are carried out: the properties `DeploymentConfiguration` and `DeploymentController` of
//! `AWS::ECS::Service`.

use std::time::Duration;

use aws_sdk_ecs::types as sdk;

use crate::aws::document::Document;
use crate::aws::mirror::{Mirror, Word, mirror};

const MINUTE: Duration = Duration::from_secs(60);
/// How long a hook pauses a deployment where it has no timeout
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentLifecycleHookTimeoutConfiguration.html>).
const PAUSE_MINUTES: i32 = 24 * 60;

mirror! {
    /// How a new version takes the place of the old one.
    pub struct DeploymentConfiguration = sdk::DeploymentConfiguration {
        /// Alarms that stop a deployment.
        alarms(set_alarms): Option<DeploymentAlarms>,
        /// Minutes for which both versions run after all traffic has moved; not for `ROLLING`.
        #[schemars(range(min = 0, max = 1440))]
        bake_time_in_minutes(set_bake_time_in_minutes): Option<i32>,
        /// How traffic moves with `CANARY`.
        canary_configuration(set_canary_configuration): Option<CanaryConfiguration>,
        /// What stops a deployment that does not come up.
        deployment_circuit_breaker(set_deployment_circuit_breaker): Option<DeploymentCircuitBreaker>,
        /// When a deployment has succeeded before all of it is done.
        early_success_criteria(set_early_success_criteria): Option<DeploymentEarlySuccessCriteria>,
        /// What is asked at stages of a deployment whether it may go on.
        lifecycle_hooks(set_lifecycle_hooks): Option<Vec<DeploymentLifecycleHook>>,
        /// How traffic moves with `LINEAR`.
        linear_configuration(set_linear_configuration): Option<LinearConfiguration>,
        /// The most tasks during a deployment, in percent of the desired count. AWS's default is 200.
        maximum_percent(set_maximum_percent): Option<i32>,
        /// The fewest healthy tasks during a deployment, in percent of the desired count. AWS's default is 100.
        minimum_healthy_percent(set_minimum_healthy_percent): Option<i32>,
        /// How the new version takes over: task by task, or beside the old one with the traffic moved at once, in equal
        /// steps, or a small part first. AWS's default is `ROLLING`.
        #[schemars(extend("enum" = ["ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"]))]
        strategy(set_strategy): Option<Word<sdk::DeploymentStrategy>>,
    }

    /// Alarms that stop a deployment.
    pub struct DeploymentAlarms = sdk::DeploymentAlarms, fallible {
        /// Names of CloudWatch alarms.
        #[schemars(extend("uniqueItems" = true))]
        alarm_names(set_alarm_names): Vec<String>,
        /// Whether they are heeded.
        enable(set_enable): bool,
        /// Whether the last deployment that worked is brought back when one rings.
        rollback(set_rollback): bool,
    }

    /// How traffic moves: a small part first, then the rest.
    pub struct CanaryConfiguration = sdk::CanaryConfiguration {
        /// Minutes for which only the small part has moved. AWS's default is 10.
        #[schemars(range(min = 0, max = 1440))]
        canary_bake_time_in_minutes(set_canary_bake_time_in_minutes): Option<i32>,
        /// The small part, in percent of the traffic. AWS's default is 5.
        #[schemars(range(min = 0.1, max = 100.0))]
        canary_percent(set_canary_percent): Option<f64>,
    }

    /// How traffic moves: in equal steps.
    pub struct LinearConfiguration = sdk::LinearConfiguration {
        /// Minutes between two steps. AWS's default is 6.
        #[schemars(range(min = 0, max = 1440))]
        step_bake_time_in_minutes(set_step_bake_time_in_minutes): Option<i32>,
        /// The traffic that moves with each step, in percent. AWS's default is 10.
        #[schemars(range(min = 3.0, max = 100.0))]
        step_percent(set_step_percent): Option<f64>,
    }

    /// What stops a deployment that does not come up.
    pub struct DeploymentCircuitBreaker = sdk::DeploymentCircuitBreaker {
        /// Whether a deployment whose tasks keep failing is given up.
        enable(set_enable): bool,
        /// Whether the count of failures starts anew once a task is healthy.
        reset_on_healthy_task(set_reset_on_healthy_task): Option<bool>,
        /// Whether the last deployment that worked is brought back then.
        rollback(set_rollback): bool,
        /// How many failures it takes. AWS's default is half of the desired count, 3 to 200.
        threshold_configuration(set_threshold_configuration): Option<ThresholdConfiguration>,
    }

    /// How many failures it takes to give a deployment up.
    pub struct ThresholdConfiguration = sdk::ThresholdConfiguration, fallible {
        /// Whether the value is a number of tasks or a share of the desired count, within AWS's bounds or not.
        #[schemars(extend("enum" = ["COUNT", "BOUNDED_PERCENT", "UNBOUNDED_PERCENT"]))]
        r#type(set_type): Word<sdk::ThresholdType>,
        /// The number or share.
        value(set_value): i32,
    }

    /// When a deployment has succeeded before all of it is done.
    pub struct DeploymentEarlySuccessCriteria = sdk::DeploymentEarlySuccessCriteria {
        /// Whether it may.
        enable(set_enable): Option<bool>,
        /// Healthy tasks of the new version that it takes, in percent of the desired count.
        #[schemars(range(min = 0, max = 100))]
        healthy_percent(set_healthy_percent): Option<i32>,
        /// Whether the old version's tasks go before or after.
        #[schemars(extend("enum" = ["BLOCKING", "DEFERRED"]))]
        source_service_revision_cleanup(set_source_service_revision_cleanup): Option<Word<sdk::ServiceRevisionCleanup>>,
    }

    /// What is asked at stages of a deployment whether it may go on.
    pub struct DeploymentLifecycleHook = sdk::DeploymentLifecycleHook {
        /// What the function is told beside what it is told anyway.
        hook_details(set_hook_details): Option<Document>,
        /// The function.
        hook_target_arn(set_hook_target_arn): Option<String>,
        /// The stages.
        #[schemars(length(min = 1), extend("uniqueItems" = true, "items" = { "type": "string", "enum": [
            "RECONCILE_SERVICE",
            "PRE_SCALE_UP",
            "POST_SCALE_UP",
            "TEST_TRAFFIC_SHIFT",
            "POST_TEST_TRAFFIC_SHIFT",
            "PRE_PRODUCTION_TRAFFIC_SHIFT",
            "PRODUCTION_TRAFFIC_SHIFT",
            "POST_PRODUCTION_TRAFFIC_SHIFT"
        ] }))]
        lifecycle_stages(set_lifecycle_stages): Vec<Word<sdk::DeploymentLifecycleHookStage>>,
        /// The role with which ECS calls the function.
        role_arn(set_role_arn): Option<String>,
        /// Whether a function is asked, or the deployment waits for somebody to continue it. AWS's default is `AWS_LAMBDA`.
        #[schemars(extend("enum" = ["AWS_LAMBDA", "PAUSE"]))]
        target_type(set_target_type): Option<Word<sdk::DeploymentLifecycleHookTargetType>>,
        /// How long it is waited for, and what then.
        timeout_configuration(set_timeout_configuration): Option<HookTimeoutConfig>,
    }

    /// How long a hook is waited for, and what then.
    pub struct HookTimeoutConfig = sdk::DeploymentLifecycleHookTimeoutConfiguration {
        /// What then.
        #[schemars(extend("enum" = ["ROLLBACK", "CONTINUE"]))]
        action(set_action): Option<Word<sdk::DeploymentLifecycleHookAction>>,
        /// Minutes that it is waited for.
        #[schemars(range(min = 1, max = 20_160))]
        timeout_in_minutes(set_timeout_in_minutes): Option<i32>,
    }

    /// Who carries deployments out.
    pub struct DeploymentController = sdk::DeploymentController, fallible {
        /// The controller. AWS's default is `ECS`.
        #[schemars(extend("enum" = ["ECS", "CODE_DEPLOY", "EXTERNAL"]))]
        r#type(set_type): Word<sdk::DeploymentControllerType>,
    }
}

impl DeploymentConfiguration {
    /// What `new` is as an update from `old`: AWS's defaults for what `old` gives and `new` does not, and nothing of what
    /// AWS still tells of another strategy.
    pub(super) fn over(new: Option<&Self>, old: Option<&Self>) -> Self {
        fn reset<T>(new: &mut Option<T>, old: &Option<T>, default: T) {
            if new.is_none() && old.is_some() {
                *new = Some(default);
            }
        }
        let none = Self::of(None);
        let (mut new, old) = (new.unwrap_or(&none).clone(), old.unwrap_or(&none));
        let off = DeploymentAlarms { alarm_names: Vec::new(), enable: false, rollback: false };
        reset(&mut new.alarms, &old.alarms, off);
        let off = DeploymentCircuitBreaker { enable: false, ..DeploymentCircuitBreaker::of(None) };
        reset(&mut new.deployment_circuit_breaker, &old.deployment_circuit_breaker, off);
        let off = DeploymentEarlySuccessCriteria { enable: Some(false), ..DeploymentEarlySuccessCriteria::of(None) };
        reset(&mut new.early_success_criteria, &old.early_success_criteria, off);
        reset(&mut new.lifecycle_hooks, &old.lifecycle_hooks, Vec::new());
        reset(&mut new.maximum_percent, &old.maximum_percent, 200);
        reset(&mut new.minimum_healthy_percent, &old.minimum_healthy_percent, 100);
        reset(&mut new.strategy, &old.strategy, Word(sdk::DeploymentStrategy::Rolling));
        let strategy = new.strategy.as_ref().map(|word| word.0.clone());
        if strategy != old.strategy.as_ref().map(|word| word.0.clone()) {
            use sdk::DeploymentStrategy::{Canary, Linear, Rolling};
            let is = |wanted: &sdk::DeploymentStrategy| strategy.as_ref() == Some(wanted);
            new.bake_time_in_minutes =
                new.bake_time_in_minutes.filter(|time| !is(&Rolling) || Some(*time) != old.bake_time_in_minutes);
            let changed = new.canary_configuration != old.canary_configuration;
            new.canary_configuration = new.canary_configuration.filter(|_| is(&Canary) || changed);
            let changed = new.linear_configuration != old.linear_configuration;
            new.linear_configuration = new.linear_configuration.filter(|_| is(&Linear) || changed);
        }
        new
    }

    /// How long a deployment waits on purpose.
    pub(super) fn pauses(&self) -> Duration {
        let minutes = |minutes: Option<i32>| MINUTE * u32::try_from(minutes.unwrap_or(0)).unwrap_or(0);
        let canary = self.canary_configuration.as_ref();
        let canary = canary.map(|canary| minutes(canary.canary_bake_time_in_minutes.or(Some(10))));
        let linear = self.linear_configuration.as_ref().map(|linear| {
            let steps = (100.0 / linear.step_percent.unwrap_or(10.0).max(1.0)).ceil();
            minutes(linear.step_bake_time_in_minutes.or(Some(6))).mul_f64(steps)
        });
        let hooks: Duration = self.lifecycle_hooks.iter().flatten().map(DeploymentLifecycleHook::longest).sum();
        minutes(self.bake_time_in_minutes) + canary.unwrap_or_default() + linear.unwrap_or_default() + hooks
    }
}

impl DeploymentLifecycleHook {
    /// How long a deployment waits for it on purpose, at all of its stages. Without a timeout, ECS waits for a day until
    /// somebody continues the deployment; how long a function takes is not on purpose then.
    fn longest(&self) -> Duration {
        let given = self.timeout_configuration.as_ref().and_then(|timeout| timeout.timeout_in_minutes);
        let pauses =
            self.target_type.as_ref().is_some_and(|kind| kind.0 == sdk::DeploymentLifecycleHookTargetType::Pause);
        let minutes = given.or(pauses.then_some(PAUSE_MINUTES)).unwrap_or(0);
        let times = u32::try_from(self.lifecycle_stages.len()).unwrap_or(1);
        MINUTE * u32::try_from(minutes).unwrap_or(0) * times
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn configuration(json: Json) -> DeploymentConfiguration {
        serde_json::from_value(json).expect("a deployment configuration")
    }

    #[test]
    fn what_is_no_longer_given_goes_back_to_the_default_of_aws() {
        let alarms = json!({"AlarmNames": ["a"], "Enable": true, "Rollback": true});
        let no_alarms = json!({"AlarmNames": [], "Enable": false, "Rollback": false});
        let hooks = json!([{"LifecycleStages": ["PRE_SCALE_UP"], "TargetType": "PAUSE"}]);
        let (linear, canary) = (json!({"StepPercent": 20.0}), json!({"CanaryPercent": 5.0}));
        let table = [
            (json!({"MaximumPercent": 150}), json!({"MaximumPercent": 100}), json!({"MaximumPercent": 100})),
            (
                json!({"MaximumPercent": 150, "Alarms": alarms}),
                json!({}),
                json!({"MaximumPercent": 200, "Alarms": no_alarms}),
            ),
            (json!({"LifecycleHooks": hooks}), json!({}), json!({"LifecycleHooks": []})),
            (
                json!({"Strategy": "LINEAR", "BakeTimeInMinutes": 5, "LinearConfiguration": linear}),
                json!({"Strategy": "CANARY", "BakeTimeInMinutes": 5, "LinearConfiguration": linear, "CanaryConfiguration": canary}),
                json!({"Strategy": "CANARY", "BakeTimeInMinutes": 5, "CanaryConfiguration": canary}),
            ),
            (
                json!({"Strategy": "CANARY", "BakeTimeInMinutes": 5, "CanaryConfiguration": canary}),
                json!({"BakeTimeInMinutes": 5, "CanaryConfiguration": canary}),
                json!({"Strategy": "ROLLING"}),
            ),
        ];
        for (old, new, expected) in table {
            let sent = DeploymentConfiguration::over(Some(&configuration(new)), Some(&configuration(old)));
            assert_eq!(sent, configuration(expected));
        }
    }

    #[test]
    fn a_deployment_is_waited_for_as_long_as_it_waits_itself() {
        let minutes = |json: Json| configuration(json).pauses().as_secs() / 60;
        assert_eq!(minutes(json!({})), 0);
        assert_eq!(minutes(json!({"BakeTimeInMinutes": 5, "CanaryConfiguration": {}})), 15);
        assert_eq!(minutes(json!({"LinearConfiguration": {"StepPercent": 30.0, "StepBakeTimeInMinutes": 2}})), 8);
        let hook = json!({"LifecycleStages": ["PRE_SCALE_UP", "POST_SCALE_UP"], "TimeoutConfiguration": {"TimeoutInMinutes": 60}});
        assert_eq!(minutes(json!({"LifecycleHooks": [hook]})), 120);
        let pause = json!({"LifecycleStages": ["POST_SCALE_UP"], "TargetType": "PAUSE"});
        let function = json!({"LifecycleStages": ["POST_SCALE_UP"]});
        assert_eq!(minutes(json!({"LifecycleHooks": [pause, function]})), 24 * 60);
    }
}
