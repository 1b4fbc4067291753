//! Carrying out a plan: the only part that changes anything.

mod event;

pub use event::{Activity, Event, Failure, Outcome, Report};
