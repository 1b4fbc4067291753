//! The targets of all target groups: registered, checked, chosen in turn, drained.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::ecs::runtime::Answers;
use crate::traffic::health::{Checks, Health};
use crate::traffic::proxy::{Connections, connections};
use crate::traffic::settings::GroupSettings;

/// What RegisterTargets names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Target {
    pub(crate) address: IpAddr,
    pub(crate) port: u16,
}

impl From<Target> for SocketAddr {
    fn from(target: Target) -> Self {
        Self::new(target.address, target.port)
    }
}

/// How a target is known to serve.
#[derive(Debug, Clone)]
pub(crate) enum Served {
    /// By asking it.
    Probed,
    /// By being told: nothing listens there.
    Told(watch::Receiver<Answers>),
}

/// Which target a request goes to.
#[derive(Debug)]
pub(super) enum Choice {
    /// The group has none that could take it.
    None,
    /// One that is only simulated, and what it answers with, if anything.
    Simulated(Option<u16>),
    /// One that listens here.
    At(Box<Chosen>),
    /// One that speaks TLS, which is not spoken here.
    Secure,
}

/// A target that was chosen for a request.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) address: SocketAddr,
    /// The connections to it.
    pub(super) connections: Connections,
    /// To be held until the request is over: the target does not leave before.
    pub(super) under_way: Arc<()>,
}

/// Ends the checks of a target that is gone.
#[derive(Debug)]
struct Probe(AbortHandle);

impl Drop for Probe {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[derive(Debug)]
struct Registered {
    target: Target,
    zone: Option<String>,
    served: Served,
    checks: Checks,
    /// Closed with the target: another one may come to have its address.
    connections: Connections,
    /// Held by each request that is under way.
    under_way: Arc<()>,
    /// Since when it drains.
    draining: Option<Instant>,
    probe: Option<Probe>,
}

#[derive(Debug, Default)]
struct Group {
    settings: Option<Arc<GroupSettings>>,
    /// Whether a listener or rule forwards to it.
    used: bool,
    turn: usize,
    targets: Vec<Registered>,
}

impl Group {
    /// Lets go of the targets whose deregistration delay is over. Requests take the time that they take, however fast AWS's
    /// passes: those under way have the delay as it is on AWS.
    fn expire(&mut self, scale: f64) {
        let delay = self.settings.as_ref().map_or(Duration::from_secs(300), |settings| settings.deregistration_delay);
        let scaled = delay.mul_f64(scale);
        self.targets.retain(|own| {
            let delay = if Arc::strong_count(&own.under_way) > 1 { delay.max(scaled) } else { scaled };
            own.draining.is_none_or(|since| since.elapsed() < delay)
        });
    }

    fn health(&self, own: &Registered) -> Health {
        if own.draining.is_some() {
            Health::draining()
        } else if self.settings.is_some() && !self.used {
            Health::not_in_use()
        } else {
            own.checks.health()
        }
    }
}

/// Returns the status with which a simulated target answers, if any; one that has ended refuses the connection.
fn answer(answers: &watch::Receiver<Answers>) -> Option<u16> {
    let ended = answers.has_changed().is_err();
    answers.borrow().status.map(|status| if ended { 502 } else { status })
}

/// All target groups that ever had a target.
#[derive(Debug, Default)]
pub(super) struct Groups(HashMap<String, Group>);

impl Groups {
    /// Registers a target; says whether it must be checked from now on, because it was not there or drained.
    pub(super) fn register(&mut self, group: &str, target: Target, zone: Option<String>, served: Served) -> bool {
        let group = self.0.entry(group.into()).or_default();
        if let Some(own) = group.targets.iter().find(|own| own.target == target)
            && own.draining.is_none()
        {
            return false;
        }
        group.targets.retain(|own| own.target != target);
        group.targets.push(Registered {
            target,
            zone,
            served,
            checks: Checks::default(),
            connections: connections(),
            under_way: Arc::new(()),
            draining: None,
            probe: None,
        });
        true
    }

