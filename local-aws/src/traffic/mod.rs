//! Traffic: the load balancers' targets, their health, and the requests that are routed to them.

mod action;
mod api;
mod condition;
mod count;
mod groups;
mod health;
mod probe;
mod proxy;
mod routes;
mod settings;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, Weak};

use axum::body::Body;
use hyper::http::uri::PathAndQuery;
use hyper::{Request, Response, StatusCode};
use tokio::sync::watch;

use crate::call::Call;
use crate::clock::Wait;
use crate::shared::{Shared, held};
use crate::traffic::count::Counts;
use crate::traffic::groups::Groups;
use crate::traffic::proxy::{Arrived, failed, fixed};
use crate::traffic::routes::{Balancer, Routes, Scope};
use crate::view;
use crate::xml::Element;

pub(crate) use api::answer;
pub use count::RequestCount;
pub(crate) use groups::{Served, Target};
pub(crate) use health::{Health, HealthState};

/// What the path of a request begins with that names its load balancer: `/_alb/NAME[:PORT]/…`.
const PREFIX: &str = "/_alb/";

/// The load balancers' data plane.
#[derive(Debug, Clone)]
pub(crate) struct Traffic(Arc<State>);

#[derive(Debug)]
struct State {
    /// Where the emulator and the time are, not held alive from here since it holds this; and the port of all of it.
    home: OnceLock<(Weak<Shared>, u16)>,
    /// Counts what may have changed the routes.
    changed: watch::Sender<u64>,
    /// Where there may be load balancers.
    scopes: Mutex<BTreeSet<Scope>>,
    routes: Mutex<Arc<Routes>>,
    /// Held while the routes are read.
    reading: tokio::sync::Mutex<()>,
    groups: Mutex<Groups>,
    counts: Mutex<Counts>,
}

impl Default for Traffic {
    fn default() -> Self {
        Self(Arc::new(State {
            home: OnceLock::new(),
            changed: watch::Sender::new(0),
            scopes: Mutex::default(),
            routes: Mutex::default(),
            reading: tokio::sync::Mutex::default(),
            groups: Mutex::default(),
            counts: Mutex::default(),
        }))
    }
}

impl Traffic {
    /// Says what it belongs to; nothing is routed or checked before.
    pub(crate) fn attach(&self, shared: &Arc<Shared>, port: u16) {
        let _attached_once = self.0.home.set((Arc::downgrade(shared), port));
    }

    /// Returns the DNS name of a load balancer, with the port, since no other one listens here.
    pub(crate) fn dns_name(&self, balancer: &Element) -> String {
        let name = routes::dns_name(balancer);
        self.0.home.get().map_or_else(|| name.clone(), |(_, port)| format!("{name}:{port}"))
    }

    /// Registers a target with a target group, by its ARN, and begins to check it.
    pub(crate) fn register(&self, target_group: &str, target: Target, served: Served) {
        self.register_in(target_group, target, None, served);
    }

    fn register_in(&self, target_group: &str, target: Target, zone: Option<String>, served: Served) {
        if let Some(scope) = scope_of(target_group) {
            self.0.add_scope(scope);
        }
        let mut groups = self.0.groups();
        let new = groups.register(target_group, target, zone, served.clone());
        // The group may be known for long, but this be its first target.
        held(&self.0.routes).tell(target_group, &mut groups);
        drop(groups);
        if new {
            let run = probe::run(Arc::downgrade(&self.0), target_group.into(), target, served);
            let task = tokio::spawn(run);
            self.0.groups().keep_probe(target_group, target, task.abort_handle());
        }
    }

    /// Begins to drain a target: it gets no new requests, and is gone after the deregistration delay.
    pub(crate) fn deregister(&self, target_group: &str, target: Target) {
        self.0.groups().deregister(target_group, target);
    }

    /// Returns the health of a target as DescribeTargetHealth tells it.
    pub(crate) fn health(&self, target_group: &str, target: Target) -> Health {
        let scale = self.0.scale();
        self.0.groups().health(target_group, target, scale)
    }

    /// Says whether the deregistration delay of a target is over, or it was never registered.
    pub(crate) fn is_drained(&self, target_group: &str, target: Target) -> bool {
        let health = self.health(target_group, target);
        health == Health::not_registered()
    }

    /// Changes the target groups and weights that a rule or listener forwards to, by its ARN.
    pub(crate) async fn set_forward_weights(&self, rule_or_listener: &str, weights: Vec<(String, u32)>) {
        if let Some(shared) = self.0.shared() {
            view::forward::set_weights(&mut shared.memory(), rule_or_listener, &weights);
            self.0.change();
            // From now on, not from the next request on.
            self.0.routes().await;
        }
    }

