//! The record of every call, and the limit after which nothing is answered any more.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Serialize;

/// How many calls are kept one by one; all are counted.
const MOST_KEPT: usize = 200_000;

/// One AWS call that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallRecord {
    /// Its place in the order of arrival, from 1.
    pub number: u64,
    /// Milliseconds since the record was started.
    pub at_ms: u64,
    /// The service as the SigV4 scope names it.
    pub service: String,
    /// The region of the SigV4 scope.
    pub region: String,
    /// The operation.
    pub operation: String,
    /// Whether the operation can change something.
    pub changes: bool,
    /// The HTTP status answered; none while under way, or when the connection was dropped.
    pub status: Option<u16>,
    /// AWS's error code, where local-aws itself refused the call.
    pub refused: Option<String>,
    /// Whether the call went wrong on purpose.
    pub fault: bool,
    /// Whether it was done, with success; its answer may have been lost.
    pub done: bool,
    /// Whether it was held, unanswered.
    pub held: bool,
}

/// All calls since the record was last cleared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// How many there were.
    pub total: u64,
    /// How many of them can change something.
    pub changing: u64,
    /// How many of each `service:operation`.
    pub counts: BTreeMap<String, u64>,
    /// Each of them in order; the first 200,000.
    pub calls: Vec<CallRecord>,
}

/// Keeps the record.
#[derive(Debug)]
pub(crate) struct Recorder {
    started: Instant,
    generation: u64,
    seen: Calls,
    /// After how many calls of this record nothing is answered any more.
    cut_after: Option<u64>,
}

/// Where a call stands in the record, to complete it; void once the record is cleared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    generation: u64,
    /// Its number, from 1.
    pub(crate) number: u64,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        let seen = Calls { total: 0, changing: 0, counts: BTreeMap::new(), calls: Vec::new() };
        Self { started: Instant::now(), generation: 0, seen, cut_after: None }
    }

    /// Takes down a call; none if the record is cut off before it.
    pub(crate) fn begin(&mut self, service: &str, region: &str, operation: &str, changes: bool) -> Option<Place> {
        if self.cut_after.is_some_and(|most| self.seen.total >= most) {
            return None;
        }
        self.seen.total += 1;
        self.seen.changing += u64::from(changes);
        *self.seen.counts.entry(format!("{service}:{operation}")).or_default() += 1;
        let number = self.seen.total;
        if self.seen.calls.len() < MOST_KEPT {
            self.seen.calls.push(CallRecord {
                number,
                at_ms: millis(self.started.elapsed()),
                service: service.into(),
                region: region.into(),
                operation: operation.into(),
                changes,
                status: None,
                refused: None,
                fault: false,
                done: false,
                held: false,
            });
        }
        Some(Place { generation: self.generation, number })
    }

    /// Adds what became of the call at `place`.
    pub(crate) fn complete(&mut self, place: Place, note: impl FnOnce(&mut CallRecord)) {
        if place.generation != self.generation {
            return;
        }
        let index = usize::try_from(place.number - 1).unwrap_or(usize::MAX);
        if let Some(record) = self.seen.calls.get_mut(index) {
            note(record);
        }
    }

    /// Starts a new record.
    pub(crate) fn clear(&mut self) {
        let (generation, cut_after) = (self.generation + 1, self.cut_after);
        *self = Self { generation, cut_after, ..Self::new() };
    }

    /// Sets after how many calls of this record nothing is answered any more.
    pub(crate) fn cut_after(&mut self, most: Option<u64>) {
        self.cut_after = most;
    }

    /// Returns after how many calls of this record nothing is answered any more.
    pub(crate) fn limit(&self) -> Option<u64> {
        self.cut_after
    }

    pub(crate) fn calls(&self) -> Calls {
        self.seen.clone()
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_in_order_and_cut_off() {
        let mut recorder = Recorder::new();
        recorder.cut_after(Some(3));
        let begun: Vec<bool> = ["CreateVpc", "DescribeVpcs", "CreateVpc", "DeleteVpc"]
            .map(|operation| {
                recorder.begin("ec2", "us-east-1", operation, !operation.starts_with("Describe")).is_some()
            })
            .into();
        assert_eq!(begun, [true, true, true, false]);
        let calls = recorder.calls();
        assert_eq!((calls.total, calls.changing), (3, 2));
        assert_eq!(calls.counts["ec2:CreateVpc"], 2);
        assert_eq!(calls.calls.iter().map(|call| call.number).collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn a_cleared_record_is_not_completed_by_an_older_call() {
        let mut recorder = Recorder::new();
        let old = recorder.begin("ec2", "us-east-1", "CreateVpc", true).unwrap();
        recorder.clear();
        let new = recorder.begin("ec2", "us-east-1", "DescribeVpcs", false).unwrap();
        recorder.complete(old, |record| record.status = Some(500));
        assert_eq!(recorder.calls().calls[0].status, None);
        recorder.complete(new, |record| record.status = Some(200));
        assert_eq!(recorder.calls().calls[0].status, Some(200));
    }
}
