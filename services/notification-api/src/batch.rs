//! Coalesces notifications into batches: one call to SQS carries up to ten.
//!
//! What comes while no call is under way is sent at once. While one is, it waits for others, though never longer than
//! the linger; so a quiet service adds nothing to a request, and a busy one makes a tenth of the calls.

use std::pin::pin;
use std::sync::Arc;

use service_runtime::Metrics;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{Instant, sleep_until};
use tokio_util::task::TaskTracker;

use crate::metrics::{BATCH_SIZE, QUEUE_LATENCY, QUEUED};
use crate::queue::{Entry, MOST_ENTRIES, Queue};
use crate::refusal::NotTaken;
use crate::room::Room;
use crate::settings::BatchSettings;

/// Why a notification was not queued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotQueued {
    /// Too many wait already.
    #[error("too many notifications wait already")]
    Full,
    /// SQS did not confirm it.
    #[error(transparent)]
    NotTaken(#[from] NotTaken),
    /// The service ended before SQS was asked.
    #[error("the service ended before it was sent")]
    Ended,
}

/// Hands notifications to the batcher. It ends once all clones are gone.
#[derive(Debug, Clone)]
pub struct Batches(mpsc::Sender<Waiting>);

#[derive(Debug)]
struct Waiting {
    entry: Entry,
    /// What the entry takes of the memory, also when its caller is gone.
    room: Room,
    since: Instant,
    reply: oneshot::Sender<Result<(), NotTaken>>,
}

impl Batches {
    /// Begins to send batches to `queue`.
    ///
    /// The task ends when all clones of the handle are gone and every notification has been answered.
    pub fn start<Q: Queue>(queue: Q, settings: BatchSettings, metrics: Metrics) -> (Self, JoinHandle<()>) {
        let (sender, receiver) = mpsc::channel(settings.depth);
        let batcher = Batcher {
            receiver,
            carried: None,
            settings,
            permits: Arc::new(Semaphore::new(settings.in_flight)),
            sender: Arc::new(Sender { queue, metrics }),
        };
        (Self(sender), tokio::spawn(batcher.run()))
    }

    /// Queues a notification, and returns when SQS has confirmed it. `room` is given back when the call to SQS is over.
    ///
    /// One whose caller is gone before its batch is sent is not sent.
    ///
    /// # Errors
    /// When SQS did not confirm it, or was not asked.
    pub async fn send(&self, entry: Entry, room: Room) -> Result<(), NotQueued> {
        let (reply, answer) = oneshot::channel();
        self.0.try_send(Waiting { entry, room, since: Instant::now(), reply }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => NotQueued::Full,
            mpsc::error::TrySendError::Closed(_) => NotQueued::Ended,
        })?;
        Ok(answer.await.map_err(|_| NotQueued::Ended)??)
    }
}

struct Batcher<Q> {
    receiver: mpsc::Receiver<Waiting>,
    /// What did not fit into the last batch.
    carried: Option<Waiting>,
    settings: BatchSettings,
    permits: Arc<Semaphore>,
    sender: Arc<Sender<Q>>,
}

impl<Q: Queue> Batcher<Q> {
    async fn run(mut self) {
        let calls = TaskTracker::new();
        while let Some((batch, permit)) = self.next().await {
            let sender = Arc::clone(&self.sender);
            calls.spawn(async move {
                sender.send(batch, permit).await;
            });
        }
        calls.close();
        calls.wait().await;
    }

    /// Gathers a batch, until it is full, or has waited long enough and a call may begin.
    async fn next(&mut self) -> Option<(Vec<Waiting>, OwnedSemaphorePermit)> {
        let first = match self.carried.take() {
            Some(carried) => carried,
            None => self.receiver.recv().await?,
        };
        let due = if self.is_idle() {
            // Requests that arrived together come together.
            yield_now().await;
            Instant::now()
        } else {
            first.since + self.settings.linger
        };
        let mut batch = Batch::new(self.settings.max_bytes);
        batch.add(first, &mut self.carried);
        let permits = Arc::clone(&self.permits);
        let mut may_begin = pin!(due_and_permitted(due, permits));
        while !batch.is_full() && self.carried.is_none() {
            tokio::select! {
                biased;
                Some(waiting) = self.receiver.recv() => batch.add(waiting, &mut self.carried),
                permit = &mut may_begin => return Some((batch.waiting, permit?)),
            }
        }
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok()?;
        Some((batch.waiting, permit))
    }

