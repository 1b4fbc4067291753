//! What a watch saw, and whether it was enough.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// When a check was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Before anything was changed.
    Before,
    /// While it was changed.
    During,
    /// After everything was changed.
    After,
}

/// One check.
#[derive(Clone, Debug)]
pub(super) struct Check {
    pub(super) phase: Phase,
    /// When it began, since the watch did.
    pub(super) at: Duration,
    pub(super) took: Duration,
    pub(super) result: Result<(), String>,
}

/// All checks of a watch.
#[derive(Debug, Default)]
pub(super) struct Tally {
    checks: Vec<Check>,
    ended: Duration,
}

/// What a watch saw.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What was watched.
    pub url: String,
    /// How many checks were made.
    pub checks: u64,
    /// How many of them failed.
    pub failures: u64,
    /// Why, the most frequent first.
    pub reasons: Vec<Reason>,
    /// From the first check of those that failed in a row to the next that did not, at its longest; in seconds.
    pub longest_gap: f64,
    /// The time that half of the checks that succeeded took at most; in milliseconds.
    pub p50: f64,
    /// The time that 99 of 100 checks that succeeded took at most; in milliseconds.
    pub p99: f64,
    /// The checks of each phase.
    pub phases: Vec<PhaseCount>,
    /// Whether it answered before anything was changed; absent where that was not watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub served_before: Option<bool>,
    /// The checks that the availability is of.
    pub counted: u64,
    /// How many of those failed.
    pub counted_failures: u64,
    /// The share of the counted checks that succeeded, in percent.
    pub availability: f64,
    /// The availability that was asked for, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slo: Option<f64>,
    /// Whether the availability is at least what was asked for.
    pub met: bool,
}

/// Why checks failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// In a few words.
    pub reason: String,
    /// How many checks.
    pub count: u64,
}

/// The checks of one phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PhaseCount {
    /// The phase.
    pub phase: Phase,
    /// How many were made.
    pub checks: u64,
    /// How many of them failed.
    pub failures: u64,
}

impl Extend<Check> for Tally {
    fn extend<I: IntoIterator<Item = Check>>(&mut self, checks: I) {
        self.checks.extend(checks);
    }
}

impl Tally {
    pub(super) fn ended(&mut self, at: Duration) {
        self.ended = at;
    }

    pub(super) fn report(mut self, url: &str, slo: Option<f64>) -> Report {
        self.checks.sort_by_key(|check| check.at);
        let phases = self.phases();
        let of = |wanted: Phase| phases.iter().find(|count| count.phase == wanted);
        let served_before = of(Phase::Before).map(|before| before.failures < before.checks);
        let counted: Vec<&Check> = self.counted(served_before == Some(true)).collect();
        let failed = counted.iter().filter(|check| check.result.is_err()).count();
        let availability = match counted.len() {
            // Nothing that counts was seen to work.
            0 if slo.is_some() || self.checks.iter().any(|check| check.result.is_err()) => 0.0,
            0 => 100.0,
            all => 100.0 * (all - failed) as f64 / all as f64,
        };
        let (p50, p99) = self.latency();
        Report {
            url: url.to_owned(),
            checks: self.checks.len() as u64,
            failures: self.checks.iter().filter(|check| check.result.is_err()).count() as u64,
            reasons: self.reasons(),
            longest_gap: self.longest_gap().as_secs_f64(),
            p50,
            p99,
            served_before,
            counted: counted.len() as u64,
            counted_failures: failed as u64,
            availability,
            slo,
            met: slo.is_none_or(|slo| availability >= slo),
            phases,
        }
    }

    /// The checks that the availability is of: of what served before, all since the change began; else all after the change
    /// from the first that succeeded on.
    fn counted(&self, served_before: bool) -> impl Iterator<Item = &Check> {
        let first = if served_before { Phase::During } else { Phase::After };
        let counted = self.checks.iter().filter(move |check| check.phase >= first);
        counted.skip_while(move |check| !served_before && check.result.is_err())
    }

    fn phases(&self) -> Vec<PhaseCount> {
        let mut counts: BTreeMap<Phase, PhaseCount> = BTreeMap::new();
        for Check { phase, result, .. } in &self.checks {
            let count = counts.entry(*phase).or_insert(PhaseCount { phase: *phase, checks: 0, failures: 0 });
            count.checks += 1;
            count.failures += u64::from(result.is_err());
        }
        counts.into_values().collect()
    }

