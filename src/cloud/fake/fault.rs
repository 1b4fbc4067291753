//! What goes wrong on purpose.

use std::time::Duration;

use super::Verb;
use crate::address::Address;
use crate::cloud::{CloudError, Detail, ErrorKind};

/// Which calls go wrong, and how.
#[derive(Clone, Debug)]
pub struct Fault {
    verb: Option<Verb>,
    type_name: Option<String>,
    address: Option<Address>,
    skip: usize,
    times: usize,
    effect: Effect,
}

/// How a call goes wrong.
#[derive(Clone, Debug)]
pub enum Effect {
    /// It fails, and does nothing.
    Fail(CloudError),
    /// It is carried out, but its answer is lost.
    LoseAnswer,
    /// It is carried out, but its answer is an error: of a repetition, or of a server that fell over after the work.
    DoAndFail(CloudError),
    /// It is carried out, and says what the user should know.
    Warn(Detail),
    /// It takes longer.
    Delay(Duration),
    /// It never reaches the cloud and is never answered.
    Hang,
    /// It is carried out, but never answered.
    DoAndHang,
}

impl Fault {
    /// One call of any kind, the next one, goes wrong.
    pub fn new(effect: Effect) -> Self {
        Self { verb: None, type_name: None, address: None, skip: 0, times: 1, effect }
    }

    /// The next call of a kind fails with an error of that kind.
    pub fn fail(verb: Verb, kind: ErrorKind) -> Self {
        let error = CloudError::new(kind, format!("fake:{verb:?}"), "failed on purpose");
        Self::new(Effect::Fail(error)).on(verb)
    }

    /// The next call of a kind is carried out, and fails with an error of that kind.
    pub fn do_and_fail(verb: Verb, kind: ErrorKind) -> Self {
        let error = CloudError::new(kind, format!("fake:{verb:?}"), "failed on purpose");
        Self::new(Effect::DoAndFail(error)).on(verb)
    }

    /// Only calls of this kind.
    #[must_use]
    pub fn on(mut self, verb: Verb) -> Self {
        self.verb = Some(verb);
        self
    }

    /// Only calls on resources of this type.
    #[must_use]
    pub fn of(mut self, type_name: &str) -> Self {
        self.type_name = Some(type_name.to_owned());
        self
    }

    /// Only calls for the resource at this address. Reads and lookups are for none.
    #[must_use]
    pub fn at(mut self, address: impl Into<Address>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// Not before the `nth` of these calls, counted from 1.
    #[must_use]
    pub fn nth(mut self, nth: usize) -> Self {
        self.skip = nth.saturating_sub(1);
        self
    }

    /// So many of these calls.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// All of these calls.
    #[must_use]
    pub fn always(self) -> Self {
        self.times(usize::MAX)
    }

    fn is_for(&self, verb: Verb, type_name: &str, address: Option<&Address>) -> bool {
        self.verb.is_none_or(|of| of == verb)
            && self.type_name.as_ref().is_none_or(|of| of == type_name)
            && self.address.as_ref().is_none_or(|of| Some(of) == address)
    }
}

/// The faults that are yet to strike.
#[derive(Debug, Default)]
pub(super) struct Faults {
    faults: Vec<Fault>,
}

impl Faults {
    pub(super) fn add(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// What befalls a call: the first fault whose turn it is. All faults count the call.
    pub(super) fn strike(&mut self, verb: Verb, type_name: &str, address: Option<&Address>) -> Option<Effect> {
        let mut effect = None;
        for fault in &mut self.faults {
            if !fault.is_for(verb, type_name, address) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
            } else if effect.is_none() && fault.times > 0 {
                fault.times -= 1;
                effect = Some(fault.effect.clone());
            }
        }
        self.faults.retain(|fault| fault.times > 0);
        effect
    }
}