    /// Takes down that `call` was done: the routes must be read again before they are used.
    pub(crate) fn note(&self, call: &Call, account: &str) {
        const CHANGES: [&str; 3] = ["cloudcontrolapi", "cloudformation", "elasticloadbalancing"];
        if CHANGES.contains(&call.scope.service.as_str()) && !call.is_read() {
            self.0.add_scope((account.into(), call.scope.region.clone()));
            self.0.change();
        }
    }

    /// Takes down that time passes at another speed.
    pub(crate) fn rescaled(&self) {
        self.0.change();
    }

    /// Forgets all targets and requests.
    pub(crate) fn clear(&self) {
        self.0.groups().clear();
        self.0.counts().clear();
        self.0.change();
    }

    pub(crate) fn counts(&self) -> Vec<RequestCount> {
        self.0.counts().list()
    }

    pub(crate) fn clear_counts(&self) {
        self.0.counts().clear();
    }

    /// Answers a request to a load balancer.
    ///
    /// # Errors
    /// Gives back a request that does not go to one.
    pub(crate) async fn answer(
        &self,
        request: Request<Body>,
        peer: SocketAddr,
    ) -> Result<Response<Body>, Request<Body>> {
        let (parts, body) = request.into_parts();
        let named = parts.uri.path().strip_prefix(PREFIX).map(|rest| {
            let (name, _) = rest.split_once('/').unwrap_or((rest, ""));
            name.to_owned()
        });
        let host = condition::host(&parts);
        if named.is_none() && !host.ends_with(".localhost") {
            return Err(Request::from_parts(parts, body));
        }
        let routes = self.0.routes().await;
        let whole = parts.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let (balancer, port, path) = match &named {
            Some(name) => {
                let path = &whole[PREFIX.len() + name.len()..];
                let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
                let (name, port) =
                    name.split_once(':').map_or((name.as_str(), None), |(name, port)| (name, Some(port)));
                (routes.by_name(name), port.map(|port| port.parse().unwrap_or(0)), path)
            }
            None => (routes.by_host(&host), None, whole.to_owned()),
        };
        let (balancer, path) = match (balancer, PathAndQuery::try_from(path)) {
            (Some(balancer), Ok(path)) => (Arc::clone(balancer), path),
            (None, _) if named.is_none() && !host.ends_with(".elb.localhost") => {
                return Err(Request::from_parts(parts, body));
            }
            (None, _) => return Ok(fixed(404, "text/plain", "there is no such load balancer\n")),
            (_, Err(_)) => return Ok(failed(StatusCode::BAD_REQUEST)),
        };
        if self.0.is_provisioning(&balancer) {
            return Ok(fixed(503, "text/plain", "the load balancer is not provisioned yet\n"));
        }
        let Some(listener) = balancer.listener(port) else {
            return Ok(fixed(503, "text/plain", "the load balancer has no listener on this port\n"));
        };
        let arrived = Arrived { balancer: &balancer, listener, peer, path };
        Ok(arrived.answer(&self.0, Request::from_parts(parts, body)).await)
    }
}

impl State {
    fn shared(&self) -> Option<Arc<Shared>> {
        self.home.get()?.0.upgrade()
    }

    fn scale(&self) -> f64 {
        self.shared().map_or(1.0, |shared| shared.clock().scale())
    }

    fn groups(&self) -> MutexGuard<'_, Groups> {
        held(&self.groups)
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        held(&self.counts)
    }

    fn add_scope(&self, scope: Scope) {
        if held(&self.scopes).insert(scope) {
            self.change();
        }
    }

    fn change(&self) {
        self.changed.send_modify(|version| *version += 1);
    }

    fn is_provisioning(&self, balancer: &Balancer) -> bool {
        self.shared().is_some_and(|shared| shared.clock().waits(&balancer.arn, Wait::LoadBalancerCreated))
    }

    /// Returns the routes with all that has changed so far; the last ones that could be read if the emulator fails.
    async fn routes(&self) -> Arc<Routes> {
        let current = Arc::clone(&held(&self.routes));
        if current.version >= *self.changed.borrow() {
            return current;
        }
        let _one_reads = self.reading.lock().await;
        let version = *self.changed.borrow();
        let current = Arc::clone(&held(&self.routes));
        let Some(shared) = self.shared().filter(|_| current.version < version) else { return current };
        let scopes = held(&self.scopes).clone();
        let Ok(routes) = Routes::load(&shared, &scopes, version).await else { return current };
        self.install(routes)
    }

    fn install(&self, routes: Routes) -> Arc<Routes> {
        let routes = Arc::new(routes);
        let mut groups = self.groups();
        // A group made since they were read would else be taken for a deleted one.
        if routes.version == *self.changed.borrow() {
            groups.retain(|group| routes.groups.contains_key(group));
        }
        for group in routes.groups.keys() {
            routes.tell(group, &mut groups);
        }
        *held(&self.routes) = Arc::clone(&routes);
        routes
    }
}

