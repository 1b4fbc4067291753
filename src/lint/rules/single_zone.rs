//! A service whose tasks all fail with one zone.

use std::collections::BTreeSet;

use crate::lint::scene::{Found, Scene, list, text};
use crate::lint::{Lint, SERVICE, SUBNET};

pub(in crate::lint) const LINT: Lint = Lint {
    name: "single-zone",
    about: "all subnets of a service are in one zone: when that fails, nothing serves",
    kind: SERVICE,
    check,
};

const SUBNETS: &str = "NetworkConfiguration.AwsvpcConfiguration.Subnets";

fn check(scene: &Scene<'_>, service: usize) -> Found {
    let properties = scene.properties(service)?;
    let given = list(&properties, SUBNETS)?.len();
    let subnets = scene.referred(service, SUBNETS, SUBNET);
    // Of a subnet that is not in the stack, nobody knows the zone.
    if given == 0 || subnets.len() != given {
        return Ok(Vec::new());
    }
    let mut zones = BTreeSet::new();
    for subnet in subnets {
        match text(&*scene.properties(subnet)?, "AvailabilityZone")? {
            Some(zone) => drop(zones.insert(zone.to_owned())),
            None => return Ok(Vec::new()),
        }
    }
    match zones.into_iter().collect::<Vec<_>>().as_slice() {
        [zone] => {
            let message = format!("all of its tasks run in the zone {zone}: when that fails, nothing serves");
            let help = "give subnets of at least two zones, as with `for_each: ${zones(2)}`";
            Ok(vec![scene.fault(service, &[SUBNETS], message, help)])
        }
        _ => Ok(Vec::new()),
    }
}
