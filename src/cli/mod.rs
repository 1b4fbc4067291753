//! The command line: the only part that prints.

mod args;
mod draw;
mod error;
mod progress;
mod render;
#[cfg(test)]
mod samples;
mod style;
mod terminal;
