//! How many bytes of notifications are in memory at once.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The bytes that bodies may take. Clones share them.
#[derive(Debug, Clone)]
pub struct Memory(Arc<Semaphore>);

/// Bytes that were taken; given back when dropped.
#[derive(Debug)]
pub struct Room(OwnedSemaphorePermit);

impl Memory {
    /// Makes room for `bytes`.
    #[must_use]
    pub fn new(bytes: u32) -> Self {
        Self(Arc::new(Semaphore::new(usize::try_from(bytes).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS))))
    }

    /// Takes `bytes`, unless fewer are left.
    #[must_use]
    pub fn take(&self, bytes: usize) -> Option<Room> {
        Arc::clone(&self.0).try_acquire_many_owned(u32::try_from(bytes).ok()?).ok().map(Room)
    }
}

impl Room {
    /// Gives back what is taken beyond `bytes`.
    pub fn shrink(&mut self, bytes: usize) {
        let beyond = self.0.num_permits().saturating_sub(bytes);
        drop(self.0.split(beyond));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_comes_back() {
        let memory = Memory::new(100);
        let mut first = memory.take(90).unwrap();
        assert!(memory.take(11).is_none());
        first.shrink(200);
        assert!(memory.take(11).is_none());
        first.shrink(50);
        let second = memory.take(50).unwrap();
        assert!(memory.take(1).is_none());
        drop((first, second));
        assert!(memory.take(100).is_some());
    }
}
