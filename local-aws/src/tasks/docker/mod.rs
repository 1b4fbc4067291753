//! Tasks as containers of Docker's engine on this host.

mod container;
mod dependency;
mod engine;
mod image;
mod leftovers;
mod task;
mod watch;

use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::mpsc;

use super::caller::Caller;
use super::orders::Tasks;
use crate::ecs::runtime::{Launch, Runtime, TaskEvent};
use crate::upstream::Upstream;

pub(crate) use engine::Engine;
pub use engine::{EngineError, is_available};

/// Runs tasks as containers.
#[derive(Debug)]
pub(crate) struct Containers {
    engine: Arc<Engine>,
    upstream: Upstream,
    tasks: Tasks,
}

impl Containers {
    /// Makes the runtime, whose tasks run where this is called; secrets and log streams are of `upstream`.
    pub(crate) fn new(engine: Arc<Engine>, upstream: Upstream) -> Self {
        Self { engine, upstream, tasks: Tasks::new() }
    }
}

impl Runtime for Containers {
    fn launch(&self, launch: Launch) -> mpsc::UnboundedReceiver<TaskEvent> {
        let caller = Caller::new(&self.upstream, &launch.task_arn);
        let engine = Arc::clone(&self.engine);
        let arn = launch.task_arn.clone();
        self.tasks.begin(arn, |orders, events| async move { task::run(engine, caller, launch, orders, events).await })
    }

    fn stop(&self, task_arn: &str) {
        self.tasks.stop(task_arn);
    }

    fn stop_all(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.tasks.kill_all())
    }
}
