//! Remembers what was sent, so that it is not sent again when it is received again.

use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use tokio::sync::OnceCell;

/// Keys remembered at most, which bounds the memory; time is what they are forgotten by. Each takes some 420 bytes, and an
/// hour's at 138 mails a second fit.
const MOST: u64 = 500_000;

/// What was done for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    /// Now.
    Now,
    /// Before.
    Before,
}

/// What was done, by key, and what is under way.
#[derive(Debug, Clone)]
pub(crate) struct Once {
    keys: Cache<u128, Arc<OnceCell<()>>>,
    hashers: [RandomState; 2],
}

impl Once {
    /// Makes a memory that forgets keys after `remembered`.
    pub(crate) fn new(remembered: Duration) -> Self {
        // moka's own policy may refuse a new key when it is full: then its duplicate would be sent.
        let keys = Cache::builder().max_capacity(MOST).eviction_policy(EvictionPolicy::lru()).time_to_live(remembered);
        Self { keys: keys.build(), hashers: [RandomState::new(), RandomState::new()] }
    }

    /// Remembers that the work for `key` is done.
    pub(crate) fn remember(&self, key: &str) {
        self.keys.insert(self.hash(key), Arc::new(OnceCell::new_with(Some(()))));
    }

    /// Tells whether the work for `key` was done.
    pub(crate) fn is_done(&self, key: &str) -> bool {
        self.keys.get(&self.hash(key)).is_some_and(|cell| cell.initialized())
    }

    /// Does `work` unless it was done for `key`. If it is under way, waits, and does it only if that failed.
    pub(crate) async fn run<E, W>(&self, key: &str, work: impl FnOnce() -> W) -> Result<Done, E>
    where
        W: Future<Output = Result<(), E>>,
    {
        let key = self.hash(key);
        let cell = self.keys.get_with(key, Arc::default);
        let mut done = Done::Before;
        cell.get_or_try_init(|| {
            done = Done::Now;
            work()
        })
        .await?;
        if done == Done::Now {
            // From now on, not from when it began.
            self.keys.insert(key, cell);
        }
        Ok(done)
    }

    /// Stands for a key, whatever its length; of 128 bits, no two keys of a worker's life will have the same.
    fn hash(&self, key: &str) -> u128 {
        let [high, low] = self.hashers.each_ref().map(|hasher| u128::from(hasher.hash_one(key)));
        (high << 64) | low
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn work_is_done_once_for_a_key() {
        let once = Once::new(HOUR);
        let work = || async { Ok::<_, ()>(()) };
        assert_eq!(once.run("a", work).await, Ok(Done::Now));
        assert_eq!(once.run("a", work).await, Ok(Done::Before));
        assert_eq!(once.run("b", work).await, Ok(Done::Now));
    }

    #[tokio::test]
    async fn failed_work_is_done_again() {
        let once = Once::new(HOUR);
        assert_eq!(once.run("a", || async { Err("no") }).await, Err("no"));
        assert_eq!(once.run("a", || async { Ok::<_, &str>(()) }).await, Ok(Done::Now));
    }

    #[tokio::test(start_paused = true)]
    async fn a_duplicate_waits_for_the_first_and_is_then_one() {
        let once = Once::new(HOUR);
        let times = AtomicU32::new(0);
        let work = || async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            times.fetch_add(1, Ordering::Relaxed);
            Ok::<_, ()>(())
        };
        let (first, second) = tokio::join!(once.run("a", work), once.run("a", work));
        assert_eq!((first, second), (Ok(Done::Now), Ok(Done::Before)));
        assert_eq!(times.into_inner(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_duplicate_does_what_the_first_failed_to_do() {
        let once = Once::new(HOUR);
        let fail = || async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            Err("no")
        };
        let succeed = || async { Ok::<_, &str>(()) };
        let (first, second) = tokio::join!(once.run("a", fail), once.run("a", succeed));
        assert_eq!((first, second), (Err("no"), Ok(Done::Now)));
    }

    #[tokio::test]
    async fn more_are_remembered_than_a_busy_worker_sends_in_an_hour() {
        let once = Once::new(HOUR);
        for number in 0..120_000 {
            once.remember(&number.to_string());
        }
        once.keys.run_pending_tasks();
        assert!((0..120_000).all(|number: u32| once.is_done(&number.to_string())));
    }
}
