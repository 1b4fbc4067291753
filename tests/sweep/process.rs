//! A process: it runs, stands still, or is dead, and its faults strike at its steps.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use infra::apply::Interrupt;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::faults::{Effect, Fault, Plan, Step};
use crate::region::Region;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Runs,
    Frozen,
    Dead,
}

#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) number: usize,
    pub(crate) region: Arc<Region>,
    phase: watch::Sender<Phase>,
    interrupt: watch::Sender<Interrupt>,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    plan: Plan,
    random: u64,
    expired: bool,
    full: bool,
    unreachable_until: Option<Instant>,
}

impl Process {
    pub(crate) fn new(number: usize, region: &Arc<Region>, faults: &[Fault], jitter: u64) -> Arc<Self> {
        let random = (jitter ^ (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)) | 1;
        let plan = Plan::new(faults);
        Arc::new(Self {
            number,
            region: Arc::clone(region),
            phase: watch::Sender::new(Phase::Runs),
            interrupt: watch::Sender::new(Interrupt::None),
            inner: Mutex::new(Inner { plan, random, expired: false, full: false, unreachable_until: None }),
        })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What befalls this step. What lasts, and what needs no more than to be known, begins here.
    pub(crate) fn strike(self: &Arc<Self>, step: Step) -> Option<Effect> {
        if self.is_dead() {
            return None;
        }
        let effect = self.inner().plan.strike(step)?;
        self.region.tally().struck(&effect, step);
        match effect {
            Effect::Expire => self.inner().expired = true,
            Effect::FullDisk => self.inner().full = true,
            Effect::Unreachable(seconds) => {
                self.inner().unreachable_until = Some(Instant::now() + Duration::from_secs(seconds.into()));
            }
            Effect::Drain => self.ask(Interrupt::Drain),
            Effect::Stop(after) => {
                self.ask(Interrupt::Drain);
                let process = Arc::clone(self);
                tokio::spawn(async move {
                    sleep(Duration::from_millis(u64::from(after) * 100)).await;
                    process.ask(Interrupt::Stop);
                });
            }
            _ => return Some(effect),
        }
        None
    }

    fn ask(&self, interrupt: Interrupt) {
        self.interrupt.send_replace(interrupt);
    }

    pub(crate) fn interrupts(&self) -> watch::Receiver<Interrupt> {
        self.interrupt.subscribe()
    }

    pub(crate) fn is_expired(&self) -> bool {
        self.inner().expired
    }

    pub(crate) fn has_full_disk(&self) -> bool {
        self.inner().full
    }

    pub(crate) fn reaches_store(&self) -> bool {
        self.inner().unreachable_until.is_none_or(|until| until <= Instant::now())
    }

    /// How long something takes on its way: now and then much longer.
    pub(crate) fn latency(&self) -> Duration {
        let mut inner = self.inner();
        inner.random ^= inner.random << 13;
        inner.random ^= inner.random >> 7;
        inner.random ^= inner.random << 17;
        let (millis, seldom) = (inner.random >> 40 & 0x7f, inner.random >> 50 & 0xf == 0);
        Duration::from_millis(if seldom { millis * 30 } else { millis })
    }

    pub(crate) fn die(&self) {
        self.phase.send_replace(Phase::Dead);
    }

    pub(crate) fn freeze(self: &Arc<Self>, seconds: u16) {
        self.become_if(Phase::Runs, Phase::Frozen);
        let process = Arc::clone(self);
        tokio::spawn(async move {
            sleep(Duration::from_secs(seconds.into())).await;
            process.become_if(Phase::Frozen, Phase::Runs);
        });
    }

    fn become_if(&self, from: Phase, to: Phase) {
        self.phase.send_if_modified(|phase| {
            let becomes = *phase == from;
            if becomes {
                *phase = to;
            }
            becomes
        });
    }

    pub(crate) fn is_dead(&self) -> bool {
        *self.phase.borrow() == Phase::Dead
    }

    /// Returns while the process runs: at once, once it is awake again, or never.
    pub(crate) async fn awake(&self) {
        let runs = self.phase.subscribe().wait_for(|phase| *phase == Phase::Runs).await.is_ok();
        if !runs {
            std::future::pending::<()>().await;
        }
    }

    /// What comes of `run`, as far as the process lives; nothing of it is carried on while it stands still.
    pub(crate) async fn host<T>(&self, run: impl Future<Output = T>) -> Option<T> {
        let mut run = std::pin::pin!(run);
        let mut phases = self.phase.subscribe();
        loop {
            let phase = *phases.borrow_and_update();
            match phase {
                Phase::Dead => return None,
                Phase::Frozen => drop(phases.changed().await),
                Phase::Runs => tokio::select! {
                    biased;
                    _ = phases.changed() => {}
                    result = &mut run => return Some(result),
                },
            }
        }
    }
}
