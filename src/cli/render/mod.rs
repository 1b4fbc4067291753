//! What people and programs read: plans, reports and events as text and JSON.

mod change;
mod plan;
mod report;
mod value;

pub(super) use plan::{plan_json, plan_text};
pub(super) use report::{failures, outcome};
