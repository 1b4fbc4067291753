//! What a worker does with its messages, on a queue and a mail service in memory and in virtual time.

mod end;
mod faults;
mod upkeep;

use std::sync::Arc;
use std::time::Duration;

use service_runtime::{Health, Metrics, Shutdown};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::compose::Composer;
use crate::fake::{FakeMailer, FakeQueue, Reply};
use crate::figures::METRICS;
use crate::pacer::Pacer;
use crate::queue::Queue;
use crate::worker::{Settings, run};

const CONCURRENCY: usize = 4;
const STOP_TIMEOUT: Duration = Duration::from_secs(60);
const QUICK: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(600);

struct Running {
    queue: Arc<FakeQueue>,
    mailer: Arc<FakeMailer>,
    health: Health,
    shutdown: Shutdown,
    task: JoinHandle<()>,
}

async fn start(queue: FakeQueue, reply: impl Fn(&str, u32) -> Reply + Send + Sync + 'static) -> Running {
    let (queue, mailer) = (Arc::new(queue), Arc::new(FakeMailer::new(reply)));
    let (health, shutdown) = (Health::default(), Shutdown::new(STOP_TIMEOUT));
    let settings = Settings {
        concurrency: CONCURRENCY,
        remembered: Duration::from_secs(3600),
        composer: Composer { default_subject: "Notification".into(), has_template: false },
        facts: queue.facts().await.unwrap(),
        longest_silence: Duration::from_secs(60),
    };
    let task = {
        let (queue, mailer, health, shutdown) =
            (Arc::clone(&queue), Arc::clone(&mailer), health.clone(), shutdown.clone());
        tokio::spawn(async move {
            let metrics = Metrics::new("Test".into(), "email-sender", METRICS);
            let pacer = Arc::new(Pacer::new(1000.0));
            run(queue, mailer, pacer, settings, &health, metrics, &shutdown).await;
        })
    };
    Running { queue, mailer, health, shutdown, task }
}

impl Running {
    async fn drained(&self) {
        timeout(LONG, self.queue.drained()).await.unwrap();
    }

    async fn until(&self, condition: impl Fn(&Self) -> bool) {
        let waiting = async {
            while !condition(self) {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(LONG, waiting).await.unwrap();
    }

    async fn stopped(self) -> (Arc<FakeQueue>, Arc<FakeMailer>) {
        self.shutdown.request();
        self.task.await.unwrap();
        (self.queue, self.mailer)
    }
}

fn of(ids: impl IntoIterator<Item = u32>) -> FakeQueue {
    let queue = FakeQueue::default();
    for id in ids {
        queue.notify(&format!("m{id}"), None);
    }
    queue
}
