//! A service of a single task.

use crate::lint::scene::{Found, Scene};
use crate::lint::{Lint, SERVICE};

pub(in crate::lint) const LINT: Lint =
    Lint { name: "desired-count", about: "a single task: while it is restarted, nothing serves", kind: SERVICE, check };

fn check(scene: &Scene<'_>, service: usize) -> Found {
    if scene.desired_count(service)? != Some(1) {
        return Ok(Vec::new());
    }
    let message = "a single task runs: when it or its host dies, nothing serves until another is up";
    let help = "give `DesiredCount: 2`, and what scales it a `MinCapacity` of 2";
    Ok(vec![scene.fault(service, &["DesiredCount"], message, help)])
}
