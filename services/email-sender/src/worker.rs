//! Takes messages off the queue while there is room for them, and ends in order.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use service_runtime::health::{Condition, Heartbeat};
use service_runtime::{Health, Metrics, Shutdown};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tokio_util::task::AbortOnDropHandle;

use crate::backoff::backoff;
use crate::batch::Batches;
use crate::compose::Composer;
use crate::ending::Ending;
use crate::hold::{Hold, Holds, give_back};
use crate::mailer::Mailer;
use crate::once::Once;
use crate::pacer::Pacer;
use crate::queue::{BATCH, Queue, QueueFacts, Receipt};
use crate::work::Work;

/// Receivers at most: each gets 10 messages a call, so more would only cost calls.
const MOST_RECEIVERS: usize = 8;
const DELETE_LINGER: Duration = Duration::from_millis(200);
const RETURN_LINGER: Duration = Duration::from_millis(20);
const DELETE_TRIES: u32 = 5;
const FIRST_REDELETE: Duration = Duration::from_millis(200);
const LONGEST_REDELETE: Duration = Duration::from_secs(5);
const FIRST_RERECEIVE: Duration = Duration::from_millis(500);
const LONGEST_RERECEIVE: Duration = Duration::from_secs(20);
/// How often a receiver shows that it lives while there is no room.
const BEAT: Duration = Duration::from_secs(5);

/// How a worker works.
pub(crate) struct Settings {
    /// Mails under way at once.
    pub(crate) concurrency: usize,
    /// How long what was sent is remembered.
    pub(crate) remembered: Duration,
    pub(crate) composer: Composer,
    pub(crate) facts: QueueFacts,
    /// The longest that a receiver that lives is silent: what a receive may take, and more.
    pub(crate) longest_silence: Duration,
}

/// Works messages until `shutdown` is requested, then ends in order: takes no more, works off what it holds while the budget
/// allows to begin mails, gives back the rest, and deletes what is done.
pub(crate) async fn run<Q: Queue, M: Mailer>(
    queue: Arc<Q>,
    mailer: Arc<M>,
    pacer: Arc<Pacer>,
    settings: Settings,
    health: &Health,
    metrics: Metrics,
    shutdown: &Shutdown,
) {
    let Settings { concurrency, remembered, composer, facts, longest_silence } = settings;
    let holds = Holds::new(Arc::clone(&queue), facts.visibility_timeout);
    let hiding = Arc::clone(&holds);
    let _hiding_until_the_end = AbortOnDropHandle::new(tokio::spawn(async move { hiding.keep_hidden().await }));

    let deletes_from = Arc::clone(&queue);
    let (deletes, deleting) = Batches::start(DELETE_LINGER, move |held| delete(Arc::clone(&deletes_from), held));
    let returns_to = Arc::clone(&holds);
    let (returns, returning) = Batches::start(RETURN_LINGER, move |held| {
        let returns_to = Arc::clone(&returns_to);
        async move { give_back(&returns_to, held).await }
    });

    let receivers_wanted = concurrency.div_ceil(BATCH).clamp(1, MOST_RECEIVERS);
    let most = concurrency.clamp(1, BATCH);
    // While some mails are sent, the next wait here: an empty queue of work would idle during each receive.
    let room = Arc::new(Semaphore::new(concurrency + receivers_wanted * most));
    let ending = Ending::new(shutdown.token());
    let mail_is_taken = health.condition("SES");
    mail_is_taken.set(Ok(()));
    let work = Arc::new(Work {
        queue,
        mailer,
        composer,
        once: Once::new(remembered),
        pacer: Arc::clone(&pacer),
        sending: Semaphore::new(concurrency),
        max_receives: facts.max_receives,
        deletes,
        returns,
        metrics,
        mail_is_taken,
        ending: ending.clone(),
    });
    let answers = health.condition("queue");
    let mut receivers = JoinSet::new();
    let (receiving, mut received) = mpsc::channel::<Infallible>(1);
    for _ in 0..receivers_wanted {
        let heartbeat = health.heartbeat("the poll loop", longest_silence);
        let receiver = Receiver {
            work: Arc::clone(&work),
            holds: Arc::clone(&holds),
            room: Arc::clone(&room),
            most,
            heartbeat,
            answers: answers.clone(),
            receiving: receiving.clone(),
        };
        receivers.spawn(receiver.receive_until_stopped());
    }
    drop((work, receiving));

    shutdown.requested().await;
    health.drain();
    let (asked_at, budget) = (Instant::now(), shutdown.budget());
    tracing::info!("stopping: taking no more messages");
    if pacer.is_paused() {
        ending.begin_none.cancel();
    }
    let begin_until = asked_at + Ending::begin_within(budget);
    let steps = async {
        if timeout_at(begin_until, received.recv()).await.is_err() {
            ending.receives_cut.cancel();
            received.recv().await;
        }
        ending.receives_ended.cancel();
        sleep_until(begin_until).await;
        ending.begin_none.cancel();
        std::future::pending().await
    };
    let work_until = asked_at + Ending::flush_after(budget);
    let ended = tokio::select! {
        ended = timeout_at(work_until, async { while receivers.join_next().await.is_some() {} }) => ended.is_ok(),
        () = shutdown.expired() => false,
        never = steps => never,
    };
    if !ended {
        tracing::error!("not all messages ended in time; they come back when their visibility timeout passes");
        receivers.shutdown().await;
    }
    // The receivers held the other ends: what waits is flushed, and the tasks end.
    let flushed = tokio::select! {
        _ = async { tokio::join!(deleting, returning) } => true,
        () = shutdown.expired() => false,
    };
    if !flushed {
        tracing::error!("not all messages could be deleted or given back within the stop timeout");
    }
    tracing::info!("stopped");
}

