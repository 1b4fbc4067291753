//! Gathers what is done to single messages into batches.

use std::future::Future;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, timeout_at};

use crate::queue::BATCH;

/// Batches waiting; whoever adds more than that waits too.
const WAITING: usize = 10 * BATCH;
/// Batches that are flushed at once.
const AT_ONCE: usize = 8;

/// Where single things are added. When all copies are gone, what waits is flushed and the task ends.
#[derive(Debug)]
pub(crate) struct Batches<T> {
    sender: mpsc::Sender<T>,
}

impl<T> Clone for Batches<T> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone() }
    }
}

impl<T: Send + 'static> Batches<T> {
    /// Starts a task that calls `flush` with at most [`BATCH`] things, none of which waited longer than `linger`, and with
    /// what it returns once more.
    pub(crate) fn start<F, D>(linger: Duration, mut flush: F) -> (Self, JoinHandle<()>)
    where
        F: FnMut(Vec<T>) -> D + Send + 'static,
        D: Future<Output = Vec<T>> + Send + 'static,
    {
        let (sender, mut receiver) = mpsc::channel(WAITING);
        let task = tokio::spawn(async move {
            let mut flushing = JoinSet::new();
            let mut again: Vec<T> = Vec::new();
            loop {
                let mut batch = match again.pop() {
                    Some(thing) => vec![thing],
                    None => tokio::select! {
                        Some(left) = flushing.join_next() => {
                            again = left.unwrap_or_default();
                            continue;
                        }
                        Some(thing) = receiver.recv() => vec![thing],
                        else => break,
                    },
                };
                let until = Instant::now() + linger;
                while batch.len() < BATCH {
                    match again.pop() {
                        Some(thing) => batch.push(thing),
                        None => match timeout_at(until, receiver.recv()).await {
                            Ok(Some(thing)) => batch.push(thing),
                            _ => break,
                        },
                    }
                }
                while flushing.len() >= AT_ONCE
                    && let Some(left) = flushing.join_next().await
                {
                    again.extend(left.unwrap_or_default());
                }
                flushing.spawn(flush(batch));
            }
        });
        (Self { sender }, task)
    }

    /// Adds one thing; waits while too many wait.
    pub(crate) async fn add(&self, thing: T) {
        if self.sender.send(thing).await.is_err() {
            tracing::error!("the task that gathers batches has ended");
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    const LINGER: Duration = Duration::from_millis(200);

    type Told = mpsc::UnboundedReceiver<(Duration, Vec<u32>)>;

    fn batches() -> (Batches<u32>, JoinHandle<()>, Told) {
        let (tell, told) = mpsc::unbounded_channel();
        let started = Instant::now();
        let (batches, task) = Batches::start(LINGER, move |batch| {
            tell.send((started.elapsed(), batch)).unwrap();
            std::future::ready(Vec::new())
        });
        (batches, task, told)
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_batch_goes_at_once_and_the_rest_after_the_linger() {
        let (batches, _task, mut told) = batches();
        for number in 0..13 {
            batches.add(number).await;
        }
        let (after, batch) = told.recv().await.unwrap();
        assert_eq!((after, batch.len()), (Duration::ZERO, 10));
        let (after, batch) = told.recv().await.unwrap();
        assert_eq!(batch, [10, 11, 12]);
        assert!(after >= LINGER && after < LINGER * 2, "{after:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn as_many_batches_are_flushed_at_once_as_may_be() {
        let started = Instant::now();
        let (batches, task) = Batches::start(LINGER, |_: Vec<u32>| async {
            sleep(Duration::from_secs(1)).await;
            Vec::new()
        });
        for number in 0..160 {
            batches.add(number).await;
        }
        drop(batches);
        task.await.unwrap();
        assert_eq!(started.elapsed().as_secs(), 2, "16 batches, 8 at once");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_left_goes_with_a_later_batch_and_before_the_end() {
        let (tell, mut told) = mpsc::unbounded_channel();
        let (batches, task) = Batches::start(LINGER, move |batch: Vec<u32>| {
            tell.send(batch.clone()).unwrap();
            let left = batch.into_iter().filter(|number| *number == 1).map(|number| number + 100).collect();
            std::future::ready(left)
        });
        for number in [1, 2] {
            batches.add(number).await;
        }
        drop(batches);
        task.await.unwrap();
        assert_eq!((told.recv().await.unwrap(), told.recv().await.unwrap()), (vec![1, 2], vec![101]));
        assert!(told.recv().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_is_flushed_before_the_end() {
        let (batches, task, mut told) = batches();
        batches.add(1).await;
        drop(batches);
        task.await.unwrap();
        assert_eq!(told.recv().await.unwrap(), (Duration::ZERO, vec![1]));
        assert!(told.recv().await.is_none());
    }
}
