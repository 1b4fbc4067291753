//! What people and programs read: plans, records, reports and errors as text and JSON.

mod change;
mod message;
mod plan;
mod record;
mod report;
mod value;

pub(super) use message::{diagnostics, error};
pub(super) use plan::{plan_json, plan_text};
pub(super) use record::{outputs, resource_json, resource_text, state_json, state_list, state_text};
pub(super) use report::{failures, hint, outcome};
pub(super) use value::masked;