    fn reasons(&self) -> Vec<Reason> {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for reason in self.checks.iter().filter_map(|check| check.result.as_ref().err()) {
            *counts.entry(reason).or_default() += 1;
        }
        let mut reasons: Vec<_> =
            counts.into_iter().map(|(reason, count)| Reason { reason: reason.to_owned(), count }).collect();
        reasons.sort_by_key(|reason| std::cmp::Reverse(reason.count));
        reasons
    }

    fn longest_gap(&self) -> Duration {
        let mut longest = Duration::ZERO;
        let mut since = None;
        for check in &self.checks {
            match (&check.result, since) {
                (Err(_), None) => since = Some(check.at),
                (Ok(()), Some(began)) => {
                    longest = longest.max(check.at - began);
                    since = None;
                }
                _ => {}
            }
        }
        since.map_or(longest, |began| longest.max(self.ended.saturating_sub(began)))
    }

    /// What half and what 99 of 100 of the successful checks took at most, in milliseconds.
    fn latency(&self) -> (f64, f64) {
        // An hour in microseconds: no check takes longer than its timeout.
        let Ok(mut histogram) = Histogram::<u64>::new_with_max(3_600_000_000, 3) else { return (0.0, 0.0) };
        for check in self.checks.iter().filter(|check| check.result.is_ok()) {
            histogram.saturating_record(u64::try_from(check.took.as_micros()).unwrap_or(u64::MAX));
        }
        let at = |quantile: f64| histogram.value_at_quantile(quantile) as f64 / 1_000.0;
        (at(0.5), at(0.99))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A check each second: `.` succeeded, `x` failed, in the phases before, during and after.
    fn report(before: &str, during: &str, after: &str, slo: Option<f64>) -> Report {
        let mut tally = Tally::default();
        let mut at = 0;
        for (phase, checks) in [(Phase::Before, before), (Phase::During, during), (Phase::After, after)] {
            for check in checks.chars() {
                let result = if check == '.' { Ok(()) } else { Err(format!("status {}", 500 + at % 2)) };
                tally.extend([Check { phase, at: Duration::from_secs(at), took: Duration::from_millis(at), result }]);
                at += 1;
            }
        }
        tally.ended(Duration::from_secs(at));
        tally.report("http://shop", slo)
    }

    #[test]
    fn of_what_served_before_all_counts_since_the_change_began() {
        let seen = report("..x.", "..x.", "....", Some(90.0));
        assert_eq!((seen.checks, seen.failures, seen.counted, seen.counted_failures), (12, 2, 8, 1));
        assert_eq!((seen.availability, seen.met), (87.5, false));
        assert!(report("..x.", "..x.", "....", Some(87.5)).met, "exactly as much as was asked for");
        assert!(report("..x.", "xxxx", "xxxx", None).met, "nothing was asked for");
    }

    #[test]
    fn what_did_not_serve_before_counts_from_its_first_answer_after_the_change() {
        let mended = report("xxx", "xxxx", "xx..", Some(100.0));
        assert_eq!((mended.served_before, mended.counted, mended.met), (Some(false), 2, true));
        let first = report("", "", "x...x", Some(99.0));
        assert_eq!((first.served_before, first.counted, first.availability), (None, 4, 75.0));
        assert!(!first.met);
        let never = report("", "", "xxx", Some(50.0));
        assert_eq!((never.availability, never.met), (0.0, false));
    }

    #[test]
    fn the_longest_gap_goes_from_the_first_failure_to_the_next_success() {
        for (checks, seconds) in [("....", 0.0), (".x..", 1.0), (".x.xxx.", 3.0), ("..xx", 2.0)] {
            assert_eq!(report(".", checks, "", None).longest_gap, seconds, "{checks}");
        }
    }

    #[test]
    fn reasons_are_counted_the_most_frequent_first() {
        let seen = report(".", "xxx", "", None);
        let reasons: Vec<_> = seen.reasons.iter().map(|reason| (reason.reason.as_str(), reason.count)).collect();
        assert_eq!(reasons, [("status 501", 2), ("status 500", 1)]);
    }

    #[test]
    fn latencies_are_of_checks_that_succeeded() {
        let seen = report("", "", "..........x", None);
        assert!((seen.p50 - 4.0).abs() < 0.1 && (seen.p99 - 9.0).abs() < 0.1, "{} {}", seen.p50, seen.p99);
    }
}
