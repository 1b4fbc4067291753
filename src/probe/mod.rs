//! Watching the availability of what a stack serves, before, during and after an apply.
//!
//! Checks are made at fixed times, each on a connection of its own and without waiting for the others, so that one that
//! hangs hides none of those after it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::stack::Probe;

mod report;
#[cfg(feature = "aws")]
mod request;
#[cfg(feature = "aws")]
mod resolver;

use report::{Check, Tally};
pub use report::{Phase, PhaseCount, Reason, Report};

/// More checks under way than this are skipped: they would only measure ourselves.
const MAX_UNDER_WAY: usize = 1_000;

/// What makes one check, and says why it failed.
pub(crate) trait Checker: Send + Sync + 'static {
    fn check(&self) -> impl Future<Output = Result<(), String>> + Send;
}

/// A watch under way; dropping it ends it.
#[derive(Debug)]
pub struct Watch {
    phase: watch::Sender<Option<Phase>>,
    task: JoinHandle<Tally>,
    probe: Probe,
    url: String,
}

impl Watch {
    /// Begins to watch `url`, from the phase before anything is changed.
    ///
    /// # Errors
    /// Where no request can be made of it.
    #[cfg(feature = "aws")]
    pub fn start(probe: &Probe, url: &str, phase: Phase) -> Result<Self, String> {
        Ok(Self::with(probe, url, phase, request::Requests::new(probe, url)?))
    }

    /// Without the feature `aws` there is nothing to ask with.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(feature = "aws"))]
    pub fn start(_: &Probe, _: &str, _: Phase) -> Result<Self, String> {
        Err("this infra was built without the feature `aws`, and can't make requests".to_owned())
    }

    #[cfg_attr(not(any(test, feature = "aws")), expect(dead_code, reason = "the checker needs the feature"))]
    fn with(probe: &Probe, url: &str, phase: Phase, checker: impl Checker) -> Self {
        let (sender, phases) = watch::channel(Some(phase));
        let task = tokio::spawn(run(Arc::new(checker), probe.every, phases));
        Self { phase: sender, task, probe: probe.clone(), url: url.to_owned() }
    }

    /// What is watched.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Says that another phase begins.
    pub fn enter(&self, phase: Phase) {
        self.phase.send_replace(Some(phase));
    }

    /// Ends the watch, once what is under way has an answer or none in time.
    pub async fn end(self) -> Report {
        self.phase.send_replace(None);
        // It ends by itself; where it panicked, nothing was seen.
        let tally = self.task.await.unwrap_or_default();
        tally.report(&self.url, self.probe.slo)
    }
}

async fn run<C: Checker>(checker: Arc<C>, every: Duration, mut phases: watch::Receiver<Option<Phase>>) -> Tally {
    let mut tally = Tally::default();
    let mut under_way = JoinSet::new();
    let mut times = interval(every);
    times.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let began = Instant::now();
    loop {
        tokio::select! {
            // What has ended is counted before a new check begins.
            biased;
            Some(ended) = under_way.join_next() => tally.extend(ended.ok()),
            changed = phases.changed() => {
                if changed.is_err() || phases.borrow().is_none() {
                    break;
                }
            }
            now = times.tick() => {
                let phase = *phases.borrow();
                let Some(phase) = phase.filter(|_| under_way.len() < MAX_UNDER_WAY) else { continue };
                let checker = Arc::clone(&checker);
                under_way.spawn(async move {
                    let result = checker.check().await;
                    Check { phase, at: now - began, took: now.elapsed(), result }
                });
            }
        }
    }
    while let Some(ended) = under_way.join_next().await {
        tally.extend(ended.ok());
    }
    tally.ended(began.elapsed());
    tally
}

#[cfg(test)]
mod tests;
