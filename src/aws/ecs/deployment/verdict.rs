//! Whether a deployment has come to its end, and to which: no calls in here.

use aws_sdk_ecs::types::{self as sdk, DeploymentRolloutState, ServiceDeploymentStatus};

use super::revision;
use crate::aws::wait::Probe;

/// The deployment that is awaited.
#[derive(Clone, Debug)]
pub(in crate::aws::ecs) enum Expected {
    /// The one of this id.
    Id(String),
    /// The one that runs this task definition.
    TaskDefinition(String),
    /// Whichever is the newest.
    Newest,
}

impl Expected {
    pub(super) fn is(&self, deployment: &sdk::Deployment) -> bool {
        match self {
            Self::Id(id) => deployment.id() == Some(id),
            Self::TaskDefinition(arn) => deployment.task_definition() == Some(arn),
            Self::Newest => deployment.status() == Some("PRIMARY"),
        }
    }
}

/// The deployment that is to serve.
pub(in crate::aws::ecs) fn primary(service: &sdk::Service) -> Option<&sdk::Deployment> {
    service.deployments().iter().find(|deployment| deployment.status() == Some("PRIMARY"))
}

/// Looks at a service; `told` is what its service deployment says of itself, where ECS tells it.
pub(super) fn verdict(
    service: &sdk::Service,
    expected: &Expected,
    told: Option<&sdk::ServiceDeployment>,
    patience: &mut u32,
) -> Probe<()> {
    let Some(primary) = primary(service) else {
        // Deployment controllers other than ECS keep task sets, not deployments.
        let settled = service.running_count() >= service.desired_count();
        return if settled { Probe::Ready(()) } else { Probe::Pending(String::new()) };
    };
    if let Expected::TaskDefinition(wanted) = expected
        && !service.deployments().iter().any(|deployment| expected.is(deployment))
    {
        let deployed = primary.task_definition().map_or("another revision", revision);
        return Probe::Failed(format!("{} is not what is deployed: {deployed} is", revision(wanted)));
    }
    match told.and_then(|told| Some((told, told.status()?))) {
        None => of_deployments(service, expected, primary, patience),
        Some((told, status)) => of_service_deployment(service, expected, primary, told, status),
    }
}

/// What the service's own deployments say.
fn of_deployments(
    service: &sdk::Service,
    expected: &Expected,
    primary: &sdk::Deployment,
    patience: &mut u32,
) -> Probe<()> {
    let ours = service.deployments().iter().find(|deployment| expected.is(deployment));
    let reason = |deployment: &sdk::Deployment| deployment.rollout_state_reason().map(str::to_owned);
    let failed = || ours.and_then(reason).unwrap_or_else(|| "the deployment failed".to_owned());
    match ours {
        Some(ours) if ours.id() == primary.id() => match ours.rollout_state() {
            // It is brought back a moment later.
            Some(DeploymentRolloutState::Failed) if rolls_back(service) && *patience > 0 => {
                *patience -= 1;
                Probe::Pending(failed())
            }
            Some(DeploymentRolloutState::Failed) => Probe::Failed(failed()),
            Some(DeploymentRolloutState::InProgress) => Probe::Pending(String::new()),
            // Completed is not believed while tasks are missing or an earlier deployment still has some.
            _ if service.deployments().len() > 1 || ours.running_count() < ours.desired_count() => {
                Probe::Pending(String::new())
            }
            _ => Probe::Ready(()),
        },
        _ => {
            let serves = primary.task_definition().map_or("another revision", revision);
            let why = match ours.and_then(reason).or_else(|| reason(primary)) {
                Some(reason) if !reason.is_empty() => format!("the deployment was rolled back or replaced: {reason}"),
                _ => "the deployment was rolled back or replaced".to_owned(),
            };
            match primary.rollout_state() {
                Some(DeploymentRolloutState::InProgress) => Probe::Pending(why),
                _ => Probe::Failed(format!("{why}; {serves} serves")),
            }
        }
    }
}

/// What the service deployment says of itself.
fn of_service_deployment(
    service: &sdk::Service,
    expected: &Expected,
    primary: &sdk::Deployment,
    told: &sdk::ServiceDeployment,
    status: &ServiceDeploymentStatus,
) -> Probe<()> {
    let serves = primary.task_definition().map_or("another revision", revision);
    let why = || match reason(told) {
        Some(reason) => format!(": {reason}"),
        None => String::new(),
    };
    match status {
        ServiceDeploymentStatus::Successful if !expected.is(primary) => {
            Probe::Failed(format!("the deployment was replaced: {serves} is to serve"))
        }
        ServiceDeploymentStatus::Successful => {
            let whole = primary.running_count() >= primary.desired_count() || ends_early(service);
            if whole { Probe::Ready(()) } else { Probe::Pending("tasks are missing".to_owned()) }
        }
        ServiceDeploymentStatus::RollbackSuccessful => {
            Probe::Failed(format!("the deployment was rolled back{}; {serves} serves", why()))
        }
        ServiceDeploymentStatus::RollbackFailed => {
            Probe::Failed(format!("the deployment failed, and so did rolling it back{}", why()))
        }
        ServiceDeploymentStatus::Stopped => Probe::Failed(format!("the deployment was stopped{}", why())),
        ServiceDeploymentStatus::RollbackRequested | ServiceDeploymentStatus::RollbackInProgress => {
            Probe::Pending(format!("rolling back{}", why()))
        }
        ServiceDeploymentStatus::StopRequested => Probe::Pending(format!("stopping{}", why())),
        _ => Probe::Pending(stage(told)),
    }
}

