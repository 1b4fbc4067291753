//! The steps of the end, which come one after another once it is asked for.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// What is kept of the budget for flushing, at most.
const LONGEST_FLUSH: Duration = Duration::from_secs(2);

/// How far the end is. Clones share one state.
#[derive(Debug, Clone)]
pub(crate) struct Ending {
    /// No receive begins any more. Those under way go on, and what they hand out is worked.
    pub(crate) requested: CancellationToken,
    /// Receives under way are cut off.
    pub(crate) receives_cut: CancellationToken,
    /// No receive is under way: what is given back does not come back here.
    pub(crate) receives_ended: CancellationToken,
    /// No mail is begun any more.
    pub(crate) begin_none: CancellationToken,
}

impl Ending {
    /// Makes an end that is asked for by `requested`.
    pub(crate) fn new(requested: CancellationToken) -> Self {
        let token = CancellationToken::new;
        Self { requested, receives_cut: token(), receives_ended: token(), begin_none: token() }
    }

    /// Returns how long mails are begun: what remains of `budget` is for those under way.
    pub(crate) fn begin_within(budget: Duration) -> Duration {
        budget * 3 / 4
    }

    /// Returns when, within `budget`, only flushing is left.
    pub(crate) fn flush_after(budget: Duration) -> Duration {
        budget.saturating_sub(LONGEST_FLUSH.min(budget / 10))
    }
}
