//! Keeps what is generated from the resource types true: `docs/resources.md` and `docs/stack.schema.json`.
//!
//! `make docs` (which sets `INFRA_BLESS`) writes them anew.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

#[path = "../cloudformation/mod.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod cloudformation;
mod resources;

use std::path::Path;
use std::{env, fs};

use cloudformation::Schemas;
use infra::aws;
use infra::stack;

fn check(name: &str, generated: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    if env::var_os("INFRA_BLESS").is_some() {
        fs::write(&path, generated).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    let differs = written.lines().zip(generated.lines()).position(|(left, right)| left != right);
    assert!(
        written == generated,
        "docs/{name} is not what the types say, from line {}; run `make docs`",
        differs.unwrap_or_else(|| written.lines().count().min(generated.lines().count())) + 1
    );
}

#[test]
fn resources_page_is_what_the_types_say() {
    check("resources.md", &resources::page(&aws::catalog(), &Schemas::installed()));
}

#[test]
fn stack_schema_is_what_the_types_say() {
    let schema = stack::schema(&aws::catalog());
    check("stack.schema.json", &format!("{}\n", serde_json::to_string_pretty(&schema).unwrap()));
}
