//! One round for one service: what its tasks have come to, and what is done about it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Notify;

use super::ids::Ids;
use super::operations::short;
use super::pace::Now;
use super::rolling::{Bounds, Standing, decide};
use super::rollout::Cause;
use super::runtime::Runtime;
use super::service::{Deployment, Progress, Revision, Rollout, Service, Status};
use super::shift::Stage;
use super::task::{self, Failing, Stopped, Task};
use crate::clock::TimeScale;
use crate::traffic::Traffic;

/// The alarms of a deployment, as CloudWatch tells them.
#[derive(Debug, Clone, Default)]
pub(super) struct Ringing {
    /// Those in `ALARM`.
    pub(super) names: Vec<String>,
    /// The longest time that one of them looks back.
    pub(super) window: Duration,
}

/// Weights of target groups, to be set on a rule.
pub(super) type Weights = (String, Vec<(String, u32)>);

/// What a round is done with.
pub(super) struct Round<'a> {
    pub(super) now: Now,
    pub(super) scale: TimeScale,
    pub(super) runtime: &'a dyn Runtime,
    pub(super) traffic: &'a Traffic,
    pub(super) ids: &'a Ids,
    pub(super) changed: &'a Arc<Notify>,
    /// By the ARN of the service.
    pub(super) alarms: HashMap<String, Ringing>,
    /// What is to be set once the round is over.
    pub(super) weights: Vec<Weights>,
}

type Tasks = BTreeMap<String, Task>;

/// A task that is not being stopped.
struct Live {
    arn: String,
    standing: Standing,
    failing: Option<Failing>,
}

