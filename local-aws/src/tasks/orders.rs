//! The tasks that run, and what each is asked to do.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::ecs::runtime::{Stop, TaskEvent};
use crate::shared::held;

/// What a task is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Order {
    Run,
    /// End as it likes, in its time.
    Stop,
    /// End at once.
    Kill,
}

/// What one task is asked to do, for who runs it.
#[derive(Debug, Clone)]
pub(super) struct Orders(watch::Receiver<Order>);

impl Orders {
    /// Waits until the task is to end, softly or not.
    pub(super) async fn asked_to_stop(&mut self) {
        self.at_least(Order::Stop).await;
    }

    /// Waits until the task is to end at once.
    pub(super) async fn asked_to_die(&mut self) {
        self.at_least(Order::Kill).await;
    }

    /// Says whether the task is to end.
    pub(super) fn is_stopped(&self) -> bool {
        *self.0.borrow() >= Order::Stop
    }

    async fn at_least(&mut self, least: Order) {
        if self.0.wait_for(|order| *order >= least).await.is_err() {
            // Nobody can ask any more.
            std::future::pending::<()>().await;
        }
    }
}

#[derive(Debug)]
struct Running {
    order: watch::Sender<Order>,
    handle: JoinHandle<()>,
}

/// All tasks of a runtime, by ARN.
#[derive(Debug, Clone)]
pub(super) struct Tasks {
    running: Arc<Mutex<HashMap<String, Running>>>,
    /// Where they run, from wherever they are launched.
    handle: Handle,
}

impl Tasks {
    /// Makes room for tasks that run where this is called.
    pub(super) fn new() -> Self {
        Self { running: Arc::default(), handle: Handle::current() }
    }

    /// Runs a task: `run` returns how it ended, which is then told as its last event.
    pub(super) fn begin<F, R>(&self, arn: String, run: R) -> mpsc::UnboundedReceiver<TaskEvent>
    where
        R: FnOnce(Orders, mpsc::UnboundedSender<TaskEvent>) -> F,
        F: Future<Output = Stop> + Send + 'static,
    {
        let (events, received) = mpsc::unbounded_channel();
        let (order, orders) = watch::channel(Order::Run);
        let running = run(Orders(orders), events.clone());
        let tasks = self.clone();
        let own = arn.clone();
        // Held until the task is entered, so that its end can't come first.
        let mut held = self.held();
        let handle = self.handle.spawn(async move {
            let stop = running.await;
            tasks.held().remove(&own);
            let _nobody_listens = events.send(TaskEvent::Stopped(stop));
        });
        held.insert(arn, Running { order, handle });
        received
    }

    /// Asks a task to stop, if it runs.
    pub(super) fn stop(&self, arn: &str) {
        if let Some(running) = self.held().get(arn) {
            running.order.send_if_modified(|order| {
                let stops = *order < Order::Stop;
                *order = Order::Stop.max(*order);
                stops
            });
        }
    }

    /// Asks all tasks to end at once, and waits until they have.
    pub(super) async fn kill_all(&self) {
        let all: Vec<Running> = self.held().drain().map(|(_, running)| running).collect();
        for running in &all {
            running.order.send_replace(Order::Kill);
        }
        for running in all {
            let _ended_either_way = running.handle.await;
        }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<String, Running>> {
        held(&self.running)
    }
}
