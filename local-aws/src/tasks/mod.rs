//! Runs ECS tasks: as containers where there is Docker, else as a simulation that behaves as it is told.

mod address;
pub(crate) mod behaviour;
mod caller;
mod definition;
pub(crate) mod docker;
mod logs;
mod orders;
mod prepare;
mod secrets;
mod simulated;
#[cfg(test)]
mod tests;

pub(crate) use behaviour::Behaviours;
pub(crate) use simulated::Simulated;
