//! `docs/stack-language.md` is true: its stacks load, its tables are the language's.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

use std::collections::BTreeMap;

use infra::catalog::{Catalog, Permissions, Tagging, TypeInfo};
use infra::diagnostic::render;
use infra::stack::{Options, functions, load};
use serde_json::json;

const PAGE: &str = include_str!("../docs/stack-language.md");

/// The types that the page uses, open to any property.
fn catalog() -> Catalog {
    let of = |name: &'static str, outputs: &[&str]| {
        let outputs: serde_json::Map<String, serde_json::Value> =
            outputs.iter().map(|output| ((*output).to_owned(), json!({"type": "string"}))).collect();
        TypeInfo {
            name,
            properties: json!({"type": "object"}),
            outputs: json!({"type": "object", "properties": outputs}),
            create_only: &[],
            starts_early: &[],
            unique: &[],
            generated_name: None,
            tags: Some(Tagging::List),
            warning: None,
            normalize: |_| {},
            permissions: Permissions::default(),
            read_batch: 1,
        }
    };
    Catalog::new([
        of("AWS::EC2::VPC", &["VpcId"]),
        of("AWS::EC2::Subnet", &["SubnetId"]),
        of("AWS::SQS::Queue", &["QueueUrl", "Arn"]),
        of("AWS::IAM::Role", &["Arn"]),
        of("AWS::ECS::Cluster", &["Arn"]),
        of("AWS::ECS::Service", &["ServiceArn"]),
    ])
}

/// The YAML blocks whose first line is `# a whole <kind>`.
fn blocks(kind: &str) -> Vec<&'static str> {
    let begin = format!("# a whole {kind}\n");
    let fenced = PAGE.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    fenced.filter(|block| block.starts_with(&begin)).collect()
}

fn check(files: &[(&str, &str)]) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let options = Options { variables: BTreeMap::new(), ..Options::default() };
    if let Err(mistakes) = load(folder.path(), &options, &catalog()) {
        panic!("{}", render(&mistakes, false));
    }
}

#[test]
fn its_whole_stacks_load() {
    let stacks = blocks("stack");
    assert!(stacks.len() >= 4);
    stacks.iter().for_each(|stack| check(&[("stack.yaml", stack)]));
}

#[test]
fn its_whole_components_load() {
    let components = blocks("component");
    assert!(!components.is_empty());
    for component in components {
        let stack = "stack: user\nregion: eu-1\nresources:\n  Mail: { component: ./c.yaml, with: { attempts: 3 } }\n\
                     outputs:\n  mail: ${Mail.arn}\n";
        check(&[("stack.yaml", stack), ("c.yaml", component)]);
    }
}

#[test]
fn its_table_of_functions_is_the_languages() {
    let table: String = functions().map(|(signature, about)| format!("| `{signature}` | {about} |\n")).collect();
    assert!(PAGE.contains(&table), "the table should be:\n{table}");
}
