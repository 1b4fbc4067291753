//! How long to wait before the next try.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Returns the wait after try number `tries`: `first`, doubled with each try up to `longest`, of which half is random.
pub(crate) fn backoff(tries: u32, first: Duration, longest: Duration) -> Duration {
    let doublings = tries.saturating_sub(1).min(20);
    let bound = first.saturating_mul(1 << doublings).min(longest);
    bound / 2 + bound.mul_f64(random() / 2.0)
}

/// Returns a number between 0 and 1. The standard library's hashers are seeded at random, which is good enough to spread
/// tries.
#[expect(clippy::cast_precision_loss, reason = "a spread needs no 64 bits")]
fn random() -> f64 {
    RandomState::new().hash_one(()) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_differ() {
        let (first, longest) = (Duration::from_secs(2), Duration::from_secs(900));
        for (tries, bound) in [(1, 2), (2, 4), (3, 8), (9, 512), (10, 900), (u32::MAX, 900)] {
            let bound = Duration::from_secs(bound);
            let waits: Vec<_> = (0..20).map(|_| backoff(tries, first, longest)).collect();
            assert!(waits.iter().all(|wait| *wait >= bound / 2 && *wait <= bound), "{tries}: {waits:?}");
            assert!(waits.iter().any(|wait| *wait != waits[0]), "{tries}: {waits:?}");
        }
    }
}
