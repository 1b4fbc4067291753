//! What holds of every type in the table.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::*;
use crate::catalog::Tagging;

fn each(test: impl Fn(&TypeInfo)) {
    TYPES.iter().for_each(|kind| test(&kind.info()));
}

/// The schema of the property at `path`, `A.B`; of a list, in its elements.
fn property<'a>(schema: &'a Json, path: &str) -> Option<&'a Json> {
    path.split('.').try_fold(schema, |schema, name| schema.get("items").unwrap_or(schema).get("properties")?.get(name))
}

#[test]
fn types_are_sorted_and_unique() {
    let names: Vec<_> = TYPES.iter().map(|kind| kind.name()).collect();
    let sorted: Vec<_> = names.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    assert_eq!(names, sorted);
}

#[test]
fn schemas_are_closed_objects_whose_properties_are_named_as_cloudformation_does_and_documented() {
    fn check(name: &str, schema: &Json) {
        if let Some(properties) = schema.get("properties").and_then(Json::as_object) {
            assert_eq!(schema["additionalProperties"], false, "{name} takes unknown properties");
            for (key, child) in properties {
                let path = format!("{name}.{key}");
                assert!(key.starts_with(|c: char| c.is_ascii_uppercase()), "{path} is not in PascalCase");
                assert!(child.get("description").is_some(), "{path} has no description");
                assert!(child.get("$ref").is_none(), "{path} is not self-contained");
                check(&path, child);
            }
        }
        if let Some(items) = schema.get("items") {
            check(&format!("{name}[]"), items);
        }
    }
    each(|info| {
        assert_eq!(info.properties["type"], "object", "{}", info.name);
        assert!(info.properties.get("description").is_some(), "{} has no description", info.name);
        check(info.name, &info.properties);
    });
}

#[test]
fn outputs_are_documented_and_not_properties_too() {
    each(|info| {
        for (name, schema) in info.outputs["properties"].as_object().into_iter().flatten() {
            assert!(property(&info.properties, name).is_none(), "{}.{name} is both", info.name);
            assert!(schema.get("description").is_some(), "{}.{name} has no description", info.name);
        }
    });
}

#[test]
fn every_property_that_is_named_exists() {
    each(|info| {
        let generated = info.generated_name.map(|name| name.property);
        let named = info.create_only.iter().chain(info.starts_early).chain(info.unique.iter().copied().flatten());
        for name in named.copied().chain(generated) {
            assert!(property(&info.properties, name).is_some(), "{} has no property {name}", info.name);
        }
    });
}

#[test]
fn tags_are_a_property_of_those_that_take_them_and_of_no_other() {
    each(|info| {
        let kind = info.tags.map(|tagging| if tagging == Tagging::List { "array" } else { "object" });
        let tags = property(&info.properties, "Tags").and_then(|tags| tags.get("type")).and_then(Json::as_str);
        assert_eq!(tags, kind, "{}", info.name);
    });
}

#[test]
fn permissions_are_actions_of_all_parts_of_a_life() {
    each(|info| {
        let parts = info.permissions;
        for (part, actions) in [("create", parts.create), ("read", parts.read), ("delete", parts.delete)] {
            assert!(!actions.is_empty(), "{} needs no permission to {part}", info.name);
        }
        for action in [parts.create, parts.read, parts.update, parts.delete].concat() {
            assert!(action.contains(':'), "{}: `{action}` is no IAM action", info.name);
        }
    });
}

#[test]
fn a_batch_is_at_least_one() {
    each(|info| assert!(info.read_batch >= 1, "{}", info.name));
}

#[test]
fn a_type_is_found_by_its_name_and_no_other_is() {
    each(|info| assert_eq!(by_name(info.name).map(|kind| kind.name()), Ok(info.name)));
    assert_eq!(by_name("AWS::EC2::Vpc").map(|kind| kind.name()).map_err(|error| error.kind), Err(ErrorKind::Invalid));
}
