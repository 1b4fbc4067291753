//! The engine as a whole, from the text of a stack to a cloud in memory, on virtual time.

#![allow(clippy::unwrap_used)]

mod support;

mod crash;
mod deposed;
mod drift;
mod failure;
mod growth;
mod interrupt;
mod order;
mod replace;
mod secret;
mod selection;
mod told;
mod unsure;
mod values;
