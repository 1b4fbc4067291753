//! Holds sending to a rate that falls when the service throttles, rises again when it does not, and stops when nobody's
//! mail is taken.

use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::{Instant, sleep};

/// The lowest rate that throttling leads to, in mails a second.
const FLOOR: f64 = 0.1;
/// Calls under way together are throttled together: they count as one.
const BETWEEN_CUTS: Duration = Duration::from_secs(1);
/// How often the rate rises by [`RAISE`] of the ceiling.
const BETWEEN_RAISES: Duration = Duration::from_secs(2);
const RAISE: f64 = 0.05;
/// The share of a second's mails that may be sent at once, which makes up for timers that are late by milliseconds.
const BURST: f64 = 0.05;
const FIRST_PAUSE: Duration = Duration::from_secs(1);

type Limiter = RateLimiter<NotKeyed, InMemoryState, RuntimeClock, NoOpMiddleware<Duration>>;

/// Tokio's clock, so that sleeping and counting agree.
#[derive(Debug, Clone)]
struct RuntimeClock {
    started: Instant,
}

impl Clock for RuntimeClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.started.elapsed()
    }
}

/// Gives turns to send, first come, first served.
#[derive(Debug)]
pub(crate) struct Pacer {
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    ceiling: f64,
    rate: f64,
    limiter: Limiter,
    cut_at: Option<Instant>,
    raised_at: Instant,
    resumes_at: Option<Instant>,
    pauses_in_a_row: u32,
    /// Since when nobody's mail is taken.
    stopped_at: Option<Instant>,
    /// When the last of the mails was begun that were taken.
    taken_begun_at: Option<Instant>,
}

/// A stop of everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pause {
    /// How long it lasts from now on.
    pub(crate) left: Duration,
    /// Whether mail was taken until now.
    pub(crate) is_first: bool,
}

impl Pacer {
    /// Makes a pacer of `rate` mails a second.
    pub(crate) fn new(rate: f64) -> Self {
        let rate = rate.max(FLOOR);
        Self {
            turn: tokio::sync::Mutex::new(()),
            state: Mutex::new(State {
                ceiling: rate,
                rate,
                limiter: limiter(rate),
                cut_at: None,
                raised_at: Instant::now(),
                resumes_at: None,
                pauses_in_a_row: 0,
                stopped_at: None,
                taken_begun_at: None,
            }),
        }
    }

    /// Waits for a turn.
    pub(crate) async fn turn(&self) {
        let _first_in_line = self.turn.lock().await;
        while let Some(wait) = self.wait() {
            sleep(wait).await;
        }
    }

    /// Returns how long to wait before asking again; none takes the turn.
    fn wait(&self) -> Option<Duration> {
        let mut state = self.state();
        let now = Instant::now();
        if let Some(at) = state.resumes_at {
            if at > now {
                return Some(at - now);
            }
            state.resumes_at = None;
        }
        match state.limiter.check() {
            Ok(()) => None,
            // A wait of nothing would spin.
            Err(early) => Some(early.wait_time_from(state.limiter.clock().now()).max(Duration::from_millis(1))),
        }
    }

    /// Sets the rate that nothing rises above.
    pub(crate) fn set_ceiling(&self, rate: f64) {
        let mut state = self.state();
        let ceiling = rate.max(FLOOR);
        let lowered = state.rate < state.ceiling;
        if (ceiling - state.ceiling).abs() > f64::EPSILON {
            state.ceiling = ceiling;
            let rate = if lowered { state.rate.min(ceiling) } else { ceiling };
            state.set_rate(rate);
        }
    }

    /// Halves the rate.
    pub(crate) fn throttled(&self) {
        let mut state = self.state();
        let now = Instant::now();
        state.raised_at = now;
        if state.cut_at.is_none_or(|at| now - at >= BETWEEN_CUTS) {
            state.cut_at = Some(now);
            let rate = (state.rate / 2.0).max(FLOOR);
            state.set_rate(rate);
        }
    }

    /// Stops everybody for a while, longer each time until a mail is taken, though never longer than `longest`.
    pub(crate) fn pause(&self, longest: Duration) -> Pause {
        let mut state = self.state();
        let now = Instant::now();
        if let Some(at) = state.resumes_at.filter(|at| *at > now) {
            return Pause { left: at - now, is_first: false };
        }
        let left = FIRST_PAUSE.saturating_mul(1 << state.pauses_in_a_row.min(16)).min(longest);
        state.pauses_in_a_row += 1;
        state.resumes_at = Some(now + left);
        let is_first = state.stopped_at.is_none();
        state.stopped_at.get_or_insert(now);
        Pause { left, is_first }
    }

    /// Tells whether everybody is stopped.
    pub(crate) fn is_paused(&self) -> bool {
        self.state().resumes_at.is_some_and(|at| at > Instant::now())
    }

