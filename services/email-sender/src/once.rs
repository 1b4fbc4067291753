//! Remembers what was sent, so that it is not sent again when it is received again.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use tokio::sync::OnceCell;

/// Keys remembered at most; each takes some 200 bytes.
const MOST: u64 = 100_000;

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
    keys: Cache<String, Arc<OnceCell<()>>>,
}

impl Once {
    /// Makes a memory that forgets keys after `remembered`.
    pub(crate) fn new(remembered: Duration) -> Self {
        // moka's own policy may refuse a new key when it is full: then its duplicate would be sent.
        let keys = Cache::builder().max_capacity(MOST).eviction_policy(EvictionPolicy::lru()).time_to_live(remembered);
        Self { keys: keys.build() }
    }

    /// Remembers that the work for `key` is done.
    pub(crate) fn remember(&self, key: String) {
        self.keys.insert(key, Arc::new(OnceCell::new_with(Some(()))));
    }

    /// Tells whether the work for `key` was done.
    pub(crate) fn is_done(&self, key: &str) -> bool {
        self.keys.get(key).is_some_and(|cell| cell.initialized())
    }

    /// Does `work` unless it was done for `key`. If it is under way, waits, and does it only if that failed.
    pub(crate) async fn run<E, W>(&self, key: String, work: impl FnOnce() -> W) -> Result<Done, E>
    where
        W: Future<Output = Result<(), E>>,
    {
        let cell = self.keys.get_with(key.clone(), Arc::default);
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
        assert_eq!(once.run("a".into(), work).await, Ok(Done::Now));
        assert_eq!(once.run("a".into(), work).await, Ok(Done::Before));
        assert_eq!(once.run("b".into(), work).await, Ok(Done::Now));
    }

    #[tokio::test]
    async fn failed_work_is_done_again() {
        let once = Once::new(HOUR);
        assert_eq!(once.run("a".into(), || async { Err("no") }).await, Err("no"));
        assert_eq!(once.run("a".into(), || async { Ok::<_, &str>(()) }).await, Ok(Done::Now));
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
        let (first, second) = tokio::join!(once.run("a".into(), work), once.run("a".into(), work));
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
        let (first, second) = tokio::join!(once.run("a".into(), fail), once.run("a".into(), succeed));
        assert_eq!((first, second), (Err("no"), Ok(Done::Now)));
    }
}
