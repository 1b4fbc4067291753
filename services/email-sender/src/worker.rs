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
use crate::delete::delete;
use crate::denials::Denials;
use crate::ending::Ending;
use crate::facts::Facts;
use crate::hold::{Holds, give_back};
use crate::mailer::Mailer;
use crate::once::Once;
use crate::pacer::Pacer;
use crate::queue::{BATCH, Queue, QueueFacts};
use crate::work::Work;

/// Receivers at most: each gets 10 messages a call, so more would only cost calls.
const MOST_RECEIVERS: usize = 8;
const DELETE_LINGER: Duration = Duration::from_millis(200);
const RETURN_LINGER: Duration = Duration::from_millis(20);
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
    let facts = Arc::new(Facts::new(facts, remembered));
    let (following, followed) = (Arc::clone(&facts), Arc::clone(&queue));
    let _following_until_the_end =
        AbortOnDropHandle::new(tokio::spawn(async move { following.follow(&*followed).await }));
    let holds = Holds::new(Arc::clone(&queue), Arc::clone(&facts));
    let hiding = Arc::clone(&holds);
    let _hiding_until_the_end = AbortOnDropHandle::new(tokio::spawn(async move { hiding.keep_hidden().await }));

    let ending = Ending::new(shutdown.token());
    let (deletes_from, to_the_last) = (Arc::clone(&queue), ending.requested.clone());
    let (deletes, deleting) = Batches::start(DELETE_LINGER, move |done| {
        let (deletes_from, to_the_last) = (Arc::clone(&deletes_from), to_the_last.clone());
        async move { delete(&*deletes_from, done, &to_the_last).await }
    });
    let returns_to = Arc::clone(&holds);
    let (returns, returning) = Batches::start(RETURN_LINGER, move |held| {
        let returns_to = Arc::clone(&returns_to);
        async move {
            give_back(&returns_to, held).await;
            Vec::new()
        }
    });

    let receivers_wanted = concurrency.div_ceil(BATCH).clamp(1, MOST_RECEIVERS);
    let most = concurrency.clamp(1, BATCH);
    // While some mails are sent, the next wait here: an empty queue of work would idle during each receive.
    let room = Arc::new(Semaphore::new(concurrency + receivers_wanted * most));
    let mail_is_taken = health.condition("SES");
    mail_is_taken.set(Ok(()));
    let work = Arc::new(Work {
        queue,
        mailer,
        composer,
        once: Once::new(remembered),
        pacer: Arc::clone(&pacer),
        sending: Semaphore::new(concurrency),
        facts,
        denials: Denials::default(),
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
            let hidden_for = self.work.facts.hidden_for();
            // Not cut short when the worker stops: what the queue is handing out would stay hidden.
            let received = tokio::select! {
                received = self.work.queue.receive(self.most, hidden_for) => received,
                () = self.work.ending.receives_cut.cancelled() => break,
            };
            match received {
                Ok(messages) => {
                    failures = 0;
                    self.answers.set(Ok(()));
                    for message in messages {
                        let hold = self.holds.hold(message.receipt.clone(), hidden_for);
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
