//! The page on resource types, from what the catalogue and CloudFormation's schemas know of them.

use std::sync::Arc;

use infra::catalog::{Catalog, Tagging, TypeInfo};
use serde_json::Value as Json;

use crate::cloudformation::{Coverage, Schemas};

/// All of `docs/resources.md`.
pub(crate) fn page(catalog: &Catalog, schemas: &Schemas) -> String {
    let mut page = String::from(
        "# Resource types\n\n\
         <!-- Generated from the types by `make docs`; a test keeps it true. -->\n\n\
         Names, properties and outputs are CloudFormation's. A property marked **replaces** can't change in place: a new resource is \
         made, what uses it is repointed, then the old one is deleted. An output is read as `${Name.Output}`, and so is every property \
         that the stack gives. The IAM actions are what a run of `infra` needs for the type, beside `sts:GetCallerIdentity` and \
         `ec2:DescribeAvailabilityZones` for lookups.\n\n",
    );
    let coverage = |kind: &TypeInfo| {
        let schema = schemas.of(kind.name).unwrap_or_else(|| panic!("CloudFormation has no type {}", kind.name));
        Coverage::of(kind, &schema)
    };
    let kinds: Vec<_> = catalog.iter().map(|kind| (kind, coverage(kind))).collect();
    summarize(&mut page, &kinds);
    for (kind, coverage) in &kinds {
        describe(&mut page, kind, coverage);
    }
    page
}

/// How much of each type is covered.
fn summarize(page: &mut String, kinds: &[(&Arc<TypeInfo>, Coverage)]) {
    page.push_str(
        "How much of each type is covered, nested properties counted too; what is not is named in the type's section. A count is \
         against CloudFormation's resource schemas, and so is a test of every name, type and value.\n\n\
         | type | properties | outputs |\n|---|---|---|\n",
    );
    let (mut properties, mut outputs) = ((0, 0), (0, 0));
    for (kind, coverage) in kinds {
        let taken = (coverage.properties_taken, coverage.properties);
        let told = (coverage.outputs - coverage.outputs_missing.len(), coverage.outputs);
        let row = format!("{} | {} |\n", share(taken), share(told));
        page.push_str(&format!("| [{}](#{}) | {row}", kind.name, anchor(kind.name)));
        properties = (properties.0 + taken.0, properties.1 + taken.1);
        outputs = (outputs.0 + told.0, outputs.1 + told.1);
    }
    page.push_str(&format!("| {} types | {} | {} |\n", kinds.len(), share(properties), share(outputs)));
}

fn share((some, all): (usize, usize)) -> String {
    match some == all {
        true => format!("all {all}"),
        false => format!("{some} of {all}"),
    }
}

fn anchor(name: &str) -> String {
    name.to_lowercase().replace("::", "")
}

fn describe(page: &mut String, kind: &TypeInfo, coverage: &Coverage) {
    page.push_str(&format!("\n## {}\n\n", kind.name));
    if let Some(text) = text(&kind.properties) {
        page.push_str(&format!("{text}\n\n"));
    }
    if let Some(warning) = kind.warning {
        page.push_str(&format!("**Warning**: {warning}\n\n"));
    }
    if let Some(name) = kind.generated_name {
        page.push_str(&format!(
            "Without `{}` it is named `<stack>-<environment>-<logical name>-<8 characters>`, cut to {} characters.\n\n",
            name.property, name.max_length
        ));
    }
    page.push_str(match kind.tags {
        Some(Tagging::List | Tagging::Map) => "Takes the stack's tags.\n\n",
        None => "Takes no tags.\n\n",
    });
    page.push_str("| property | type | |\n|---|---|---|\n");
    rows(page, &kind.properties, "", Some(kind.create_only));
    let outputs = kind.outputs.get("properties").and_then(Json::as_object);
    if outputs.is_some_and(|outputs| !outputs.is_empty()) {
        page.push_str("\n| output | type | |\n|---|---|---|\n");
        rows(page, &kind.outputs, "", None);
    }
    not_covered(page, coverage);
    let permissions = kind.permissions;
    page.push_str("\nIAM actions:");
    for (verb, actions) in [
        ("create", permissions.create),
        ("read", permissions.read),
        ("update", permissions.update),
        ("delete", permissions.delete),
    ] {
        if !actions.is_empty() {
            let actions: Vec<String> = actions.iter().map(|action| format!("`{action}`")).collect();
            page.push_str(&format!("\n- {verb}: {}", actions.join(", ")));
        }
    }
    page.push('\n');
}

/// What CloudFormation has and infra does not take or tell.
fn not_covered(page: &mut String, coverage: &Coverage) {
    let listed = |paths: &[String]| paths.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
    let parts = [("", &coverage.properties_missing), ("outputs ", &coverage.outputs_missing)];
    let parts = parts.iter().filter(|(_, paths)| !paths.is_empty());
    let parts: Vec<String> = parts.map(|(what, paths)| format!("{what}{}", listed(paths))).collect();
    match parts.is_empty() {
        true => page.push_str("\nAll of CloudFormation's properties and outputs are covered.\n"),
        false => page.push_str(&format!("\nNot covered: {}.\n", parts.join("; "))),
    }
}

/// A row for each property at `path` and below. Outputs have no create-only ones, and are never required.
fn rows(page: &mut String, schema: &Json, path: &str, create_only: Option<&[&str]>) {
    let required: Vec<&str> =
        schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
    for (name, property) in schema.get("properties").and_then(Json::as_object).into_iter().flatten() {
        let full = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let mut marks = Vec::new();
        if create_only.is_some() && required.contains(&name.as_str()) {
            marks.push("required");
        }
        if create_only.is_some_and(|fixed| fixed.contains(&full.as_str())) {
            marks.push("replaces");
        }
        if property.get("writeOnly").is_some() {
            marks.push("AWS never tells it");
        }
        let marks = if marks.is_empty() { String::new() } else { format!("**{}.** ", marks.join(", ")) };
        let about = text(property).unwrap_or_default();
        page.push_str(&format!("| `{full}` | {} | {marks}{about} |\n", type_of(property)));
        if full != "Tags" {
            rows(page, property.get("items").unwrap_or(property), &full, create_only);
        }
    }
}

/// The description in one line that a table's cell can hold.
fn text(schema: &Json) -> Option<String> {
    let text = schema.get("description")?.as_str()?;
    Some(text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|"))
}

fn type_of(schema: &Json) -> String {
    if let Some(values) = schema.get("enum").and_then(Json::as_array) {
        let values: Vec<String> = values
            .iter()
            .map(|value| format!("`{}`", value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
            .collect();
        return values.join(", ");
    }
    if schema.get("format").and_then(Json::as_str) == Some("json") {
        return "document".to_owned();
    }
    match schema.get("type").and_then(Json::as_str) {
        Some("array") => {
            let items = schema.get("items").map_or_else(|| "any".to_owned(), type_of);
            let sort = if schema.get("uniqueItems").is_some() { "set" } else { "list" };
            format!("{sort} of {items}")
        }
        Some("object") => "map".to_owned(),
        Some(plain) => plain.to_owned(),
        None => "any".to_owned(),
    }
}
