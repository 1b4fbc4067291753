//! Gathers what is done to single messages into batches.

use std::future::Future;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::queue::BATCH;

/// Batches waiting; whoever adds more than that waits too.
const WAITING: usize = 10 * BATCH;

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
    /// Starts a task that calls `flush` with at most [`BATCH`] things, none of which waited longer than `linger`.
    pub(crate) fn start<F, D>(linger: Duration, mut flush: F) -> (Self, JoinHandle<()>)
    where
        F: FnMut(Vec<T>) -> D + Send + 'static,
        D: Future<Output = ()> + Send,
    {
        let (sender, mut receiver) = mpsc::channel(WAITING);
        let task = tokio::spawn(async move {
            while let Some(first) = receiver.recv().await {
                let until = Instant::now() + linger;
                let mut batch = vec![first];
                while batch.len() < BATCH
                    && let Ok(Some(next)) = timeout_at(until, receiver.recv()).await
                {
                    batch.push(next);
                }
                flush(batch).await;
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
    use super::*;

    const LINGER: Duration = Duration::from_millis(200);

    type Told = mpsc::UnboundedReceiver<(Duration, Vec<u32>)>;

    fn batches() -> (Batches<u32>, JoinHandle<()>, Told) {
        let (tell, told) = mpsc::unbounded_channel();
        let started = Instant::now();
        let (batches, task) = Batches::start(LINGER, move |batch| {
            tell.send((started.elapsed(), batch)).unwrap();
            std::future::ready(())
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
    async fn what_waits_is_flushed_before_the_end() {
        let (batches, task, mut told) = batches();
        batches.add(1).await;
        drop(batches);
        task.await.unwrap();
        assert_eq!(told.recv().await.unwrap(), (Duration::ZERO, vec![1]));
        assert!(told.recv().await.is_none());
    }
}
