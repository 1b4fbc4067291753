//! What goes wrong on purpose, and when.

use infra::cloud::ErrorKind;
use infra::cloud::fake::Verb;

/// Something that goes wrong in a run.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) place: Place,
    /// How many such places are passed first.
    pub(crate) nth: u8,
    pub(crate) effect: Effect,
}

/// Which steps of a run a fault is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Any,
    /// Calls that may change something.
    Change,
    Append,
    Call(Verb),
    /// Reading the log.
    Load,
    /// Writing a snapshot.
    Snapshot,
}

impl Place {
    /// Those that a run passes seldom.
    pub(crate) const NARROW: [Self; 9] = [
        Self::Call(Verb::Lookup),
        Self::Call(Verb::Read),
        Self::Call(Verb::Create),
        Self::Call(Verb::Settle),
        Self::Call(Verb::Update),
        Self::Call(Verb::Delete),
        Self::Call(Verb::Find),
        Self::Load,
        Self::Snapshot,
    ];

    fn holds(self, step: Step) -> bool {
        match (self, step) {
            (Self::Any, _) | (Self::Append, Step::Append) | (Self::Load, Step::Load) => true,
            (Self::Snapshot, Step::Snapshot) => true,
            (Self::Change, Step::Call(verb)) => verb.changes(),
            (Self::Call(of), Step::Call(verb)) => of == verb,
            _ => false,
        }
    }
}

/// A step of a run: all that it does that others can see, or that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Call(Verb),
    Append,
    Load,
    Snapshot,
}

impl Step {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Call(Verb::Lookup) => "lookup",
            Self::Call(Verb::Read) => "read",
            Self::Call(Verb::Create) => "create",
            Self::Call(Verb::Settle) => "settle",
            Self::Call(Verb::Update) => "update",
            Self::Call(Verb::Delete) => "delete",
            Self::Call(Verb::Find) => "find",
            Self::Append => "append",
            Self::Load => "load",
            Self::Snapshot => "snapshot",
        }
    }
}

/// When in a step a process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timing {
    Before,
    /// What was sent arrives and is carried out later.
    UnderWay,
    /// It was carried out; the answer is not heard.
    After,
    /// Half of what was to be written is there.
    Torn,
}

impl Timing {
    pub(crate) const ALL: [Self; 4] = [Self::Before, Self::UnderWay, Self::After, Self::Torn];
}

/// How something goes wrong. What a step can't do it does in the nearest way.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// The process dies.
    Crash(Timing),
    /// The answer is lost; the step was carried out, or never arrived.
    Lose { done: bool },
    /// Throttled for longer than anybody retries.
    Throttle,
    /// Refused, for one of several reasons: nothing was done.
    Refuse(u8),
    /// It fails in a way that tells nothing of what was done.
    Break { done: bool, kind: u8 },
    /// It fails with half of it done.
    Half,
    /// From now on the credentials are no longer good.
    Expire,
    /// From now on nothing can be written.
    FullDisk,
    /// For so many seconds the state can't be reached.
    Unreachable(u16),
    /// The process stands still for so many seconds: before the step, or while it waits for the answer.
    Freeze { before: bool, seconds: u16 },
    /// The first Ctrl-C.
    Drain,
    /// The first Ctrl-C, and the second so many tenths of a second later.
    Stop(u16),
}

impl Effect {
    /// All names, for none of them to be forgotten.
    pub(crate) const NAMES: [&'static str; 18] = [
        "crash before",
        "crash under way",
        "crash after",
        "crash in the middle of a write",
        "answer lost, carried out",
        "answer lost, not carried out",
        "throttled",
        "refused",
        "failed, carried out",
        "failed, not carried out",
        "failed halfway",
        "credentials expired",
        "disk full",
        "state unreachable",
        "frozen before",
        "frozen while waiting",
        "first Ctrl-C",
        "second Ctrl-C",
    ];

    pub(crate) fn name(&self) -> &'static str {
        Self::NAMES[match self {
            Self::Crash(Timing::Before) => 0,
            Self::Crash(Timing::UnderWay) => 1,
            Self::Crash(Timing::After) => 2,
            Self::Crash(Timing::Torn) => 3,
            Self::Lose { done: true } => 4,
            Self::Lose { done: false } => 5,
            Self::Throttle => 6,
            Self::Refuse(_) => 7,
            Self::Break { done: true, .. } => 8,
            Self::Break { done: false, .. } => 9,
            Self::Half => 10,
            Self::Expire => 11,
            Self::FullDisk => 12,
            Self::Unreachable(_) => 13,
            Self::Freeze { before: true, .. } => 14,
            Self::Freeze { before: false, .. } => 15,
            Self::Drain => 16,
            Self::Stop(_) => 17,
        }]
    }

    /// What the effect comes to in this step.
    fn at(self, step: Step) -> Self {
        match (self, step) {
            (Self::Crash(Timing::Torn), Step::Call(_) | Step::Load) => Self::Crash(Timing::UnderWay),
            (Self::Half, Step::Call(verb)) if verb != Verb::Update => Self::Break { done: true, kind: 0 },
            (Self::Half, Step::Load) => Self::Break { done: true, kind: 0 },
            // Nothing but the record comes between a look at the lease and its call; what is frozen in a call is
            // frozen while it waits.
            (Self::Freeze { seconds, .. }, Step::Call(_)) => Self::Freeze { before: false, seconds },
            (effect, _) => effect,
        }
    }
}

/// The faults of one run that are yet to strike.
#[derive(Debug)]
pub(crate) struct Plan(Vec<Fault>);

impl Plan {
    pub(crate) fn new(faults: &[Fault]) -> Self {
        Self(faults.to_vec())
    }

    /// What befalls a step: the first fault whose turn it is. All faults count the step.
    pub(crate) fn strike(&mut self, step: Step) -> Option<Effect> {
        let mut struck = None;
        for (index, fault) in self.0.iter_mut().enumerate() {
            if !fault.place.holds(step) {
                continue;
            }
            if fault.nth > 0 {
                fault.nth -= 1;
            } else if struck.is_none() {
                struck = Some(index);
            }
        }
        struck.map(|index| self.0.remove(index).effect.at(step))
    }
}

/// What a call can be refused for.
pub(crate) fn refusal(verb: Verb, which: u8) -> ErrorKind {
    use ErrorKind::{Conflict, Denied, InUse, Invalid, NotFound, Quota, Unsettled};
    let kinds: &[ErrorKind] = match verb {
        Verb::Create => &[Invalid, Denied, Conflict, Quota, NotFound],
        Verb::Update => &[Invalid, Denied, Conflict, Quota],
        Verb::Delete => &[InUse, Denied, Conflict],
        Verb::Settle => &[Unsettled, Denied],
        Verb::Lookup | Verb::Read | Verb::Find => &[Denied],
    };
    kinds[usize::from(which) % kinds.len()]
}

/// How a call can fail so that nobody knows what was done.
pub(crate) fn unclear(verb: Verb, which: u8) -> ErrorKind {
    use ErrorKind::{Credentials, Other, Throttled, Unavailable, Unsettled};
    let kinds: &[ErrorKind] = match verb {
        Verb::Update | Verb::Delete | Verb::Settle => &[Unavailable, Unsettled, Other, Throttled],
        _ => &[Unavailable, Other, Throttled, Credentials],
    };
    kinds[usize::from(which) % kinds.len()]
}
