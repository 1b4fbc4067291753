//! The health checks of one target, until it is deregistered.

use std::net::SocketAddr;
use std::sync::Weak;
use std::time::Duration;

use axum::body::Body;
use hyper::header::{CONNECTION, USER_AGENT};
use hyper::{Request, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};

use crate::traffic::State;
use crate::traffic::groups::{Served, Target};
use crate::traffic::health::{Checks, Failure};
use crate::traffic::settings::{HealthCheck, Method};

/// Checks `target` as its group says, whenever something forwards to the group.
pub(super) async fn run(state: Weak<State>, group: String, target: Target, served: Served) {
    let Some(mut changed) = state.upgrade().map(|state| state.changed.subscribe()) else { return };
    loop {
        changed.borrow_and_update();
        let Some(own) = state.upgrade() else { return };
        let routes = own.routes().await;
        let settings = routes.groups.get(&group).filter(|_| routes.uses(&group)).cloned();
        drop(routes);
        let Some(settings) = settings else {
            own.groups().check(&group, target, |checks| *checks = Checks::default());
            drop(own);
            if changed.changed().await.is_err() {
                return;
            }
            continue;
        };
        let scale = own.scale();
        own.groups().check(&group, target, Checks::begin);
        drop(own);
        let begun = Instant::now();
        let outcome = match &served {
            Served::Told(answers) if answers.borrow().healthy => Ok(()),
            Served::Told(_) => Err(Failure::Connection),
            Served::Probed => probe(target, &settings.check, settings.check.scaled_timeout(scale)).await,
        };
        let Some(own) = state.upgrade() else { return };
        own.groups().check(&group, target, |checks| checks.record(outcome, &settings.check));
        drop(own);
        loop {
            let Some(scale) = state.upgrade().map(|state| state.scale()) else { return };
            tokio::select! {
                () = sleep_until(begun + settings.check.scaled_interval(scale)) => break,
                // Time may pass at another speed from now on.
                changed = changed.changed() => if changed.is_err() { return },
            }
        }
    }
}

async fn probe(target: Target, check: &HealthCheck, limit: Duration) -> Result<(), Failure> {
    let address = SocketAddr::new(target.address, check.port.unwrap_or(target.port));
    let asked = async {
        match check.method {
            Method::Http => get(address, check).await,
            Method::Tcp => TcpStream::connect(address).await.map(drop).map_err(|_| Failure::Connection),
            Method::Unsupported => Err(Failure::Connection),
        }
    };
    timeout(limit, asked).await.unwrap_or(Err(Failure::Timeout))
}

/// Gets the path over a connection of its own, as Elastic Load Balancing does.
async fn get(address: SocketAddr, check: &HealthCheck) -> Result<(), Failure> {
    let uri = Uri::builder().scheme("http").authority(address.to_string()).path_and_query(check.path.as_str());
    let request = Request::get(uri.build().map_err(|_| Failure::Connection)?);
    let request = request.header(USER_AGENT, "ELB-HealthChecker/2.0").header(CONNECTION, "close").body(Body::empty());
    let request = request.map_err(|_| Failure::Connection)?;
    let client: Client<HttpConnector, Body> =
        Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(HttpConnector::new());
    let answer = client.request(request).await.map_err(|_| Failure::Connection)?;
    let code = answer.status().as_u16();
    if check.accepts(code) { Ok(()) } else { Err(Failure::Code(code)) }
}
