//! The record of calls, for tests of order, counts and batching.

use std::time::Duration;

use crate::address::{Address, Id};
use crate::cloud::ErrorKind;

/// A kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// [`Cloud::lookup`](crate::cloud::Cloud::lookup)
    Lookup,
    /// [`Cloud::read`](crate::cloud::Cloud::read), once for each batch
    Read,
    /// [`Cloud::create`](crate::cloud::Cloud::create)
    Create,
    /// [`Cloud::settle`](crate::cloud::Cloud::settle)
    Settle,
    /// [`Cloud::update`](crate::cloud::Cloud::update)
    Update,
    /// [`Cloud::delete`](crate::cloud::Cloud::delete)
    Delete,
    /// [`Cloud::find`](crate::cloud::Cloud::find)
    Find,
}

impl Verb {
    /// Whether such a call may change something.
    pub fn changes(self) -> bool {
        matches!(self, Self::Create | Self::Settle | Self::Update | Self::Delete)
    }
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its kind.
    pub verb: Verb,
    /// The resource type; empty for a lookup.
    pub type_name: String,
    /// The resource that it was for; none for lookups and reads.
    pub address: Option<Address>,
    /// The ids that it named.
    pub ids: Vec<Id>,
    /// When it began.
    pub began: Moment,
    /// When it was answered, if it was.
    pub ended: Option<Moment>,
    /// How it failed, if it did.
    pub error: Option<ErrorKind>,
}

/// When something happened: comparable also where it took no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// Its place among all beginnings and ends of calls.
    pub order: usize,
    /// The time since the cloud was built, by tokio's clock.
    pub time: Duration,
}

impl Call {
    /// Whether this call had been answered when `other` began.
    pub fn is_before(&self, other: &Call) -> bool {
        self.ended.is_some_and(|ended| ended < other.began)
    }

    /// Whether it was answered, and well.
    pub fn succeeded(&self) -> bool {
        self.ended.is_some() && self.error.is_none()
    }
}

/// All calls.
#[derive(Debug, Default)]
pub(super) struct Record {
    calls: Vec<Call>,
    moments: usize,
    /// How many calls were forgotten; they may end yet.
    forgotten: usize,
}

impl Record {
    pub(super) fn calls(&self) -> &[Call] {
        &self.calls
    }

    pub(super) fn clear(&mut self) {
        self.forgotten += self.calls.len();
        self.calls.clear();
    }

    /// Records that a call begins; returns what to end it by.
    pub(super) fn begin(
        &mut self,
        verb: Verb,
        type_name: &str,
        address: Option<&Address>,
        ids: &[Id],
        time: Duration,
    ) -> usize {
        let began = self.moment(time);
        let (type_name, address, ids) = (type_name.to_owned(), address.cloned(), ids.to_vec());
        self.calls.push(Call { verb, type_name, address, ids, began, ended: None, error: None });
        self.forgotten + self.calls.len() - 1
    }

    /// Records that a call is answered.
    pub(super) fn end(&mut self, call: usize, time: Duration, error: Option<ErrorKind>) {
        let ended = self.moment(time);
        if let Some(call) = call.checked_sub(self.forgotten).and_then(|index| self.calls.get_mut(index)) {
            call.ended = Some(ended);
            call.error = error;
        }
    }

    fn moment(&mut self, time: Duration) -> Moment {
        self.moments += 1;
        Moment { order: self.moments, time }
    }
}
