//! Ids as ECS makes them: unique, and of ECS's form.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// A source of ids.
#[derive(Debug, Default)]
pub(super) struct Ids {
    random: RandomState,
    next: AtomicU64,
}

impl Ids {
    fn number(&self) -> u64 {
        let mut hasher = self.random.build_hasher();
        hasher.write_u64(self.next.fetch_add(1, Ordering::Relaxed));
        hasher.finish()
    }

    /// Makes a task's id: 32 hexadecimal digits.
    pub(super) fn task(&self) -> String {
        format!("{:016x}{:016x}", self.number(), self.number())
    }

    /// Makes a deployment's or a revision's id: 19 digits.
    pub(super) fn digits(&self) -> String {
        format!("{:019}", self.number() % 10_000_000_000_000_000_000)
    }

    /// Makes a service deployment's id: 21 letters and digits.
    pub(super) fn letters(&self) -> String {
        let mut id = self.task();
        id.truncate(21);
        id
    }

    /// Makes an event's id, a UUID.
    pub(super) fn uuid(&self) -> String {
        let (high, low) = (self.number(), self.number());
        let (first, second, third) = (high >> 32, (high >> 16) & 0xffff, high & 0xfff);
        format!("{first:08x}-{second:04x}-4{third:03x}-8{:03x}-{:012x}", (low >> 48) & 0xfff, low & 0xffff_ffff_ffff)
    }
}
