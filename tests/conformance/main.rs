//! Holds every resource type to CloudFormation's schema of it: names, nesting, types, values, and what can change in place.
//!
//! A difference that is meant stands in [`MEANT`], with its reason; one that is no longer there fails too.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

#[path = "../cloudformation/mod.rs"]
#[allow(dead_code, unused_imports, reason = "each test uses a part of it")]
mod cloudformation;
mod compare;
mod differences;
mod meant;

use std::collections::BTreeSet;

use cloudformation::Schemas;
use compare::Finding;
use infra::aws;
use meant::MEANT;

fn findings() -> Vec<Finding> {
    let schemas = Schemas::installed();
    let mut found = Vec::new();
    for kind in aws::catalog().iter() {
        let schema = schemas.of(kind.name).unwrap_or_else(|| panic!("CloudFormation has no type {}", kind.name));
        found.extend(compare::differences(kind, &schema));
    }
    found
}

#[test]
fn every_type_is_what_cloudformation_says_it_is() {
    let found = findings();
    let meant: BTreeSet<_> = MEANT.iter().map(|(kind, path, difference, _)| (*kind, *path, *difference)).collect();
    let unmeant = found.iter().filter(|finding| !meant.contains(&(finding.kind, &finding.path, finding.difference)));
    let unmeant: Vec<String> = unmeant.map(Finding::to_string).collect();
    assert!(unmeant.is_empty(), "{} differences:\n{}", unmeant.len(), unmeant.join("\n"));
}

#[test]
fn what_is_meant_to_differ_does() {
    let found = findings();
    for (kind, path, difference, _) in MEANT {
        let there =
            |finding: &Finding| finding.kind == *kind && finding.path == *path && finding.difference == *difference;
        assert!(found.iter().any(there), "{kind} {path}: no longer {difference:?}; take it out of the table");
    }
    assert!(MEANT.iter().is_sorted_by(|one, next| one < next), "the table is to be sorted, each difference once");
}