impl Round<'_> {
    /// Does what is due for `service`.
    pub(super) fn reconcile(&mut self, service: &mut Service, tasks: &mut Tasks) {
        let now = self.now;
        self.count_failures(service, tasks);
        if service.status != Status::Active {
            for task in own(service, tasks).filter(|task| task.is_live()) {
                task.stop(Stopped::by_scheduler(format!("Service {} is being deleted", service.name)), &now);
            }
            if service.status == Status::Draining
                && own(service, tasks).all(|task| task.status == task::Status::Stopped)
            {
                service.status = Status::Inactive;
                service.deployments.clear();
            }
            return;
        }
        if let Some(deployment) = service.under_way().filter(|deployment| deployment.status == Progress::Pending) {
            deployment.started = Some(now.epoch);
            deployment.enter(Progress::Started, "", &now);
        }
        let mut live = self.live(service, tasks);
        if let Some(cause) = self.failure(service) {
            self.undo_shift(service);
            service.fail(&cause, self.ids, &now);
            live = self.live(service, tasks);
        }
        let is_shifting = service.under_way().is_some_and(|one| one.shift.is_some() && one.rollback.is_none());
        let primary = service.deployments.first().map(|deployment| deployment.rollout);
        match primary {
            Some(Rollout::Failed) => self.hold(service, tasks, &live),
            Some(Rollout::InProgress) if is_shifting => self.shift(service, tasks, &live),
            Some(_) => self.roll(service, tasks, &live),
            None => {}
        }
        self.conclude(service, tasks);
    }

    /// Counts the tasks that ended by themselves.
    fn count_failures(&self, service: &mut Service, tasks: &mut Tasks) {
        let mut failed = Vec::new();
        for task in own(service, tasks).filter(|task| task.failed && !task.counted) {
            task.counted = true;
            failed.push(task.plan.started_by.clone());
        }
        for deployment in failed {
            self.count(service, &deployment);
        }
    }

    fn count(&self, service: &mut Service, deployment: &str) {
        service.failures += 1;
        service.failed_at = self.now.moment;
        service.is_steady = false;
        let Some(primary) = service.deployments.first_mut() else { return };
        if primary.id == deployment && primary.rollout == Rollout::InProgress {
            primary.failed += 1;
            primary.updated = self.now.epoch;
            let failures = primary.failed;
            if let Some(under_way) = service.under_way() {
                under_way.failures = failures;
            }
        }
    }

    /// Returns the live tasks of each deployment and how they stand; a task newly healthy makes up for failures.
    fn live(&self, service: &mut Service, tasks: &mut Tasks) -> HashMap<String, Vec<Live>> {
        let mut live: HashMap<String, Vec<Live>> = HashMap::new();
        let mut healed = Vec::new();
        for task in own(service, tasks).filter(|task| task.is_live()) {
            let was_healthy = task.was_healthy;
            let (standing, failing) = task.standing(&self.now, self.traffic);
            if task.was_healthy && !was_healthy {
                healed.push(task.plan.started_by.clone());
            }
            let arn = task.plan.arn.clone();
            live.entry(task.plan.started_by.clone()).or_default().push(Live { arn, standing, failing });
        }
        let resets = service.breaker().resets;
        if let Some(primary) = service.deployments.first_mut().filter(|primary| healed.contains(&primary.id)) {
            service.failures = 0;
            if resets && primary.rollout == Rollout::InProgress {
                primary.failed = 0;
                if let Some(under_way) = service.under_way() {
                    under_way.failures = 0;
                }
            }
        }
        live
    }

    /// Says why the deployment under way has failed, if it has.
    fn failure(&self, service: &mut Service) -> Option<Cause> {
        let breaker = service.breaker();
        let failed = service.deployments.first().filter(|primary| primary.rollout == Rollout::InProgress)?.failed;
        let watches = !service.alarm_names().is_empty();
        let alarms = self.alarms.get(&service.arn).filter(|_| watches);
        let under_way = service.under_way()?;
        match under_way.status {
            Progress::StopRequested => return Some(Cause::Abort),
            Progress::RollbackRequested => return Some(Cause::Rollback),
            _ => {}
        }
        if under_way.shift.is_some_and(|shift| shift.stage == Stage::CleanUp) && under_way.rollback.is_none() {
            // The old revision is going: there is nothing left to go back to.
            return None;
        }
        if breaker.enabled && failed >= breaker.threshold {
            return Some(Cause::Breaker);
        }
        let ringing = alarms.filter(|_| under_way.rollback.is_none())?;
        let watched = *under_way.alarms.watched.get_or_insert(ringing.names.is_empty());
        under_way.alarms.bake = ringing.window;
        (watched && !ringing.names.is_empty()).then(|| Cause::Alarms(ringing.names.clone()))
    }

    /// Replaces the tasks of all other deployments by those of the primary one, within the service's bounds.
    fn roll(&mut self, service: &mut Service, tasks: &mut Tasks, live: &HashMap<String, Vec<Live>>) {
        let Some(primary) = service.deployments.first().cloned() else { return };
        let (new, old): (Vec<_>, Vec<_>) = live.iter().partition(|(deployment, _)| **deployment == primary.id);
        let new: Vec<&Live> = new.into_iter().flat_map(|(_, tasks)| tasks).collect();
        let old: Vec<&Live> = old.into_iter().flat_map(|(_, tasks)| tasks).collect();
        let standings = |list: &[&Live]| list.iter().map(|task| task.standing).collect::<Vec<_>>();
        let step = decide(service.bounds(), &standings(&new), &standings(&old));
        let stopping: Vec<&Live> = step
            .stop_new
            .iter()
            .map(|place| new[*place])
            .chain(step.stop_old.iter().map(|place| old[*place]))
            .collect();
        self.stop(service, tasks, &stopping);
        self.start(service, tasks, &primary, step.start);
    }

    /// Keeps as many tasks as are wanted of what served before a deployment that has failed and is not rolled back.
    fn hold(&mut self, service: &mut Service, tasks: &mut Tasks, live: &HashMap<String, Vec<Live>>) {
        let Some(serving) = service.completed.clone() else { return };
        let total: usize = live.values().map(Vec::len).sum();
        self.start(service, tasks, &serving, service.desired.saturating_sub(total));
    }

    /// Keeps both revisions at full count while traffic goes from one to the other, then stops the old one's tasks.
    fn shift(&mut self, service: &mut Service, tasks: &mut Tasks, live: &HashMap<String, Vec<Live>>) {
        let (Some(green), Some(blue)) = (service.deployments.first().cloned(), service.completed.clone()) else {
            return;
        };
        let none = Vec::new();
        let of = |deployment: &Deployment| live.get(&deployment.id).unwrap_or(&none);
        let desired = service.desired;
        let is_scaled_up = of(&green).iter().filter(|task| task.standing == Standing::Healthy).count() >= desired;
        let now = self.now;
        let Some(under_way) = service.under_way() else { return };
        let configuration = under_way.configuration.clone();
        let Some(shift) = under_way.shift.as_mut() else { return };
        let before = *shift;
        if shift.is_placed {
            shift.advance(&configuration, is_scaled_up, &now);
        } else {
            shift.is_placed = true;
        }
        let shift = *shift;
        if shift != before {
            under_way.updated = now.epoch;
            if !before.is_placed || shift.production != before.production || shift.test != before.test {
                self.weigh(&green.revision, &blue.revision, shift.production, shift.test);
            }
        }
        for deployment in [&blue, &green] {
            let all = of(deployment);
            let bounds = match deployment.id == green.id {
                true if shift.stage < Stage::ScaleUp => Bounds::new(0, 100, 200),
                true => Bounds::new(desired, 0, 200),
                false if shift.stage == Stage::CleanUp => Bounds::new(0, 100, 200),
                false => Bounds::new(desired, 100, 200),
            };
            let standings: Vec<_> = all.iter().map(|task| task.standing).collect();
            let step = decide(bounds, &standings, &[]);
            let stopping: Vec<&Live> = step.stop_new.iter().map(|place| &all[*place]).collect();
            self.stop(service, tasks, &stopping);
            self.start(service, tasks, deployment, step.start);
        }
        // What an earlier deployment has left behind serves nobody.
        let others = live.iter().filter(|(id, _)| **id != green.id && **id != blue.id);
        let others: Vec<&Live> = others.flat_map(|(_, tasks)| tasks).collect();
        self.stop(service, tasks, &others);
    }

    /// Sends all traffic back to where it was before the deployment under way.
    fn undo_shift(&mut self, service: &mut Service) {
        let Some(blue) = service.completed.clone() else { return };
        let Some(green) = service.deployments.first().cloned() else { return };
        let Some(shift) = service.under_way().and_then(|under_way| under_way.shift.as_mut()) else { return };
        (shift.production, shift.test) = (0.0, 0.0);
        self.weigh(&green.revision, &blue.revision, 0.0, 0.0);
    }

    /// Has the shares of production and test traffic set that go to `green`; the rest goes to `blue`.
    fn weigh(&mut self, green: &Revision, blue: &Revision, production: f64, test: f64) {
        let balancers = green.settings.get("loadBalancers").and_then(Value::as_array).into_iter().flatten();
        for (place, balancer) in balancers.enumerate() {
            let advanced = &balancer["advancedConfiguration"];
            let group = |revision: &Revision| {
                revision.attachments().into_iter().nth(place).map(|attachment| attachment.target_group)
            };
            let (Some(to), Some(from)) = (group(green), group(blue)) else { continue };
            for (rule, share) in [("productionListenerRule", production), ("testListenerRule", test)] {
                let Some(rule) = advanced[rule].as_str() else { continue };
                // Weights are whole, and at most 999.
                let unit = if share.fract() == 0.0 { 1.0 } else { 9.0 };
                let (share, all) = ((share * unit).round() as u32, (100.0 * unit) as u32);
                self.weights.push((rule.to_owned(), vec![(from.clone(), all - share), (to.clone(), share)]));
            }
        }
    }

    fn stop(&mut self, service: &mut Service, tasks: &mut Tasks, stopping: &[&Live]) {
        let mut draining = Vec::new();
        for Live { arn, failing, .. } in stopping {
            let Some(task) = tasks.get_mut(arn) else { continue };
            let id = short(arn).to_owned();
            let deployment = task.plan.started_by.clone();
            if !task.plan.attachments.is_empty() && task.status == task::Status::Running {
                draining.push(id.clone());
            }
            let Some(failing) = failing else {
                task.stop(
                    Stopped::by_scheduler(format!("Scaling activity initiated by (deployment {deployment})")),
                    &self.now,
                );
                let told = format!("has stopped 1 running tasks: (task {id}).");
                service.tell(&told, self.ids.uuid(), &self.now);
                continue;
            };
            let (reason, told) = match failing {
                Failing::Container => (
                    "Task failed container health checks".to_owned(),
                    format!("(task {id}) failed container health checks."),
                ),
                Failing::Target { port, target_group, why } => (
                    format!("Task failed ELB health checks in (target-group {target_group})"),
                    format!("(port {port}) is unhealthy in (target-group {target_group}) due to (reason {why})."),
                ),
            };
            task.stop(Stopped::by_scheduler(reason), &self.now);
            if !task.counted {
                task.counted = true;
                self.count(service, &deployment);
            }
            service.tell(&told, self.ids.uuid(), &self.now);
        }
        if !draining.is_empty() {
            let told = format!("has begun draining connections on {} tasks.", draining.len());
            service.tell(&told, self.ids.uuid(), &self.now);
        }
    }

    /// Ends the deployment under way once all is as it is to be, and forgets those of which nothing is left.
    fn conclude(&mut self, service: &mut Service, tasks: &mut Tasks) {
        let left: Vec<String> = own(service, tasks)
            .filter(|task| task.status < task::Status::Deprovisioning)
            .map(|task| task.plan.started_by.clone())
            .collect();
        let mut place = 0;
        service.deployments.retain(|deployment| {
            place += 1;
            place == 1 || left.contains(&deployment.id)
        });
        let live = self.live(service, tasks);
        let Some(primary) = service.deployments.first() else { return };
        let (id, rollout) = (primary.id.clone(), primary.rollout);
        let own = live.get(&id).map(Vec::as_slice).unwrap_or_default();
        let full = own.len() == service.desired && own.iter().all(|task| task.standing == Standing::Healthy);
        let alone = service.deployments.len() == 1;
        let now = self.now;
        let watches = !service.alarm_names().is_empty();
        let ready = match service.under_way() {
            Some(under_way) if rollout == Rollout::InProgress => {
                let shifted =
                    under_way.rollback.is_some() || under_way.shift.is_none_or(|shift| shift.stage == Stage::CleanUp);
                if !(full && shifted) {
                    under_way.complete_since = None;
                }
                let since = *under_way.complete_since.get_or_insert(now.moment);
                // A rollback watches no alarms, and a deployment that shifts traffic has watched them in its own time.
                let bakes = watches
                    && under_way.rollback.is_none()
                    && under_way.shift.is_none()
                    && under_way.alarms.watched != Some(false);
                full && shifted && (!bakes || now.is_over(since, under_way.alarms.bake))
            }
            _ => full,
        };
        if ready && alone && rollout == Rollout::InProgress {
            service.succeed(self.ids, &now);
        }
        if full && alone && !service.is_steady && rollout != Rollout::Failed {
            service.is_steady = true;
            service.tell("has reached a steady state.", self.ids.uuid(), &now);
        }
    }
}

/// Returns the tasks of `service`.
fn own<'a>(service: &Service, tasks: &'a mut Tasks) -> impl Iterator<Item = &'a mut Task> + use<'a> {
    let arn = service.arn.clone();
    tasks.values_mut().filter(move |task| task.plan.service.as_ref() == Some(&arn))
}
