//! A rolling update that may stop everything, or that can't begin.
//!
//! ECS rounds the fewest healthy tasks up and the most tasks down, so that 50 % of 1 is 1, and 150 % of 1 is 1 as well.

use crate::diagnostic::Severity;
use crate::lint::scene::{Fault, Found, Scene, int};
use crate::lint::{Lint, SERVICE};

pub(in crate::lint) const LINT: Lint = Lint {
    name: "minimum-healthy-percent",
    about: "a deployment may stop every task before a new one serves; or may neither stop nor start one, and never ends (an \
            error)",
    kind: SERVICE,
    check,
};

const MINIMUM: &str = "DeploymentConfiguration.MinimumHealthyPercent";
const MAXIMUM: &str = "DeploymentConfiguration.MaximumPercent";

fn check(scene: &Scene<'_>, service: usize) -> Found {
    let desired = match (scene.strategy(service)?.as_deref(), scene.desired_count(service)?) {
        (Some("ROLLING"), Some(desired)) if desired > 0 => desired,
        _ => return Ok(Vec::new()),
    };
    let properties = scene.properties(service)?;
    let minimum = int(&properties, MINIMUM)?.unwrap_or(100);
    let maximum = int(&properties, MAXIMUM)?.unwrap_or(200);
    let fewest = desired.saturating_mul(minimum).saturating_add(99) / 100;
    let most = desired.saturating_mul(maximum) / 100;
    let tasks = if desired == 1 { "its 1 task".to_owned() } else { format!("its {desired} tasks") };
    if fewest >= desired && most <= desired {
        let message = format!(
            "a deployment can never go on: of {tasks} none may stop ({minimum} % is at least {fewest}), and none may start \
             beside them ({maximum} % is at most {most})"
        );
        let enough = (desired + 1).saturating_mul(100).saturating_add(desired - 1) / desired;
        let help = format!("raise the maximum, to at least {enough}");
        let fault = scene.fault(service, &[MAXIMUM, MINIMUM], message, help);
        return Ok(vec![Fault { severity: Severity::Error, ..fault }]);
    }
    if fewest > 0 {
        return Ok(Vec::new());
    }
    let message = format!("a deployment may stop all of {tasks} before a new one serves: the minimum is {minimum} %");
    Ok(vec![scene.fault(service, &[MINIMUM], message, "raise it to 100, or leave it out")])
}
