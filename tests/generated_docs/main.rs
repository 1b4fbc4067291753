//! Keeps what is generated from the resource types true: `docs/resources.md` and `docs/stack.schema.json`.
//!
//! `make docs` (which sets `INFRA_BLESS`) writes them anew.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

#[path = "../cloudformation/mod.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod cloudformation;
#[path = "../page/mod.rs"]
mod page;
mod resources;

use cloudformation::Schemas;
use infra::aws;
use infra::stack;

#[test]
fn resources_page_is_what_the_types_say() {
    page::check("resources.md", &resources::page(&aws::catalog(), &Schemas::installed()));
}

#[test]
fn stack_schema_is_what_the_types_say() {
    let schema = stack::schema(&aws::catalog());
    page::check("stack.schema.json", &format!("{}\n", serde_json::to_string_pretty(&schema).unwrap()));
}
