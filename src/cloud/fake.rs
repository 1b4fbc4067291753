//! A cloud in memory, for tests and benchmarks.

pub mod catalog;
