//! Removes what a local AWS left on the engine that was killed before it could.

use std::collections::HashMap;

use bollard::Docker;
use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder, RemoveContainerOptionsBuilder,
    RemoveVolumeOptionsBuilder,
};

/// The label on everything that a local AWS makes; its value names the process.
const OWNER_LABEL: &str = "local-aws.owner";
/// The label that names which local AWS of that process; `bootstrap.py` looks for it.
const INSTANCE_LABEL: &str = "local-aws.instance";

/// Returns the labels of all that the local AWS `instance` makes.
pub(super) fn labels(instance: &str) -> HashMap<String, String> {
    HashMap::from([(OWNER_LABEL.into(), owner()), (INSTANCE_LABEL.into(), instance.into())])
}

/// Names this process: its space of process ids, its id, and when it started, because ids are given again.
fn owner() -> String {
    let process = std::process::id();
    format!("{}/{process}/{}", space(), started(process).unwrap_or_default())
}

/// Says whether the process that `owner` names has ended; of those in another container nothing is known.
fn is_dead(owner: &str) -> bool {
    let mut parts = owner.split('/');
    let (Some(space_of), Some(process), Some(began)) = (parts.next(), parts.next(), parts.next()) else { return false };
    let Ok(process) = process.parse() else { return false };
    space_of == space() && started(process).is_none_or(|now| now != began)
}

fn space() -> String {
    std::fs::read_link("/proc/self/ns/pid").map(|link| link.display().to_string()).unwrap_or_default()
}

/// When a process started, in ticks since the host did; none if there is no such process.
fn started(process: u32) -> Option<String> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field, the name in brackets, may hold anything; the start is the 22nd.
    Some(text.rsplit_once(')')?.1.split_whitespace().nth(19)?.to_owned())
}

/// Removes containers, networks and volumes whose process has ended. What can't be removed stays for the next time.
pub(super) async fn remove(docker: &Docker) {
    let ours = HashMap::from([("label", vec![OWNER_LABEL])]);
    let dead = |labels: &Option<HashMap<String, String>>| {
        labels.as_ref().and_then(|labels| labels.get(OWNER_LABEL)).is_some_and(|owner| is_dead(owner))
    };
    let options = ListContainersOptionsBuilder::default().all(true).filters(&ours).build();
    for container in docker.list_containers(Some(options)).await.unwrap_or_default() {
        if let (true, Some(id)) = (dead(&container.labels), container.id) {
            remove_container(docker, &id).await;
        }
    }
    let options = ListNetworksOptionsBuilder::default().filters(&ours).build();
    for network in docker.list_networks(Some(options)).await.unwrap_or_default() {
        if let (true, Some(id)) = (dead(&network.labels), network.id) {
            let _next_time = docker.remove_network(&id).await;
        }
    }
    let options = ListVolumesOptionsBuilder::default().filters(&ours).build();
    let volumes = docker.list_volumes(Some(options)).await.ok().and_then(|list| list.volumes);
    for volume in volumes.unwrap_or_default() {
        if dead(&Some(volume.labels)) {
            remove_volume(docker, &volume.name).await;
        }
    }
}

/// Removes a container, running or not, with what it alone has.
pub(super) async fn remove_container(docker: &Docker, id: &str) {
    let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
    let _next_time = docker.remove_container(id, Some(options)).await;
}

/// Removes a volume that no container has any more.
pub(super) async fn remove_volume(docker: &Docker, name: &str) {
    let options = RemoveVolumeOptionsBuilder::default().force(true).build();
    let _next_time = docker.remove_volume(name, Some(options)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_dead_process_of_this_host_left_is_removed() {
        let own = owner();
        assert!(!is_dead(&own), "{own}");
        let (before, _) = own.rsplit_once('/').unwrap();
        assert!(is_dead(&format!("{before}/1")), "an id that was given again");
        assert!(is_dead(&format!("{}/4194999/1", space())), "no such process");
        assert!(!is_dead("pid:[1]/4194999/1"), "another container's process");
        assert!(!is_dead("something else"));
    }
}
