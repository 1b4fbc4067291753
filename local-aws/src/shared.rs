//! What all connections share.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Clock;
use crate::ecs::Scheduler;
use crate::ecs::runtime::Runtime;
use crate::fault::{FaultId, Faults};
use crate::inventory::Item;
use crate::memory::Memory;
use crate::record::Recorder;
use crate::tasks::Behaviours;
use crate::traffic::Traffic;
use crate::upstream::Upstream;

/// The state of one local AWS.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The emulator for most services.
    pub(crate) upstream: Upstream,
    /// The emulators in process.
    pub(crate) in_process: crate::in_process::InProcess,
    /// The services and tasks of ECS.
    pub(crate) ecs: Scheduler,
    /// The load balancers' targets and the requests to them.
    pub(crate) traffic: Traffic,
    /// Held by a call that changes something from its check to its answer, so that what was checked still holds.
    pub(crate) changing: tokio::sync::Mutex<()>,
    /// How simulated tasks behave.
    pub(crate) behaviours: Behaviours,
    /// What the emulator starts with.
    pub(crate) seeds: tokio::sync::Mutex<BTreeSet<Item>>,
    clock: Mutex<Clock>,
    faults: Mutex<Faults>,
    memory: Mutex<Memory>,
    recorder: Mutex<Recorder>,
    hidden_for: Mutex<Duration>,
    holding: watch::Sender<Option<FaultId>>,
}

impl Shared {
    pub(crate) fn new(upstream: Upstream, behaviours: Behaviours, tasks: Arc<dyn Runtime>, time_scale: f64) -> Self {
        Self {
            upstream,
            in_process: crate::in_process::InProcess::new(),
            ecs: Scheduler::new(tasks),
            traffic: Traffic::default(),
            changing: tokio::sync::Mutex::new(()),
            behaviours,
            seeds: tokio::sync::Mutex::default(),
            clock: Mutex::new(Clock::new(time_scale)),
            faults: Mutex::default(),
            memory: Mutex::default(),
            recorder: Mutex::new(Recorder::new()),
            hidden_for: Mutex::default(),
            holding: watch::Sender::new(None),
        }
    }

    pub(crate) fn clock(&self) -> MutexGuard<'_, Clock> {
        held(&self.clock)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        held(&self.faults)
    }

    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        held(&self.memory)
    }

    pub(crate) fn recorder(&self) -> MutexGuard<'_, Recorder> {
        held(&self.recorder)
    }

    /// Holds all calls until the rule `by` is deleted.
    pub(crate) fn hold(&self, by: FaultId) {
        self.holding.send_replace(Some(by));
    }

    /// Lets go of the calls that the rule `by`, or any rule, holds.
    pub(crate) fn release(&self, by: Option<FaultId>) {
        self.holding.send_if_modified(|holding| {
            let released = holding.is_some() && (by.is_none() || *holding == by);
            if released {
                *holding = None;
            }
            released
        });
    }

    /// Says whether calls are held.
    pub(crate) fn holds(&self) -> bool {
        self.holding.borrow().is_some()
    }

    /// Returns once no calls are held.
    pub(crate) async fn released(&self) {
        // The sender lives as long as this does.
        let mut holding = self.holding.subscribe();
        let _never_fails = holding.wait_for(Option::is_none).await;
    }

    /// Returns for how long a new id is not visible.
    pub(crate) fn hidden_for(&self) -> MutexGuard<'_, Duration> {
        held(&self.hidden_for)
    }
}

/// Locks `mutex`; what a panicking test left behind is still the best there is.
pub(crate) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