    /// Keeps what checks `target`, to end it with the target.
    pub(super) fn keep_probe(&mut self, group: &str, target: Target, probe: AbortHandle) {
        let probe = Probe(probe);
        if let Some(own) = self.find_mut(group, target)
            && own.draining.is_none()
        {
            own.probe = Some(probe);
        }
    }

    /// Begins to drain a target.
    pub(super) fn deregister(&mut self, group: &str, target: Target) {
        if let Some(own) = self.find_mut(group, target)
            && own.draining.is_none()
        {
            own.draining = Some(Instant::now());
            own.probe = None;
        }
    }

    fn find_mut(&mut self, group: &str, target: Target) -> Option<&mut Registered> {
        self.0.get_mut(group)?.targets.iter_mut().find(|own| own.target == target)
    }

    /// Changes what is known of a target's checks.
    pub(super) fn check(&mut self, group: &str, target: Target, change: impl FnOnce(&mut Checks)) {
        if let Some(own) = self.find_mut(group, target) {
            change(&mut own.checks);
        }
    }

    pub(super) fn health(&mut self, group: &str, target: Target, scale: f64) -> Health {
        let Some(group) = self.0.get_mut(group) else { return Health::not_registered() };
        group.expire(scale);
        let own = group.targets.iter().find(|own| own.target == target);
        own.map_or_else(Health::not_registered, |own| group.health(own))
    }

    /// Returns the targets of a group with their zones and health, in the order of their registration.
    pub(super) fn list(&mut self, group: &str, scale: f64) -> Vec<(Target, Option<String>, Health)> {
        let Some(group) = self.0.get_mut(group) else { return Vec::new() };
        group.expire(scale);
        group.targets.iter().map(|own| (own.target, own.zone.clone(), group.health(own))).collect()
    }

    /// Chooses a target for a request: healthy ones in turn, or any in turn when none is.
    pub(super) fn choose(&mut self, group: &str, scale: f64) -> Choice {
        let Some(group) = self.0.get_mut(group) else { return Choice::None };
        group.expire(scale);
        let open = || group.targets.iter().filter(|own| own.draining.is_none());
        let healthy = || open().filter(|own| own.checks.is_healthy());
        let turn = group.turn;
        let chosen = match (healthy().count(), open().count()) {
            (0, 0) => None,
            (0, all) => open().nth(turn % all),
            (some, _) => healthy().nth(turn % some),
        };
        let choice = match chosen {
            None => Choice::None,
            Some(Registered { served: Served::Told(answers), .. }) => Choice::Simulated(answer(answers)),
            Some(_) if group.settings.as_ref().is_some_and(|settings| !settings.plain) => Choice::Secure,
            Some(own) => Choice::At(Box::new(Chosen {
                address: own.target.into(),
                connections: own.connections.clone(),
                under_way: Arc::clone(&own.under_way),
            })),
        };
        group.turn = turn.wrapping_add(1);
        choice
    }

    /// Takes over a group's settings, and whether a listener or rule forwards to it.
    pub(super) fn set(&mut self, group: &str, settings: &Arc<GroupSettings>, used: bool) {
        if let Some(group) = self.0.get_mut(group) {
            group.settings = Some(Arc::clone(settings));
            group.used = used;
        }
    }

