//! Tasks of which nobody asks whether they work.

use crate::lint::scene::{Found, Scene, at, boolean, list, text};
use crate::lint::{Lint, SERVICE};

pub(in crate::lint) const LINT: Lint = Lint {
    name: "health-check",
    about: "nothing tells whether a new task works: no path to ask in the target group, or no health check in the container",
    kind: SERVICE,
    check,
};

fn check(scene: &Scene<'_>, service: usize) -> Found {
    let mut faults = Vec::new();
    let load_balancers = scene.load_balancers(service)?;
    for group in load_balancers.iter().filter_map(|(_, group)| *group) {
        let properties = scene.properties(group)?;
        if boolean(&properties, "HealthCheckEnabled")? == Some(false) {
            let message = "its targets are never checked: tasks that do not work get requests";
            faults.push(scene.fault(group, &["HealthCheckEnabled"], message, "give `HealthCheckEnabled: true`"));
            continue;
        }
        let protocol = match text(&properties, "HealthCheckProtocol")? {
            Some(protocol) => Some(protocol),
            None => text(&properties, "Protocol")?,
        };
        if matches!(protocol, Some("HTTP" | "HTTPS")) && at(&properties, "HealthCheckPath")?.is_none() {
            let message = "its targets are asked for `/`, AWS's default, which seldom tells whether a task can serve";
            faults.push(scene.fault(
                group,
                &[],
                message,
                "give `HealthCheckPath: /health`, or what the service answers",
            ));
        }
    }
    if load_balancers.is_empty()
        && let Some(task) = scene.task_definition(service)
    {
        let properties = scene.properties(task)?;
        let containers = list(&properties, "ContainerDefinitions")?;
        let mut checked = false;
        for container in containers {
            checked |= at(container, "HealthCheck")?.is_some();
        }
        if !checked && !containers.is_empty() {
            let message =
                "nothing tells whether its tasks work: they have no load balancer, and no container a health check";
            let help = "give a container `HealthCheck: { Command: [CMD, …] }`";
            faults.push(scene.fault(task, &["ContainerDefinitions"], message, help));
        }
    }
    Ok(faults)
}