struct Receiver<Q, M> {
    work: Arc<Work<Q, M>>,
    holds: Arc<Holds<Q>>,
    room: Arc<Semaphore>,
    most: usize,
    heartbeat: Heartbeat,
    answers: Condition,
    /// Dropped when nothing is received any more.
    receiving: mpsc::Sender<Infallible>,
}

impl<Q: Queue, M: Mailer> Receiver<Q, M> {
    async fn receive_until_stopped(self) {
        let mut under_way = JoinSet::new();
        let mut failures = 0;
        while let Some(mut room) = self.room().await {
            while under_way.try_join_next().is_some() {}
            // Not cut short when the worker stops: what the queue is handing out would stay hidden.
            let received = tokio::select! {
                received = self.work.queue.receive(self.most) => received,
                () = self.work.ending.receives_cut.cancelled() => break,
            };
            match received {
                Ok(messages) => {
                    failures = 0;
                    self.answers.set(Ok(()));
                    for message in messages {
                        let hold = self.holds.hold(message.receipt.clone());
                        let permit = room.split(1);
                        let work = Arc::clone(&self.work);
                        under_way.spawn(async move {
                            let _until_it_ends = permit;
                            work.work(message, hold).await;
                        });
                    }
                }
                Err(error) => {
                    failures += 1;
                    self.answers.set(Err(error.to_string()));
                    let delay = backoff(failures, FIRST_RERECEIVE, LONGEST_RERECEIVE);
                    tracing::warn!(%error, milliseconds = delay.as_millis(), "could not receive; trying again");
                    let _stopped_or_not = timeout(delay, self.work.ending.requested.cancelled()).await;
                }
            }
        }
        drop(self.receiving);
        while under_way.join_next().await.is_some() {}
    }

    /// Waits for room for a receive; none when the worker stops.
    async fn room(&self) -> Option<OwnedSemaphorePermit> {
        let most = u32::try_from(self.most).unwrap_or(u32::MAX);
        let mut acquired = std::pin::pin!(Arc::clone(&self.room).acquire_many_owned(most));
        loop {
            self.heartbeat.beat();
            tokio::select! {
                biased;
                () = self.work.ending.requested.cancelled() => return None,
                room = &mut acquired => return room.ok(),
                () = sleep(BEAT) => {}
            }
        }
    }
}

/// Deletes messages. Those that cannot be deleted come back, and are known then.
async fn delete<Q: Queue>(queue: Arc<Q>, held: Vec<Hold<Q>>) {
    let mut left: Vec<Receipt> = held.iter().map(|hold| hold.receipt().clone()).collect();
    for tries in 1..=DELETE_TRIES {
        match queue.delete(&left).await {
            Ok(refused) => {
                left = refused.into_iter().filter(|refusal| !refusal.is_final).map(|refusal| refusal.receipt).collect();
            }
            Err(error) => tracing::warn!(%error, messages = left.len(), "could not delete messages"),
        }
        if left.is_empty() {
            return;
        }
        sleep(backoff(tries, FIRST_REDELETE, LONGEST_REDELETE)).await;
    }
    tracing::error!(
        messages = left.len(),
        "messages that were done are still in the queue; deleted when they come back"
    );
}
