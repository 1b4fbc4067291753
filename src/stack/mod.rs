//! The stack language: text → [`Document`] → [`Checked`] → [`Graph`], with no I/O but reading files.
//!
//! [`load`] reads a stack and everything it includes and finds every mistake that can be found without a cloud.
//! [`Checked::graph`] then expands it; where that needs to know something of the world it says what, the caller has it
//! answered, and asks again.

mod graph;

pub use graph::{Attributes, Graph, Lifecycle, NoAttributes, Node, OutputNode};
