//! A deregistration delay that cuts requests, or that makes every deployment slow.
//!
//! ECS first deregisters a task's target and waits until it has drained: until its connections are closed, or the delay is
//! over. Only then comes SIGTERM, and SIGKILL once the stop timeout is over. What takes longer than the delay is cut by the load
//! balancer, however long the container would have gone on.

use crate::lint::scene::{Found, Scene, Unknown, int, list, text};
use crate::lint::{Lint, SERVICE};
use crate::value::Value;

pub(in crate::lint) const LINT: Lint = Lint {
    name: "deregistration-delay",
    about: "the deregistration delay is shorter than the stop timeout, so that requests are cut, or AWS's 300 s, for which \
            every deployment waits",
    kind: SERVICE,
    check,
};

const KEY: &str = "deregistration_delay.timeout_seconds";
const PROPERTY: &str = "TargetGroupAttributes";

fn check(scene: &Scene<'_>, service: usize) -> Found {
    let mut faults = Vec::new();
    for (entry, group) in scene.load_balancers(service)? {
        let Some(group) = group else { continue };
        let attributes = scene.properties(group)?;
        let Some((index, delay)) = delay(&attributes)? else {
            let message = "tasks drain for up to AWS's 300 s where the stack says nothing, and deployments wait for it";
            let help =
                format!("give `{PROPERTY}: [{{ Key: {KEY}, Value: \"30\" }}]`, as long as the longest request takes");
            faults.push(scene.fault(group, &[PROPERTY], message, help));
            continue;
        };
        let path = format!("{PROPERTY}[{index}]");
        if delay == 0 {
            let message = "requests under way are cut when a task is stopped: it drains for 0 s";
            faults.push(scene.fault(group, &[&path], message, "give it as long as the longest request takes"));
        } else if let Some(stop) = stop_timeout(scene, service, &entry)?.filter(|stop| *stop > delay) {
            let message = format!(
                "requests that take longer than {delay} s are cut: the load balancer drains a task for {delay} s, though its \
                 container has {stop} s to end"
            );
            let help = format!("raise it to \"{stop}\", or lower the container's `StopTimeout`");
            faults.push(scene.fault(group, &[&path], message, help));
        }
    }
    Ok(faults)
}

/// The delay in seconds, and which attribute gives it.
fn delay(properties: &Value) -> Result<Option<(usize, i64)>, Unknown> {
    for (index, attribute) in list(properties, PROPERTY)?.iter().enumerate() {
        if text(attribute, "Key")? == Some(KEY) {
            return Ok(int(attribute, "Value")?.map(|delay| (index, delay)));
        }
    }
    Ok(None)
}

/// The stop timeout that the stack gives the container behind the load balancer.
fn stop_timeout(scene: &Scene<'_>, service: usize, entry: &Value) -> Result<Option<i64>, Unknown> {
    let Some(task) = scene.task_definition(service) else { return Ok(None) };
    let (name, properties) = (text(entry, "ContainerName")?, scene.properties(task)?);
    for container in list(&properties, "ContainerDefinitions")? {
        if text(container, "Name")? == name {
            return int(container, "StopTimeout");
        }
    }
    Ok(None)
}
