//! Each kind of difference is found, where it is.

use infra::catalog::{Permissions, TypeInfo};
use serde_json::{Value as Json, json};

use crate::cloudformation::Schema;
use crate::compare::differences;

/// What is found of a type with these properties and outputs.
fn found(properties: Json, outputs: Json, create_only: &'static [&'static str]) -> Vec<String> {
    let schema = Schema::new(json!({
        "properties": {
            "Name": {"type": "string", "maxLength": 8},
            "Size": {"$ref": "#/definitions/Size"},
            "Kind": {"type": "string", "enum": ["a", "b"]},
            "Names": {"type": "array", "items": {"type": "string"}},
            "Parts": {"type": "array", "insertionOrder": false, "items": {"$ref": "#/definitions/Part"}},
            "Policy": {"type": ["object", "string"]},
            "Labels": {"type": "object", "patternProperties": {".*": {"type": "string"}}},
            "Arn": {"type": "string"},
        },
        "required": ["Name"],
        "definitions": {
            "Size": {"type": "integer", "minimum": 1},
            "Part": {
                "oneOf": [{"required": ["One"]}, {"required": ["Other"]}],
                "properties": {"One": {"type": "string"}, "Other": {"type": "boolean"}},
            },
        },
        "createOnlyProperties": ["/properties/Name", "/properties/Parts/*/One"],
        "conditionalCreateOnlyProperties": ["/properties/Size"],
        "readOnlyProperties": ["/properties/Arn"],
        "writeOnlyProperties": ["/properties/Policy"],
        "primaryIdentifier": ["/properties/Arn"],
    }));
    let object = |properties: Json| json!({"type": "object", "properties": properties});
    let mut properties = object(properties);
    properties["required"] = json!(["Name"]);
    let kind = TypeInfo {
        name: "Test::A::B",
        properties,
        outputs: object(outputs),
        create_only,
        starts_early: &[],
        unique: &[],
        generated_name: None,
        tags: None,
        warning: None,
        normalize: |_| {},
        permissions: Permissions::default(),
        read_batch: 1,
    };
    differences(&kind, &schema).iter().map(|finding| format!("{} {:?}", finding.path, finding.difference)).collect()
}

const REPLACES: &[&str] = &["Name", "Size", "Parts.One"];

fn same() -> Json {
    json!({
        "Name": {"type": "string", "maxLength": 8},
        "Size": {"type": "integer", "minimum": 1},
        "Kind": {"type": "string", "enum": ["a", "b"]},
        "Names": {"type": "array", "items": {"type": "string"}},
        "Parts": {
            "type": "array", "uniqueItems": true,
            "items": {"type": "object", "properties": {"One": {"type": "string"}, "Other": {"type": "boolean"}}},
        },
        "Policy": {"type": ["object", "string"], "format": "json", "writeOnly": true},
        "Labels": {"type": "object", "additionalProperties": {"type": "string"}},
    })
}

/// What is found where the property at `pointer` is `changed`.
fn changed(pointer: &str, changed: Json) -> Vec<String> {
    let mut properties = same();
    *properties.pointer_mut(pointer).unwrap() = changed;
    found(properties, json!({"Arn": {"type": "string"}}), REPLACES)
}

#[test]
fn none_where_all_is_the_same() {
    assert_eq!(found(same(), json!({"Arn": {"type": "string"}}), REPLACES), [""; 0]);
}

#[test]
fn each_of_values() {
    let cases = [
        ("/Size", json!({"type": "string"}), "Size OtherType"),
        ("/Size", json!({"type": "integer"}), "Size WiderHere"),
        ("/Size", json!({"type": "integer", "minimum": 2}), "Size NarrowerHere"),
        ("/Name", json!({"type": "string", "maxLength": 9}), "Name WiderHere"),
        ("/Kind", json!({"type": "string", "enum": ["a"]}), "Kind ValueThere"),
        ("/Kind", json!({"type": "string", "enum": ["a", "b", "c"]}), "Kind ValueHere"),
        ("/Kind", json!({"type": "string"}), "Kind WiderHere"),
        ("/Names", json!({"type": "array", "uniqueItems": true, "items": {"type": "string"}}), "Names SetHere"),
        ("/Names/items", json!({"type": "integer"}), "Names OtherType"),
        ("/Parts/uniqueItems", json!(false), "Parts SetThere"),
        ("/Parts/items/properties/Other", json!({"type": "string"}), "Parts.Other OtherType"),
        ("/Policy", json!({"type": "object"}), "Policy OtherType"),
        ("/Labels/additionalProperties", json!({"type": "integer"}), "Labels OtherType"),
        ("/Names/writeOnly", json!(true), "Names WriteOnlyHere"),
    ];
    for (pointer, value, finding) in cases {
        let mut properties = same();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        properties.pointer_mut(parent).unwrap()[name] = value;
        assert_eq!(found(properties, json!({}), REPLACES), [finding], "{pointer}");
    }
}

#[test]
fn each_of_names() {
    let part = json!({
        "type": "object", "required": ["One"],
        "properties": {"One": {"type": "string"}, "Othr": {"type": "boolean"}},
    });
    assert_eq!(changed("/Parts/items", part), ["Parts.One RequiredHere", "Parts.Othr NoSuchProperty"]);
    assert_eq!(changed("/Parts/items", json!({"type": "object"})), ["Parts OtherType", "Parts.One ReplacesHere"]);
    let mut nameless = same();
    nameless.as_object_mut().unwrap().remove("Name");
    nameless["Arn"] = json!({"type": "string"});
    let told = json!({"Arn": {"type": "integer"}, "Kind": {"type": "string"}});
    let expected = ["Arn ReadOnlyProperty", "Arn OtherType", "Kind NoSuchOutput"];
    assert_eq!(found(nameless, told, &["Size", "Parts.One"]), expected);
}

#[test]
fn each_of_what_replaces() {
    let expected = ["Kind ReplacesHere", "Parts.One ReplacesThere", "Size ReplacesThere", "Sort ReplacesHere"];
    assert_eq!(found(same(), json!({}), &["Name", "Kind", "Sort"]), expected);
    // A whole that replaces is more than a part of it that does.
    assert_eq!(found(same(), json!({}), &["Name", "Size", "Parts"]), ["Parts.Other ReplacesHere"]);
}
