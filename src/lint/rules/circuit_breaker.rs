//! A service whose failed deployments nobody ends.

use crate::lint::scene::{Found, Scene, boolean};
use crate::lint::{Lint, SERVICE};

pub(in crate::lint) const LINT: Lint = Lint {
    name: "circuit-breaker",
    about: "the circuit breaker is switched off: a deployment whose tasks keep dying goes on for hours",
    kind: SERVICE,
    check,
};

const ENABLE: &str = "DeploymentConfiguration.DeploymentCircuitBreaker.Enable";

fn check(scene: &Scene<'_>, service: usize) -> Found {
    let off = boolean(&*scene.properties(service)?, ENABLE)? == Some(false);
    if !off || scene.strategy(service)?.is_none() {
        return Ok(Vec::new());
    }
    let message = "the circuit breaker is off: a deployment whose tasks keep dying is neither ended nor rolled back";
    Ok(vec![scene.fault(service, &[ENABLE], message, "leave it on, as it is where the stack says nothing")])
}