/// Why a service deployment ended as it did, in ECS's words.
fn reason(told: &sdk::ServiceDeployment) -> Option<String> {
    let rollback = told.rollback().and_then(|rollback| rollback.reason());
    let told_reasons = [told.status_reason(), rollback].into_iter().flatten();
    let mut reasons: Vec<&str> = told_reasons.map(|reason| reason.trim_end_matches('.')).collect();
    reasons.retain(|reason| !reason.is_empty());
    reasons.dedup();
    let mut text = reasons.join("; ");
    let alarms = told.alarms().map(|alarms| alarms.triggered_alarm_names()).unwrap_or_default();
    if !alarms.iter().all(|name| text.contains(name)) {
        text = [text, format!("alarms in ALARM: {}", alarms.join(", "))].join("; ");
    }
    let text = text.trim_start_matches("; ").to_owned();
    (!text.is_empty()).then_some(text)
}

/// How far a service deployment is: its stage and where the traffic goes.
fn stage(told: &sdk::ServiceDeployment) -> String {
    let stage = told.lifecycle_stage().map(|stage| stage.as_str().to_lowercase().replace('_', " "));
    let weight = told.target_service_revision().and_then(|target| target.requested_production_traffic_weight());
    let test = told.target_service_revision().and_then(|target| target.requested_test_traffic_weight());
    let traffic = weight.map(|weight| format!("{weight:.0} % of the traffic"));
    let test = test.filter(|test| *test > 0.0).map(|test| format!("{test:.0} % of the test traffic"));
    let hook = told.lifecycle_hook_details().iter().find_map(waits);
    [stage, traffic, test, hook].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// That a hook waits for somebody to continue the deployment, where it does.
fn waits(hook: &sdk::DeploymentLifecycleHookDetail) -> Option<String> {
    let awaits = hook.status() == Some(&sdk::DeploymentLifecycleHookStatus::AwaitingAction);
    awaits.then(|| {
        format!("paused until `aws ecs continue-service-deployment` for {}", hook.hook_id().unwrap_or("its hook"))
    })
}

/// Whether a failed deployment brings the last one that worked back.
fn rolls_back(service: &sdk::Service) -> bool {
    let configuration = service.deployment_configuration();
    let breaker = configuration.and_then(|configuration| configuration.deployment_circuit_breaker());
    let alarms = configuration.and_then(|configuration| configuration.alarms());
    breaker.is_some_and(|breaker| breaker.enable() && breaker.rollback())
        || alarms.is_some_and(|alarms| alarms.enable() && alarms.rollback())
}

/// Whether a deployment may have succeeded before all of its tasks run.
fn ends_early(service: &sdk::Service) -> bool {
    let configuration = service.deployment_configuration();
    configuration
        .and_then(|configuration| configuration.early_success_criteria())
        .is_some_and(sdk::DeploymentEarlySuccessCriteria::enable)
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::{
        Deployment, DeploymentCircuitBreaker, DeploymentConfiguration, Rollback, Service, ServiceDeployment,
    };

    use super::*;

    fn deployment(id: &str, status: &str, state: DeploymentRolloutState, running: i32) -> Deployment {
        let deployment = Deployment::builder().id(id).status(status).rollout_state(state);
        deployment.task_definition(format!("x:task-definition/td:{id}")).desired_count(2).running_count(running).build()
    }

    fn service(deployments: Vec<Deployment>, rolls_back: bool) -> Service {
        let breaker = DeploymentCircuitBreaker::builder().enable(true).rollback(rolls_back).build();
        let configuration = DeploymentConfiguration::builder().deployment_circuit_breaker(breaker).build();
        Service::builder().set_deployments(Some(deployments)).deployment_configuration(configuration).build()
    }

    fn text(probe: Probe<()>) -> String {
        match probe {
            Probe::Ready(()) => "ready".to_owned(),
            Probe::Pending(state) => format!("pending: {state}"),
            Probe::Failed(why) => format!("failed: {why}"),
        }
    }

    #[test]
    fn only_a_complete_deployment_that_serves_alone_is_ready() {
        use DeploymentRolloutState::{Completed, Failed, InProgress};
        let two = Expected::Id("2".to_owned());
        let rolled_back = "the deployment was rolled back or replaced";
        let table = [
            (vec![deployment("2", "PRIMARY", Completed, 2)], "ready".to_owned()),
            (vec![deployment("2", "PRIMARY", Completed, 1)], "pending: ".to_owned()),
            (vec![deployment("2", "PRIMARY", InProgress, 2)], "pending: ".to_owned()),
            (
                vec![deployment("2", "PRIMARY", Completed, 2), deployment("1", "ACTIVE", Completed, 1)],
                "pending: ".to_owned(),
            ),
            (vec![deployment("2", "PRIMARY", Failed, 0)], "failed: the deployment failed".to_owned()),
            (
                vec![deployment("3", "PRIMARY", InProgress, 0), deployment("2", "ACTIVE", Failed, 0)],
                format!("pending: {rolled_back}"),
            ),
            (vec![deployment("3", "PRIMARY", Completed, 2)], format!("failed: {rolled_back}; td:3 serves")),
        ];
        for (deployments, expected) in table {
            assert_eq!(text(verdict(&service(deployments, false), &two, None, &mut 0)), expected);
        }
        let rolled_back = service(vec![deployment("1", "PRIMARY", Completed, 2)], false);
        let wanted = Expected::TaskDefinition("x:task-definition/td:2".to_owned());
        assert_eq!(text(verdict(&rolled_back, &wanted, None, &mut 0)), "failed: td:2 is not what is deployed: td:1 is");
    }

    #[test]
    fn a_failed_deployment_that_is_to_be_rolled_back_is_given_a_moment() {
        let failed = service(vec![deployment("2", "PRIMARY", DeploymentRolloutState::Failed, 0)], true);
        let (expected, mut patience) = (Expected::Id("2".to_owned()), 1);
        assert_eq!(text(verdict(&failed, &expected, None, &mut patience)), "pending: the deployment failed");
        assert_eq!(text(verdict(&failed, &expected, None, &mut patience)), "failed: the deployment failed");
    }

    #[test]
    fn a_service_deployment_says_how_it_ended() {
        use ServiceDeploymentStatus as Status;
        let old = || service(vec![deployment("1", "PRIMARY", DeploymentRolloutState::Completed, 2)], true);
        let new = || service(vec![deployment("2", "PRIMARY", DeploymentRolloutState::Completed, 2)], true);
        let table = [
            (new(), Status::Successful, "ready"),
            (new(), Status::InProgress, "pending: bake time, 100 % of the traffic"),
            (old(), Status::Successful, "failed: the deployment was replaced: td:1 is to serve"),
            (old(), Status::RollbackInProgress, "pending: rolling back: tasks failed to start"),
            (
                old(),
                Status::RollbackSuccessful,
                "failed: the deployment was rolled back: tasks failed to start; td:1 serves",
            ),
            (
                new(),
                Status::RollbackFailed,
                "failed: the deployment failed, and so did rolling it back: tasks failed to start",
            ),
            (new(), Status::Stopped, "failed: the deployment was stopped: tasks failed to start"),
        ];
        for (service, status, expected) in table {
            let target = sdk::ServiceRevisionSummary::builder().requested_production_traffic_weight(100.0).build();
            let told = ServiceDeployment::builder()
                .status(status)
                .lifecycle_stage(sdk::ServiceDeploymentLifecycleStage::BakeTime)
                .target_service_revision(target)
                .rollback(Rollback::builder().reason("tasks failed to start").build())
                .build();
            let expected_deployment = Expected::Id("2".to_owned());
            assert_eq!(text(verdict(&service, &expected_deployment, Some(&told), &mut 0)), expected);
        }
    }

    #[test]
    fn alarms_that_rang_are_told_once() {
        let alarms = sdk::ServiceDeploymentAlarms::builder().triggered_alarm_names("errors").build();
        let told = |why: &str| ServiceDeployment::builder().status_reason(why).alarms(alarms.clone()).build();
        assert_eq!(reason(&told("an alarm rang.")).as_deref(), Some("an alarm rang; alarms in ALARM: errors"));
        assert_eq!(reason(&told("errors rang.")).as_deref(), Some("errors rang"));
    }

    #[test]
    fn a_hook_that_waits_for_somebody_is_told() {
        let hook = sdk::DeploymentLifecycleHookDetail::builder().hook_id("ecs-pause-1");
        let hook = hook.status(sdk::DeploymentLifecycleHookStatus::AwaitingAction).build();
        let told = ServiceDeployment::builder().lifecycle_stage(sdk::ServiceDeploymentLifecycleStage::PostScaleUp);
        let told = told.lifecycle_hook_details(hook).build();
        assert_eq!(stage(&told), "post scale up, paused until `aws ecs continue-service-deployment` for ecs-pause-1");
    }
}