    fn is_idle(&self) -> bool {
        self.permits.available_permits() == self.settings.in_flight
    }
}

/// Waits until it is time to send and a call may begin.
async fn due_and_permitted(due: Instant, permits: Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    // A timer is never early and up to a millisecond late, also one that is due.
    if due > Instant::now() {
        sleep_until(due).await;
    }
    permits.acquire_owned().await.ok()
}

struct Batch {
    waiting: Vec<Waiting>,
    bytes: usize,
    max_bytes: usize,
}

impl Batch {
    fn new(max_bytes: usize) -> Self {
        Self { waiting: Vec::with_capacity(MOST_ENTRIES), bytes: 0, max_bytes }
    }

    /// Adds one, or puts it aside when it does not fit.
    fn add(&mut self, waiting: Waiting, carried: &mut Option<Waiting>) {
        let bytes = self.bytes + waiting.entry.body.len();
        if bytes > self.max_bytes && !self.waiting.is_empty() {
            *carried = Some(waiting);
            return;
        }
        self.bytes = bytes;
        self.waiting.push(waiting);
    }

    fn is_full(&self) -> bool {
        self.waiting.len() >= MOST_ENTRIES
    }
}

struct Sender<Q> {
    queue: Q,
    metrics: Metrics,
}

impl<Q: Queue> Sender<Q> {
    async fn send(&self, mut batch: Vec<Waiting>, permit: OwnedSemaphorePermit) {
        // Who is gone was told that it failed, or did not hear.
        batch.retain(|waiting| !waiting.reply.is_closed());
        if batch.is_empty() {
            return;
        }
        let began = Instant::now();
        let (entries, replies): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|waiting| (waiting.entry, (waiting.reply, waiting.room))).unzip();
        let size = entries.len();
        let outcomes = self.queue.send(entries).await;
        // Before the answers: the next request of a caller must not find its last call still under way.
        drop(permit);
        self.metrics.time(QUEUE_LATENCY, began.elapsed());
        self.metrics.size(BATCH_SIZE, size);
        let queued = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        self.metrics.count(QUEUED, queued as u64);
        for ((reply, room), outcome) in replies.into_iter().zip(outcomes) {
            drop(room);
            let _caller_is_gone = reply.send(outcome);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::Fault;
    use crate::room::Memory;
    use futures::future::join_all;
    use std::sync::Mutex;
    use std::time::Duration;
    use tokio::time::{sleep, timeout};

    const CALL: Duration = Duration::from_millis(20);
    const SETTINGS: BatchSettings =
        BatchSettings { linger: Duration::from_millis(3), in_flight: 2, max_bytes: 1000, depth: 100 };

    /// A queue that takes its time, keeps account, and refuses bodies that ask for it.
    #[derive(Clone)]
    struct Slow {
        start: Instant,
        calls: Arc<Mutex<Vec<(u64, usize)>>>,
    }

    impl Slow {
        fn new() -> Self {
            Self { start: Instant::now(), calls: Arc::default() }
        }

        /// When calls began, in milliseconds, and how many messages each had.
        fn calls(&self) -> Vec<(u64, usize)> {
            self.calls.lock().unwrap().clone()
        }
    }

    impl Queue for Slow {
        async fn send(&self, batch: Vec<Entry>) -> Vec<Result<(), NotTaken>> {
            let at = u64::try_from(self.start.elapsed().as_millis()).unwrap();
            self.calls.lock().unwrap().push((at, batch.len()));
            sleep(CALL).await;
            let refused = |entry: &Entry| entry.body.starts_with("bad");
            batch.iter().map(|entry| if refused(entry) { Err(bad()) } else { Ok(()) }).collect()
        }
    }

    fn bad() -> NotTaken {
        NotTaken { reason: "Bad".into(), fault: Fault::Characters }
    }

    fn start(settings: BatchSettings) -> (Slow, Batches, JoinHandle<()>) {
        let queue = Slow::new();
        let metrics = Metrics::new("Test".into(), "test", &crate::metrics::ALL);
        let (batches, task) = Batches::start(queue.clone(), settings, metrics);
        (queue, batches, task)
    }

    fn entry(body: impl Into<String>) -> Entry {
        Entry { body: body.into(), key: "k".into() }
    }

    fn room() -> Room {
        Memory::new(1).take(1).unwrap()
    }

    async fn many(batches: &Batches, count: usize) -> Vec<Result<(), NotQueued>> {
        join_all((0..count).map(|n| batches.send(entry(format!("{n}")), room()))).await
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_service_sends_at_once() {
        let (queue, batches, _task) = start(SETTINGS);
        for _ in 0..3 {
            batches.send(entry("a"), room()).await.unwrap();
        }
        assert_eq!(queue.calls(), [(0, 1), (20, 1), (40, 1)]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_together_goes_together_ten_at_a_time() {
        let (queue, batches, _task) = start(SETTINGS);
        assert!(many(&batches, 25).await.iter().all(Result::is_ok));
        let sizes: Vec<_> = queue.calls().iter().map(|(_, size)| *size).collect();
        assert_eq!(sizes, [10, 10, 5]);
    }

    #[tokio::test(start_paused = true)]
    async fn while_a_call_is_under_way_one_waits_for_others_but_no_longer_than_the_linger() {
        let (queue, batches, _task) = start(SETTINGS);
        let at = |milliseconds| {
            let batches = &batches;
            async move {
                sleep(Duration::from_millis(milliseconds)).await;
                let before = Instant::now();
                batches.send(entry("a"), room()).await.unwrap();
                before.elapsed() - CALL
            }
        };
        let (first, second, third) = tokio::join!(at(0), at(5), at(7));
        assert_eq!(queue.calls(), [(0, 1), (8, 2)]);
        assert_eq!(first, Duration::ZERO);
        assert!(second.max(third) <= Duration::from_millis(4), "{second:?} {third:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_failing_for_one_fails_for_that_one() {
        let (queue, batches, _task) = start(SETTINGS);
        let outcomes = join_all(["a", "bad", "c"].map(|body| batches.send(entry(body), room()))).await;
        assert_eq!(outcomes, [Ok(()), Err(NotQueued::NotTaken(bad())), Ok(())]);
        assert_eq!(queue.calls(), [(0, 3)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_has_no_more_bytes_than_a_call_may_have() {
        let (queue, batches, _task) = start(SETTINGS);
        let sizes = [400, 400, 400, 1000, 1];
        let outcomes = join_all(sizes.map(|size| batches.send(entry("x".repeat(size)), room()))).await;
        assert!(outcomes.iter().all(Result::is_ok));
        let calls: Vec<_> = queue.calls().iter().map(|(_, size)| *size).collect();
        assert_eq!(calls, [2, 1, 1, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_calls_are_under_way_than_may_be_and_what_waits_beyond_the_depth_is_turned_away() {
        let (queue, batches, _task) = start(BatchSettings { depth: 30, ..SETTINGS });
        let outcomes = many(&batches, 100).await;
        let full = outcomes.iter().filter(|outcome| **outcome == Err(NotQueued::Full)).count();
        assert_eq!(full, 70);
        let begun: Vec<_> = queue.calls().iter().map(|(at, _)| *at).collect();
        assert_eq!(begun.iter().filter(|at| **at < 20).count(), 2, "{begun:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_waits_for_is_not_sent() {
        let (queue, batches, _task) = start(BatchSettings { in_flight: 1, ..SETTINGS });
        let busy = tokio::spawn({
            let batches = batches.clone();
            async move { batches.send(entry("a"), room()).await }
        });
        sleep(Duration::from_millis(1)).await;
        assert_eq!(queue.calls(), [(0, 1)]);
        let gone = timeout(Duration::from_millis(1), batches.send(entry("b"), room())).await;
        assert!(gone.is_err());
        batches.send(entry("c"), room()).await.unwrap();
        busy.await.unwrap().unwrap();
        assert_eq!(queue.calls().iter().map(|(_, size)| size).sum::<usize>(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn at_the_end_what_waits_is_sent_and_answered() {
        let (queue, batches, task) = start(SETTINGS);
        let waiting: Vec<_> = (0..15)
            .map(|n| {
                let batches = batches.clone();
                tokio::spawn(async move { batches.send(entry(format!("{n}")), room()).await })
            })
            .collect();
        drop(batches);
        task.await.unwrap();
        for outcome in join_all(waiting).await {
            assert_eq!(outcome.unwrap(), Ok(()));
        }
        assert_eq!(queue.calls().iter().map(|(_, size)| size).sum::<usize>(), 15);
    }
}
