//! The API over a queue that does as it is told.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

mod answers;
mod end;
mod refusals;
mod support;
mod wiring;
