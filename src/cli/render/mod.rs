//! What people and programs read: plans, records, reports and errors as text and JSON.

mod change;
mod history;
mod markdown;
mod message;
mod moved;
mod plan;
mod probe;
mod record;
mod report;
mod rollback;
mod status;
mod value;

pub(super) use history::{differences, history};
pub(super) use markdown::{LIMIT as MARKDOWN_LIMIT, plan_markdown};
pub(super) use message::{diagnostics, error};
pub(super) use moved::moved;
pub(super) use plan::{plan_json, plan_text};
pub(super) use probe::{missed, probe};
pub(super) use record::{outputs, resource_json, resource_text, state_json, state_list, state_text};
pub(super) use report::{failures, hint, outcome, warnings};
pub(super) use rollback::{lacks, left};
pub(super) use status::{log_line, log_line_json, status_json, status_text};
pub(super) use value::masked;
