//! Good stacks are taken.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use infra::cloud::fake::catalog::catalog;
use infra::diagnostic::render;
use infra::stack::{Options, component_schema, load, schema};
use jsonschema::Validator;

use crate::{marked, validator, yaml};

fn takes(validator: &Validator, name: &str, text: &str) {
    let file = yaml::read(text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let marked = marked(validator, &file);
    assert!(marked.is_empty(), "{name} is refused: {marked:#?}");
}

/// The YAML blocks of a page.
#[cfg(feature = "aws")]
fn blocks(page: &str) -> Vec<&str> {
    page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[cfg(feature = "aws")]
#[test]
fn every_stack_and_component_of_the_repository() {
    let catalog = infra::aws::catalog();
    let (stack, component) = (validator(&schema(&catalog)), validator(&component_schema(&catalog)));
    let mut folders = vec![Path::new("stacks").to_owned()];
    let (mut stacks, mut components) = (0, 0);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap_or_default();
            let name = path.display().to_string();
            if path.ends_with("stack.yaml") {
                takes(&stack, &name, &text);
                stacks += 1;
            } else if name.contains("/components/") && name.ends_with(".yaml") {
                takes(&component, &name, &text);
                components += 1;
            }
        }
    }
    assert!(stacks >= 1 && components >= 6, "{stacks} stacks, {components} components");
}

#[cfg(feature = "aws")]
#[test]
fn every_whole_stack_and_component_of_the_documentation() {
    let catalog = infra::aws::catalog();
    let (stack, component) = (validator(&schema(&catalog)), validator(&component_schema(&catalog)));
    let mut count = 0;
    for entry in fs::read_dir("docs").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "md") {
            continue;
        }
        let page = fs::read_to_string(&path).unwrap();
        for block in blocks(&page) {
            let name = format!("{}: {}", path.display(), block.lines().next().unwrap_or_default());
            if block.starts_with("# a whole stack") || block.starts_with("stack:") {
                takes(&stack, &name, block);
                count += 1;
            } else if block.starts_with("# a whole component") {
                takes(&component, &name, block);
                count += 1;
            }
        }
    }
    assert!(count >= 5, "{count} blocks");
}

const EMPTY: &str = "stack: a\nparameters:\nlocals:\nresources:\nexisting:\noutputs:\nmoved:\nforget:\n";

/// Stacks with all that the language has, of the types that tests share.
#[test]
fn every_way_to_write_a_stack() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("stack.yaml"), EMPTY.to_owned() + "region: eu-1\n").unwrap();
    for path in [Path::new("tests/stack_schema/everything.yaml"), folder.path()] {
        let options = Options { variables: BTreeMap::new(), ..Options::default() };
        if let Err(mistakes) = load(path, &options, &catalog()) {
            panic!("{}", render(&mistakes, false));
        }
    }
    let catalog = catalog();
    let (stack, component) = (validator(&schema(&catalog)), validator(&component_schema(&catalog)));
    takes(&stack, "everything", include_str!("everything.yaml"));
    takes(&component, "a component of everything", include_str!("everything_component.yaml"));
    takes(&stack, "a stack with nothing in its sections", EMPTY);
}
