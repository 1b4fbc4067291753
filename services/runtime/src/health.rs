//! Liveness and readiness, and the routes that tell them.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::time::Instant;

/// The state that `/health` and `/ready` tell. Clones share it.
///
/// A service lives from its start, or once it has warmed up, unless a [`Heartbeat`] falls silent: then ECS replaces the task. It is ready once all
/// its [`Condition`]s are met, and until it drains.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<RwLock<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    heartbeats: Vec<Beat>,
    conditions: Vec<(&'static str, Result<(), String>)>,
    draining: bool,
    /// When it began to warm up, and for how long it does.
    warm_up: Option<(Instant, Duration)>,
}

#[derive(Debug)]
struct Beat {
    name: &'static str,
    silence: Duration,
    last: Instant,
}

impl Health {
    /// Begins to expect a beat of what is called `name` at least every `silence`.
    #[must_use]
    pub fn heartbeat(&self, name: &'static str, silence: Duration) -> Heartbeat {
        let index = self.write(|inner| {
            inner.heartbeats.push(Beat { name, silence, last: Instant::now() });
            inner.heartbeats.len() - 1
        });
        Heartbeat { health: self.clone(), index }
    }

    /// Adds a condition of readiness called `name`, which is not met yet.
    #[must_use]
    pub fn condition(&self, name: &'static str) -> Condition {
        let index = self.write(|inner| {
            inner.conditions.push((name, Err("not known yet".into())));
            inner.conditions.len() - 1
        });
        Condition { health: self.clone(), index }
    }

    /// Begins to warm up: for that long it does not count as alive, so that a version that dies soon is never given
    /// requests. A load balancer takes a new target for healthy after one check.
    pub fn warm_up(&self, lasting: Duration) {
        self.write(|inner| inner.warm_up = Some((Instant::now(), lasting)));
    }

    /// Says that the service ends: it lives on, and is not ready any more.
    pub fn drain(&self) {
        self.write(|inner| inner.draining = true);
    }

    /// Says whether the service lives.
    ///
    /// # Errors
    /// Which heartbeat is silent, or that it warms up.
    pub fn live(&self) -> Result<(), String> {
        let inner = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((began, lasting)) = inner.warm_up
            && began.elapsed() < lasting
        {
            return Err(format!("warming up for {} s", lasting.as_secs()));
        }
        match inner.heartbeats.iter().find(|beat| beat.last.elapsed() > beat.silence) {
            None => Ok(()),
            Some(beat) => Err(format!("{} is silent for {} s", beat.name, beat.last.elapsed().as_secs())),
        }
    }

    /// Says whether the service is ready for work.
    ///
    /// # Errors
    /// Why not.
    pub fn ready(&self) -> Result<(), String> {
        self.live()?;
        let inner = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if inner.draining {
            return Err("draining".into());
        }
        inner
            .conditions
            .iter()
            .try_for_each(|(name, state)| state.as_ref().copied().map_err(|why| format!("{name}: {why}")))
    }

    fn write<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a loop beats to show that it goes on.
#[derive(Debug, Clone)]
pub struct Heartbeat {
    health: Health,
    index: usize,
}

impl Heartbeat {
    /// Shows that the loop goes on.
    pub fn beat(&self) {
        self.health.write(|inner| {
            if let Some(beat) = inner.heartbeats.get_mut(self.index) {
                beat.last = Instant::now();
            }
        });
    }
}

/// Something that must be so for the service to be ready.
#[derive(Debug, Clone)]
pub struct Condition {
    health: Health,
    index: usize,
}

impl Condition {
    /// Says that it is so, or why it is not.
    pub fn set(&self, state: Result<(), String>) {
        self.health.write(|inner| {
            if let Some(condition) = inner.conditions.get_mut(self.index) {
                condition.1 = state;
            }
        });
    }
}

/// Returns the routes: `/health` for liveness (`ok`, to GET and POST) and `/ready` for readiness; each answers 503 with
/// the reason otherwise.
pub fn router(health: Health) -> Router {
    Router::new().route("/health", get(live).post(live)).route("/ready", get(ready)).with_state(health)
}

async fn live(State(health): State<Health>) -> Response {
    answer(health.live(), "ok")
}

async fn ready(State(health): State<Health>) -> Response {
    answer(health.ready(), "ready")
}

fn answer(state: Result<(), String>, good: &'static str) -> Response {
    let uncached = [(CACHE_CONTROL, "no-store")];
    match state {
        Ok(()) => (uncached, good).into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, uncached, why).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn a_service_is_ready_when_its_conditions_are_met_and_until_it_drains() {
        let health = Health::default();
        assert_eq!(health.ready(), Ok(()));
        let queue = health.condition("queue");
        assert_eq!(health.ready(), Err("queue: not known yet".into()));
        queue.set(Ok(()));
        assert_eq!(health.ready(), Ok(()));
        queue.set(Err("it does not answer".into()));
        assert_eq!(health.ready(), Err("queue: it does not answer".into()));
        queue.set(Ok(()));
        health.drain();
        assert_eq!(health.ready(), Err("draining".into()));
        assert_eq!(health.live(), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_warms_up_is_not_alive_yet() {
        let health = Health::default();
        health.warm_up(Duration::from_secs(5));
        assert_eq!(health.live(), Err("warming up for 5 s".into()));
        advance(Duration::from_secs(5)).await;
        assert_eq!(health.live(), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_heartbeat_ends_the_service_s_life() {
        let health = Health::default();
        let poll = health.heartbeat("the poll loop", Duration::from_secs(60));
        advance(Duration::from_secs(59)).await;
        poll.beat();
        advance(Duration::from_secs(59)).await;
        assert_eq!(health.live(), Ok(()));
        advance(Duration::from_secs(2)).await;
        assert_eq!(health.live(), Err("the poll loop is silent for 61 s".into()));
        assert_eq!(health.ready(), health.live());
    }
}
