//! A service behind a load balancer whose new tasks are killed while they start.

use crate::lint::scene::{Found, Scene, at};
use crate::lint::{Lint, SERVICE};

pub(in crate::lint) const LINT: Lint = Lint {
    name: "health-check-grace-period",
    about: "no grace period behind a load balancer: tasks that fail health checks while they start are killed",
    kind: SERVICE,
    check,
};

const PROPERTY: &str = "HealthCheckGracePeriodSeconds";

fn check(scene: &Scene<'_>, service: usize) -> Found {
    if scene.load_balancers(service)?.is_empty() || at(&*scene.properties(service)?, PROPERTY)?.is_some() {
        return Ok(Vec::new());
    }
    let message = "a new task that does not pass its health checks at once is killed: there is no grace period";
    Ok(vec![scene.fault(service, &[], message, format!("give `{PROPERTY}: 60`, longer than a task takes to start"))])
}