    /// Notes that a mail was taken that was begun at `begun_at`. Returns how long nobody's was, if that ends now.
    pub(crate) fn taken(&self, begun_at: Instant) -> Option<Duration> {
        let mut state = self.state();
        state.taken_begun_at = state.taken_begun_at.max(Some(begun_at));
        // One that was begun before says nothing of what came after.
        let stopped_at = state.stopped_at.take_if(|stopped_at| *stopped_at <= begun_at);
        if stopped_at.is_some() {
            state.pauses_in_a_row = 0;
            state.resumes_at = None;
        }
        if state.rate < state.ceiling && state.raised_at.elapsed() >= BETWEEN_RAISES {
            state.raised_at = Instant::now();
            let rate = (state.rate + state.ceiling * RAISE).min(state.ceiling);
            state.set_rate(rate);
        }
        stopped_at.map(|at| at.elapsed())
    }

    /// Tells whether a mail was taken that was begun after `at`.
    pub(crate) fn has_taken_since(&self, at: Instant) -> bool {
        self.state().taken_begun_at.is_some_and(|begun_at| begun_at > at)
    }

    /// Returns the rate now, in mails a second.
    pub(crate) fn rate(&self) -> f64 {
        self.state().rate
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn set_rate(&mut self, rate: f64) {
        self.rate = rate;
        self.limiter = limiter(rate);
        // A new limiter owes nothing: without this, each change of the rate would let a burst through.
        while self.limiter.check().is_ok() {}
    }
}

fn limiter(rate: f64) -> Limiter {
    let period = Duration::from_secs_f64(1.0 / rate).max(Duration::from_nanos(1));
    // A float turned into an integer stops at the integer's ends.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and rates are positive")]
    let burst = NonZeroU32::new((rate * BURST) as u32).unwrap_or(NonZeroU32::MIN);
    let quota = Quota::with_period(period).unwrap_or(Quota::per_second(NonZeroU32::MIN)).allow_burst(burst);
    RateLimiter::direct_with_clock(quota, RuntimeClock { started: Instant::now() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_secs(600);

    async fn sent_within(pacer: &Pacer, seconds: u64) -> u32 {
        let end = Instant::now() + Duration::from_secs(seconds);
        let mut sent = 0;
        while tokio::time::timeout_at(end, pacer.turn()).await.is_ok() {
            sent += 1;
        }
        sent
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_turns_are_given_than_the_rate_allows() {
        for rate in [1, 14, 200] {
            let sent = sent_within(&Pacer::new(f64::from(rate)), 10).await;
            let burst = (rate / 20).max(1);
            assert!((rate * 10 - 1..=rate * 10 + burst).contains(&sent), "{sent} at {rate}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn throttling_halves_the_rate_once_for_calls_under_way_together() {
        let pacer = Pacer::new(100.0);
        for _ in 0..10 {
            pacer.throttled();
        }
        assert!((pacer.rate() - 50.0).abs() < 0.01);
        tokio::time::advance(BETWEEN_CUTS).await;
        pacer.throttled();
        assert!((pacer.rate() - 25.0).abs() < 0.01);
        assert!((23..=28).contains(&sent_within(&pacer, 1).await));
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_rises_to_its_ceiling_while_mail_is_taken() {
        let pacer = Pacer::new(10.0);
        pacer.throttled();
        pacer.taken(Instant::now());
        assert!((pacer.rate() - 5.0).abs() < 0.01, "not at once");
        for _ in 0..100 {
            tokio::time::advance(BETWEEN_RAISES).await;
            pacer.taken(Instant::now());
        }
        assert!((pacer.rate() - 10.0).abs() < 0.01);
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_of_the_rate_lets_no_burst_through() {
        let pacer = Pacer::new(1000.0);
        pacer.set_ceiling(1.0);
        assert!(sent_within(&pacer, 3).await <= 3);
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_until_a_mail_is_taken() {
        let pacer = Pacer::new(10.0);
        let pause = |seconds, is_first| Pause { left: Duration::from_secs(seconds), is_first };
        let before = Instant::now();
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(pacer.pause(LONGEST), pause(1, true));
        assert_eq!(pacer.pause(LONGEST), pause(1, false), "the one under way");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(pacer.pause(LONGEST), pause(2, false));
        assert_eq!(sent_within(&pacer, 1).await, 0);
        assert_eq!(pacer.taken(before), None, "it was begun before");
        assert!(pacer.is_paused());
        assert_eq!(pacer.taken(Instant::now()), Some(Duration::from_secs(2)));
        assert_eq!(pacer.pause(LONGEST), pause(1, true));
    }

    #[tokio::test(start_paused = true)]
    async fn no_pause_is_longer_than_the_longest() {
        let pacer = Pacer::new(10.0);
        for _ in 0..40 {
            let pause = pacer.pause(LONGEST).left;
            assert!(pause <= LONGEST);
            tokio::time::advance(pause).await;
        }
    }
}
