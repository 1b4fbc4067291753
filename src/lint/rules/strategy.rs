//! A strategy that moves traffic, without what traffic is moved with.

use crate::lint::scene::{Found, Scene, at, boolean};
use crate::lint::{Lint, SERVICE};

pub(in crate::lint) const LINT: Lint = Lint {
    name: "strategy",
    about: "blue/green, linear or canary without the second target group, the listener rule or the role that move traffic",
    kind: SERVICE,
    check,
};

const STRATEGY: &str = "DeploymentConfiguration.Strategy";

fn check(scene: &Scene<'_>, service: usize) -> Found {
    let strategy = match scene.strategy(service)? {
        Some(strategy) if strategy != "ROLLING" => strategy,
        _ => return Ok(Vec::new()),
    };
    let strategy = strategy.to_lowercase();
    let load_balancers = scene.load_balancers(service)?;
    if load_balancers.is_empty() {
        // Service Connect can move the traffic of blue/green, and a service without traffic needs nothing to move it.
        let connected = boolean(&*scene.properties(service)?, "ServiceConnectConfiguration.Enabled")? == Some(true);
        if connected || strategy == "blue_green" {
            return Ok(Vec::new());
        }
        let message = format!(
            "the strategy `{strategy}` shifts traffic of a load balancer, and {} has none",
            scene.name(service)
        );
        return Ok(vec![scene.fault(service, &[STRATEGY], message, "give `LoadBalancers`, or use `rolling`")]);
    }
    let mut faults = Vec::new();
    for (index, (entry, _)) in load_balancers.iter().enumerate() {
        let mut missing = Vec::new();
        for name in ["AlternateTargetGroupArn", "ProductionListenerRule", "RoleArn"] {
            // One that is given may not be known yet.
            if let Ok(None) = at(entry, &format!("AdvancedConfiguration.{name}")) {
                missing.push(format!("`{name}`"));
            }
        }
        if missing.is_empty() || at(entry, "AdvancedConfiguration").is_err() {
            continue;
        }
        let message =
            format!("the strategy `{strategy}` has nothing to move traffic with: {} missing", listed(&missing));
        let help = "give `AdvancedConfiguration` a second target group, the rule of the listener that forwards to both, and a \
                    role that ECS may change it with";
        let paths = [format!("LoadBalancers[{index}].AdvancedConfiguration"), format!("LoadBalancers[{index}]")];
        faults.push(scene.fault(service, &[&paths[0], &paths[1]], message, help));
    }
    Ok(faults)
}

fn listed(names: &[String]) -> String {
    match names {
        [only] => format!("{only} is"),
        [first @ .., last] => format!("{} and {last} are", first.join(", ")),
        [] => "nothing is".to_owned(),
    }
}