    /// Lets go of the groups that are gone.
    pub(super) fn retain(&mut self, stands: impl Fn(&str) -> bool) {
        self.0.retain(|group, _| stands(group));
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traffic::health::HealthState;
    use crate::traffic::settings::HealthCheck;

    const GROUP: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/1";

    fn target(last: u8) -> Target {
        Target { address: [10, 0, 0, last].into(), port: 8080 }
    }

    /// A group in use, whose targets drain for 30 s.
    fn group(targets: &[u8]) -> Groups {
        let mut groups = Groups::default();
        for last in targets {
            assert!(groups.register(GROUP, target(*last), None, Served::Probed));
        }
        let deregistration_delay = Duration::from_secs(30);
        let settings = GroupSettings { check: HealthCheck::default(), plain: true, deregistration_delay };
        groups.set(GROUP, &Arc::new(settings), true);
        groups
    }

    fn pass(groups: &mut Groups, last: u8) {
        groups.check(GROUP, target(last), |checks| checks.record(Ok(()), &HealthCheck::default()));
    }

    /// Returns the last numbers of the addresses that so many requests go to.
    fn chosen(groups: &mut Groups, times: usize) -> Vec<String> {
        let last = |choice| match choice {
            Choice::At(chosen) => chosen.address.ip().to_string().rsplit('.').next().unwrap_or_default().to_owned(),
            other => format!("{other:?}"),
        };
        (0..times).map(|_| last(groups.choose(GROUP, 0.1))).collect()
    }

    #[test]
    fn healthy_targets_get_requests_in_turn_and_others_none() {
        let mut groups = group(&[1, 2, 3]);
        pass(&mut groups, 1);
        pass(&mut groups, 3);
        assert_eq!(chosen(&mut groups, 4), ["1", "3", "1", "3"]);
    }

    #[test]
    fn without_a_healthy_target_all_get_requests() {
        let mut groups = group(&[1, 2]);
        assert_eq!(chosen(&mut groups, 3), ["1", "2", "1"]);
        assert_eq!(chosen(&mut group(&[]), 1), ["None"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deregistered_target_drains_for_its_delay_and_gets_no_requests() {
        let mut groups = group(&[1, 2]);
        pass(&mut groups, 1);
        pass(&mut groups, 2);
        groups.deregister(GROUP, target(1));
        assert_eq!(chosen(&mut groups, 3), ["2", "2", "2"]);
        assert_eq!(groups.health(GROUP, target(1), 0.1).state, HealthState::Draining);
        tokio::time::advance(Duration::from_millis(2_900)).await;
        assert_eq!(groups.list(GROUP, 0.1).len(), 2);
        tokio::time::advance(Duration::from_millis(200)).await;
        assert_eq!(groups.health(GROUP, target(1), 0.1), Health::not_registered());
        assert_eq!(groups.list(GROUP, 0.1).len(), 1);
        groups.deregister(GROUP, target(2));
        assert_eq!(chosen(&mut groups, 1), ["None"], "draining targets never get requests");
    }

    #[tokio::test(start_paused = true)]
    async fn a_target_does_not_leave_while_a_request_is_under_way_within_the_delay_of_aws() {
        let mut groups = group(&[1]);
        let state = |groups: &mut Groups| groups.health(GROUP, target(1), 0.1).state;
        let request = groups.choose(GROUP, 0.1);
        groups.deregister(GROUP, target(1));
        tokio::time::advance(Duration::from_secs(29)).await;
        assert_eq!(state(&mut groups), HealthState::Draining);
        drop(request);
        assert_eq!(state(&mut groups), HealthState::Unused);
        assert!(groups.register(GROUP, target(1), None, Served::Probed));
        let _never_over = groups.choose(GROUP, 0.1);
        groups.deregister(GROUP, target(1));
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(state(&mut groups), HealthState::Unused);
    }

    #[tokio::test(start_paused = true)]
    async fn a_draining_target_that_is_registered_again_starts_anew() {
        let mut groups = group(&[1]);
        pass(&mut groups, 1);
        assert!(!groups.register(GROUP, target(1), None, Served::Probed), "it is registered already");
        assert_eq!(groups.health(GROUP, target(1), 1.0).state, HealthState::Healthy);
        groups.deregister(GROUP, target(1));
        assert!(groups.register(GROUP, target(1), None, Served::Probed));
        assert_eq!(groups.health(GROUP, target(1), 1.0).state, HealthState::Initial);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(groups.health(GROUP, target(1), 1.0).state, HealthState::Initial);
    }

    #[test]
    fn a_group_that_nothing_forwards_to_is_unused_and_a_deleted_one_is_gone() {
        let mut groups = group(&[1]);
        groups.set(GROUP, &Arc::new(GroupSettings::default()), false);
        assert_eq!(groups.health(GROUP, target(1), 1.0).reason, "Target.NotInUse");
        groups.retain(|_| false);
        assert_eq!(groups.health(GROUP, target(1), 1.0).reason, "Target.NotRegistered");
    }
}
