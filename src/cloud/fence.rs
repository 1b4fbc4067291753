//! The last look before a call is sent: whether whoever sends it may still change anything.
//!
//! A process can be frozen between any two instructions, and wake up when another has long taken its place. What it then
//! has under way must not be sent, nor sent again by a library that repeats calls. So whoever sends asks here at the
//! last moment, for each attempt.

use std::fmt;
use std::sync::Arc;

tokio::task_local! {
    static FENCE: Fence;
}

/// Tells whether calls may be sent now.
#[derive(Clone)]
pub struct Fence(Arc<dyn Fn() -> bool + Send + Sync>);

impl Fence {
    /// A fence that is open while `open` says so.
    pub fn new(open: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(open))
    }

    /// Whether calls may be sent now.
    pub fn is_open(&self) -> bool {
        (self.0)()
    }

    /// Does `work`, whose calls are sent only while the fence is open.
    pub async fn around<T>(self, work: impl Future<Output = T>) -> T {
        FENCE.scope(self, work).await
    }
}

impl fmt::Debug for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fence({})", if self.is_open() { "open" } else { "closed" })
    }
}

/// The fence of the work that this is part of, if it has one.
pub fn current() -> Option<Fence> {
    FENCE.try_with(Fence::clone).ok()
}

/// Whether the work that this is part of may send calls; work without a fence may.
pub fn is_open() -> bool {
    current().is_none_or(|fence| fence.is_open())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test]
    async fn work_sees_its_own_fence_and_no_other() {
        assert!(is_open(), "no fence");
        let open = Arc::new(AtomicBool::new(true));
        let asked = Arc::clone(&open);
        let work = Fence::new(move || asked.load(Ordering::SeqCst)).around(async {
            assert!(is_open());
            open.store(false, Ordering::SeqCst);
            tokio::task::yield_now().await;
            assert!(!is_open());
        });
        tokio::join!(work, async { assert!(is_open()) });
        assert!(is_open());
    }
}
