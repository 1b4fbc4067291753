//! Bad stacks are refused, at the line where infra says so too, but for what a schema can't see.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use infra::cloud::fake::catalog::catalog;
use infra::stack::{component_schema, schema};
use jsonschema::Validator;

use crate::unseen::{MISTAKES, UNSEEN};
use crate::{marked, validator, yaml};

/// The mistakes that a case expects, as (message, file, line), but those that are of no place in a file.
fn expected(case: &Path) -> Vec<(String, String, usize)> {
    let text = fs::read_to_string(case.join("expected.txt")).unwrap();
    let mut mistakes = Vec::new();
    let mut message = String::new();
    for line in text.lines() {
        if let Some(text) = line.strip_prefix("error: ") {
            message = text.to_owned();
            mistakes.push((message.clone(), String::new(), 0));
        } else if let Some((_, place)) = line.split_once("--> ")
            && let Some(mistake) = mistakes.last_mut().filter(|mistake| mistake.2 == 0)
        {
            let mut parts = place.rsplitn(3, ':');
            let (_, line, file) = (parts.next(), parts.next().unwrap(), parts.next().unwrap());
            *mistake = (message.clone(), file.to_owned(), line.parse().unwrap());
        }
    }
    mistakes
}

/// What an editor does not mark of a case's mistakes.
fn unseen(case: &Path, stack: &Validator, component: &Validator) -> Vec<String> {
    let mut files = BTreeMap::new();
    let mut unseen = Vec::new();
    for (message, file, line) in expected(case) {
        let lines = files.entry(file.clone()).or_insert_with(|| {
            let text = fs::read_to_string(&file).ok()?;
            // An environment's file has no schema; what is no YAML is marked as such, wherever its end is found.
            let validator = if file.ends_with("/stack.yaml") { stack } else { component };
            match yaml::read(&text) {
                Ok(_) if case.join("arguments.txt").exists() && !file.ends_with("/stack.yaml") => None,
                Ok(read) => Some(Some(marked(validator, &read))),
                Err(_) => Some(None),
            }
        });
        let seen = match lines {
            None => false,
            Some(None) => true,
            Some(Some(lines)) => lines.iter().any(|(marked, _)| *marked == line),
        };
        if !seen {
            unseen.push(message);
        }
    }
    unseen
}

#[test]
fn every_bad_stack_is_marked_where_a_schema_can_see_it() {
    let catalog = catalog();
    let (stack, component) = (validator(&schema(&catalog)), validator(&component_schema(&catalog)));
    let mut cases: Vec<_> = fs::read_dir("tests/bad_stacks").unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    let mut wrong = Vec::new();
    for case in &cases {
        let name = case.file_name().unwrap().to_str().unwrap();
        let unseen = unseen(case, &stack, &component);
        let known = UNSEEN.iter().find(|(case, ..)| *case == name).map_or(0, |(_, count, _)| *count);
        if unseen.len() != known {
            wrong.push(format!("    (\"{name}\", {}, \"\"), // not {known}: {}", unseen.len(), unseen.join(" | ")));
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(UNSEEN.iter().map(|(_, count, _)| count).sum::<usize>(), MISTAKES);
    assert!(UNSEEN.iter().all(|(name, ..)| cases.iter().any(|case| case.ends_with(name))), "a case is gone");
    assert!(UNSEEN.is_sorted_by(|one, next| one.0 < next.0), "the table is to be sorted, each case once");
}