/// Returns the account and region of an ARN.
fn scope_of(arn: &str) -> Option<Scope> {
    let mut parts = arn.split(':').skip(3);
    let (region, account) = (parts.next()?, parts.next()?);
    Some((account.into(), region.into()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http_body_util::BodyExt;
    use tokio::time::sleep;

    use super::*;
    use crate::ecs::runtime::Answers;

    const GROUP: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/1";
    const UNHEALTHY: Answers = Answers { healthy: false, status: None };
    const LISTENER: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/lb/1/2";

    /// A data plane in real time, with a load balancer that forwards to one group.
    fn traffic() -> Traffic {
        let traffic = Traffic::default();
        let read = |text: &str| Element::parse(format!("<member>{text}</member>").as_bytes()).unwrap();
        let group =
            read(&format!("<TargetGroupArn>{GROUP}</TargetGroupArn><HealthCheckProtocol>HTTP</HealthCheckProtocol>"));
        let delay = read("<Key>deregistration_delay.timeout_seconds</Key><Value>40</Value>");
        let balancer = read("<LoadBalancerArn>lb</LoadBalancerArn><LoadBalancerName>lb</LoadBalancerName>");
        let listener = format!(
            "<ListenerArn>{LISTENER}</ListenerArn><LoadBalancerArn>lb</LoadBalancerArn><Port>80</Port><DefaultActions>\
             <member><Type>forward</Type><TargetGroupArn>{GROUP}</TargetGroupArn></member></DefaultActions>"
        );
        let mut routes = Routes::default();
        routes.add_group(&group, &[delay]);
        routes.add_balancer(&balancer, &[], &[read(&listener)], &[]);
        routes.version = u64::MAX;
        traffic.0.install(routes);
        traffic
    }

    fn target() -> Target {
        Target { address: [10, 0, 0, 1].into(), port: 80 }
    }

    #[tokio::test(start_paused = true)]
    async fn a_simulated_target_is_checked_by_what_is_told() {
        let traffic = traffic();
        let (tell, told) = watch::channel(UNHEALTHY);
        let reason = || traffic.health(GROUP, target()).reason;
        traffic.register(GROUP, target(), Served::Told(told));
        assert_eq!(reason(), "Elb.RegistrationInProgress");
        sleep(Duration::from_secs(1)).await;
        assert_eq!(reason(), "Elb.InitialHealthChecking");
        sleep(Duration::from_secs(30)).await;
        assert_eq!(reason(), "Target.FailedHealthChecks", "two checks failed, 30 s apart");
        tell.send_replace(Answers { healthy: true, ..UNHEALTHY });
        sleep(Duration::from_secs(4 * 30)).await;
        assert_eq!(reason(), "Target.FailedHealthChecks", "four of five checks passed");
        sleep(Duration::from_secs(30)).await;
        assert_eq!(reason(), "");
        traffic.deregister(GROUP, target());
        sleep(Duration::from_secs(39)).await;
        assert!(!traffic.is_drained(GROUP, target()));
        sleep(Duration::from_secs(1)).await;
        assert!(traffic.is_drained(GROUP, target()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_simulated_target_answers_as_it_is_told_or_says_that_it_is_one() {
        let traffic = traffic();
        let (tell, told) = watch::channel(UNHEALTHY);
        traffic.register(GROUP, target(), Served::Told(told));
        let ask = async || {
            let request = Request::get("/_alb/lb/x").body(Body::empty()).unwrap();
            traffic.answer(request, ([127, 0, 0, 1], 9).into()).await.unwrap()
        };
        let answer = ask().await;
        assert_eq!(answer.status(), 503);
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(body.starts_with(b"tasks are simulated here"), "{body:?}");
        tell.send_replace(Answers { status: Some(204), ..UNHEALTHY });
        assert_eq!(ask().await.status(), 204);
        drop(tell);
        assert_eq!(ask().await.status(), 502, "it has ended");
        let other = Request::get("/v2/").header("host", "localhost").body(Body::empty()).unwrap();
        assert!(traffic.answer(other, ([127, 0, 0, 1], 9).into()).await.is_err(), "it goes to no load balancer");
    }
}
